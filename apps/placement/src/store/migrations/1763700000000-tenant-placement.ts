import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Tenants, shards and who is placed where. Ids compare by bytes (collation C), as readers in any language sort them.
 * Every change takes the one row of `meta` first and raises its revision: revisions come in commit order.
 */
export class TenantPlacement1763700000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table meta (
        singleton boolean primary key default true check (singleton),
        revision bigint not null default 0,
        epoch bigint not null default 1
      )`);
    await runner.query(`insert into meta default values`);
    // Apart from meta: what is written after each publication must not wait for changes, nor they for it.
    await runner.query(`
      create table publication (
        singleton boolean primary key default true check (singleton),
        -- The newest version that was published.
        epoch bigint not null default 0,
        revision bigint not null default 0,
        -- When the KV bucket that holds it was created; null until the epoch's first publication.
        bucket_created text,
        -- The highest sequence known of any such bucket: one made anew begins above it.
        bucket_sequence bigint not null default 0
      )`);
    await runner.query(`insert into publication default values`);
    await runner.query(`
      create table shard (
        kind text collate "C" not null,
        shard_id text collate "C" not null,
        endpoints jsonb not null,
        weight integer not null check (weight >= 1),
        labels jsonb not null,
        state text not null check (state in ('active', 'cordoned')),
        -- Assignments that name this shard, kept by the statements that write them.
        tenants integer not null default 0 check (tenants >= 0),
        revision bigint not null,
        primary key (kind, shard_id)
      )`);
    await runner.query(`create index shard_revision on shard (revision)`);
    await runner.query(`
      create table tenant (
        tenant_id text collate "C" primary key,
        name text not null,
        -- The placement asked for at registration, to tell a repeat from another registration.
        requested jsonb not null,
        revision bigint not null,
        created_at timestamptz not null default now()
      )`);
    await runner.query(`
      create table assignment (
        tenant_id text collate "C" not null references tenant,
        kind text collate "C" not null,
        shard_id text collate "C" not null,
        revision bigint not null,
        primary key (tenant_id, kind),
        foreign key (kind, shard_id) references shard
      )`);
    await runner.query(`create index assignment_shard on assignment (kind, shard_id, tenant_id)`);
    await runner.query(`create index assignment_revision on assignment (revision)`);
    await runner.query(`
      create table fence (
        tenant_id text collate "C" primary key references tenant,
        highest bigint not null
      )`);
    await runner.query(`
      create table move (
        idempotency_key text primary key,
        tenant_id text collate "C" not null references tenant,
        request_digest text not null,
        revision bigint not null,
        epoch bigint not null,
        -- The log's head just before the move's event.
        log_before bigint not null,
        moved_at timestamptz not null default now()
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table move, fence, assignment, tenant, shard, publication, meta`);
  }
}
