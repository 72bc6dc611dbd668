import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The last known health of every endpoint, and when the last complete round was taken. */
export class Snapshot1763700000000 implements MigrationInterface {
  readonly name = 'Snapshot1763700000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table endpoint_health (
        endpoint_key text primary key,
        taken_at     timestamptz not null,
        health       jsonb not null
      )`);
    // Rewritten every few seconds: room in the page keeps updates off the index.
    await runner.query(`alter table endpoint_health set (fillfactor = 50)`);
    await runner.query(`create table round (singleton boolean primary key default true check (singleton), taken_at timestamptz)`);
    await runner.query(`insert into round (taken_at) values (null)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table round');
    await runner.query('drop table endpoint_health');
  }
}
