import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Commands by idempotency key, and the highest fence seen per resource. */
export class Command1763700000000 implements MigrationInterface {
  readonly name = 'Command1763700000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table command (
        idempotency_key text primary key,
        request_hash    text not null,
        operation       text not null,
        resource        text not null,
        request         jsonb not null,
        fence           bigint not null,
        attempt         integer not null,
        status          text not null check (status in ('issued', 'succeeded', 'failed')),
        reason          text not null,
        job_id          text,
        step            text,
        response        jsonb,
        error           jsonb,
        issued_at       timestamptz not null default clock_timestamp(),
        asked_at        timestamptz not null default clock_timestamp(),
        finished_at     timestamptz
      )`);
    await runner.query(`create index command_by_resource on command (resource, issued_at)`);
    await runner.query(`
      create table fence (
        resource   text primary key,
        highest    bigint not null,
        raised_at  timestamptz not null default clock_timestamp()
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table fence');
    await runner.query('drop table command');
  }
}
