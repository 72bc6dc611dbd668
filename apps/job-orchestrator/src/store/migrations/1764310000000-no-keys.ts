import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Steps and places in line are written and deleted by the functions that do so with their job, in one statement: a foreign key of theirs would
 * look the job up again for each row.
 */
export class NoKeys1764310000000 implements MigrationInterface {
  name = 'NoKeys1764310000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table step drop constraint step_job_id_fkey`);
    await runner.query(`alter table lock drop constraint lock_job_id_fkey`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table step add foreign key (job_id) references job`);
    await runner.query(`alter table lock add foreign key (job_id) references job`);
  }
}
