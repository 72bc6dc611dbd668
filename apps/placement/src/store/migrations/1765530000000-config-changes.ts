import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How often what is in force or tried has changed: who publishes it looks at this number, not at every document. */
export class ConfigChanges1765530000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table config_changes (
        singleton boolean primary key default true check (singleton),
        count bigint not null default 0
      )`);
    await runner.query(`insert into config_changes default values`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table config_changes`);
  }
}
