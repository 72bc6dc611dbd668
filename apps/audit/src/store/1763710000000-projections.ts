import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Projections fill tables of their epoch, copied from an empty one (`_v1`, the shape), and reads go through a view. The
 * trail that is there becomes the table of its first epoch, with all it holds.
 */
export class Projections1763710000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table record rename to record_e1');
    await runner.query('create table record_v1 (like record_e1 including all)');
    await runner.query('create view record as select * from record_e1');
    await runner.query(`
      create table aggregate_summary_v1 (
        aggregate_type text not null,
        aggregate_id text not null,
        version bigint not null,
        first_position bigint not null,
        first_time timestamptz not null,
        last_position bigint not null,
        last_time timestamptz not null,
        event_counts jsonb not null,
        last_type text not null,
        last_principal text not null,
        tenant_id text,
        primary key (aggregate_type, aggregate_id)
      )`);
    await runner.query('create unique index on aggregate_summary_v1 (last_position)');
    await runner.query('create index on aggregate_summary_v1 (aggregate_type, last_position)');
    await runner.query('create index on aggregate_summary_v1 (aggregate_id text_pattern_ops)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop view if exists aggregate_summary');
    await runner.query('drop table if exists aggregate_summary_v1, aggregate_summary_e1');
    await runner.query('drop view record');
    await runner.query('drop table record_v1');
    await runner.query('alter table record_e1 rename to record');
  }
}
