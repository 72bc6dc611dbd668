import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The trail. A record's key is its event's position, so a page is a range of the key, and each filter's index
 * ends in the position: pages come newest first without a sort.
 */
export class Record1763700000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table record (
        position bigint primary key,
        time timestamptz not null,
        action text not null,
        principal text not null,
        via text,
        tenant_id text,
        resource_type text not null,
        resource_id text not null,
        request_id text not null,
        correlation_id text not null,
        trace_id text,
        job_id text,
        step text,
        reason text,
        outcome text not null check (outcome in ('requested', 'succeeded', 'failed', 'denied')),
        details jsonb not null
      )`);
    await runner.query('create index record_time on record (time, position)');
    // text_pattern_ops serves equality and prefixes whatever the database's collation is.
    await runner.query('create index record_action on record (action text_pattern_ops, position)');
    await runner.query('create index record_principal on record (principal, position)');
    await runner.query('create index record_request on record (request_id, position)');
    await runner.query('create index record_correlation on record (correlation_id, position)');
    for (const column of ['tenant_id', 'trace_id', 'job_id']) {
      await runner.query(`create index record_${column} on record (${column}, position) where ${column} is not null`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table record');
  }
}
