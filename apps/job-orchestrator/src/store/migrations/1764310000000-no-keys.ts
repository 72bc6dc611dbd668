import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Steps and places in line are written and deleted by the functions that do so with their job, in one statement: a foreign key of theirs would
 * look the job up again for each row.
 */
export class NoKeys1764310000000 implements MigrationInterface {
  name = 'NoKeys1764310000000';

  async up(runner: QueryRunner): Promise<void> {
    // All at once or none: whoever writes jobs meanwhile may hold what comes later here, and wait for what is held.
    await runner.query(`
      do $$ begin
        perform set_config('lock_timeout', '500ms', true);
        for attempt in 1 .. 100 loop
          begin
            lock table job, lock, step in access exclusive mode;
            exit;
          exception when lock_not_available then
            if attempt = 100 then raise; end if;
          end;
        end loop;
        perform set_config('lock_timeout', '0', true);
      end $$`);
    await runner.query(`alter table step drop constraint step_job_id_fkey`);
    await runner.query(`alter table lock drop constraint lock_job_id_fkey`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table step add foreign key (job_id) references job`);
    await runner.query(`alter table lock add foreign key (job_id) references job`);
  }
}
