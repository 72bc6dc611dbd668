import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What happened to each endpoint, and how steady it is. */
export class EndpointHistory1765300000000 implements MigrationInterface {
  readonly name = 'EndpointHistory1765300000000';

  async up(runner: QueryRunner): Promise<void> {
    // told: null when what was told last is the health beside it.
    await runner.query('alter table endpoint_health add column stability jsonb, add column told jsonb');
    await runner.query(`
      create table endpoint_history (
        endpoint_key text not null,
        sequence     bigint generated always as identity,
        at           timestamptz not null,
        what         text not null,
        was          text not null,
        is_now       text not null,
        problem      text not null,
        primary key (endpoint_key, sequence)
      )`);
    // What is too old goes.
    await runner.query('create index endpoint_history_at on endpoint_history (at)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table endpoint_history');
    await runner.query('alter table endpoint_health drop column told, drop column stability');
  }
}
