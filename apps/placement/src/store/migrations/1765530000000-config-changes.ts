import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How often what is in force or tried has changed, and of each document when it did last: who publishes looks for what is new, not at every document. */
export class ConfigChanges1765530000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table config_changes (
        singleton boolean primary key default true check (singleton),
        count bigint not null default 0
      )`);
    await runner.query(`insert into config_changes default values`);
    await runner.query(`alter table config_document add column changed bigint not null default 0`);
    await runner.query(`create index config_document_changed on config_document (changed)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table config_document drop column changed`);
    await runner.query(`drop table config_changes`);
  }
}
