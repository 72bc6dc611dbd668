import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * An engine for many jobs at once. Leases are a replica's and not a job's, so that renewing them is one row. Who waits for a
 * resource stands in line for it, so that a claim looks at no queue. What one step's run came to stands with the step; all
 * runs are in the log.
 */
export class Engine1764000000000 implements MigrationInterface {
  name = 'Engine1764000000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`drop index job_open, job_queued, job_open_locks`);
    await runner.query(`
      alter table job
        drop column lease_until,
        -- Of how many of its resources another job comes first.
        add column blocked int not null default 0,
        -- What a job that rests waits for: a signal, and in words.
        add column waits_for text,
        add column note text,
        add column pause_requested_at timestamptz,
        add column paused_at timestamptz,
        add column paused_by text,
        add column parent_id text,
        -- When it was told that the job had passed its deadline and was still open.
        add column overdue_at timestamptz,
        -- Room for the next versions of a row beside it, so that a step's transition touches no index.
        set (fillfactor = 60)`);
    await runner.query(`alter table step add column fence bigint, add column owner text, set (fillfactor = 60)`);
    await runner.query(`drop table attempt`);
    await runner.query(`alter table replica add column lease_until timestamptz not null default '-infinity'`);

    await runner.query(`drop table lock`);
    await runner.query(`
      create table lock (
        resource text not null,
        -- The order in which it is given: who is first has it, the others wait.
        seq bigint not null,
        job_id text not null references job,
        asked_at timestamptz not null default now(),
        primary key (resource, seq)
      )`);
    await runner.query(`create index lock_by_job on lock (job_id)`);
    // The last job that passed a point of no return on a resource: an earlier one must not be tried again.
    await runner.query(`create table last_change (resource text primary key, seq bigint not null, job_id text not null)`);
    await runner.query(`
      create table signal (
        job_id text not null references job on delete cascade,
        name text not null,
        payload jsonb not null,
        sent_by text not null,
        sent_at timestamptz not null default now(),
        primary key (job_id, name)
      )`);

    // What lists and idempotency keys need stands in columns, the rest as it was.
    await runner.query(`
      create table archived_job (
        job_id text primary key,
        seq bigint not null unique,
        kind text not null,
        status text not null,
        tenant_id text,
        correlation_id text not null,
        parent_id text,
        scope text not null,
        idempotency_key text not null,
        payload_hash text not null,
        finished_at timestamptz not null,
        job jsonb not null,
        steps jsonb not null,
        unique (scope, idempotency_key)
      )`);
    await runner.query(`create index archived_job_by_tenant on archived_job (tenant_id, seq desc)`);
    await runner.query(`create index archived_job_by_correlation on archived_job (correlation_id)`);
    await runner.query(`create index archived_job_by_parent on archived_job (parent_id) where parent_id is not null`);
    await runner.query(`create index archived_job_by_age on archived_job (finished_at)`);
    await runner.query(`
      create table plan_approval (
        plan_id text primary key references plan on delete cascade,
        approved_by text not null,
        reason text not null,
        approved_at timestamptz not null default now()
      )`);
    await runner.query(`create index plan_by_expiry on plan (expires_at)`);
    await runner.query(`create index job_by_plan on job (plan_id)`);
    // Periodic checks: a row each, without history.
    await runner.query(`
      create table loop (
        kind text not null,
        key text not null,
        -- When it is due; a claim moves it to when the claim ends, and what it came to moves it to its next turn.
        next_at timestamptz not null,
        interval_ms int not null check (interval_ms > 0),
        -- When this turn was due, while it is claimed.
        due_at timestamptz,
        -- Drawn by each claim: who comes late writes nothing.
        fence bigint not null default 0,
        failures int not null default 0,
        state jsonb,
        primary key (kind, key)
      ) with (fillfactor = 70)`);
    await runner.query(`create index loop_due on loop (kind, next_at)`);
    await runner.query(`
      create table schedule (
        schedule_id text primary key,
        name text not null unique,
        kind text not null,
        params jsonb not null,
        cron text not null,
        time_zone text not null,
        -- What becomes of turns that nobody could take: skip, or once for all of them.
        missed text not null check (missed in ('skip', 'once')),
        principal jsonb not null,
        reason text not null,
        next_at timestamptz,
        paused_at timestamptz,
        last_at timestamptz,
        last_job_id text,
        last_error jsonb,
        created_at timestamptz not null default now()
      )`);
    await runner.query(`create index schedule_due on schedule (next_at) where paused_at is null`);

    await runner.query(`
      insert into lock (resource, seq, job_id, asked_at)
        select distinct r.resource, j.seq, j.job_id, j.created_at from job j, unnest(j.locks) r(resource)
          where j.status not in ('succeeded', 'failed', 'cancelled', 'needs_attention')`);
    await runner.query(`
      update job j set blocked = (
          select count(*) from lock l where l.job_id = j.job_id and exists (select from lock e where e.resource = l.resource and e.seq < l.seq))
        where j.status = 'queued'`);
    // Whoever ran a job has no lease any more.
    await runner.query(`update job set owner = null where owner is not null`);

    await runner.query(`create index job_ready on job (seq) where status = 'queued' and blocked = 0 and paused_at is null`);
    await runner.query(`
      create index job_resting on job (wake_at)
        where owner is null and paused_at is null and status in ('running', 'waiting', 'compensating')`);
    await runner.query(`create index job_owned on job (owner) where owner is not null`);
    await runner.query(`
      create index job_ended on job (finished_at) where status in ('succeeded', 'failed', 'cancelled')`);
    await runner.query(`
      create index job_due on job (deadline) where overdue_at is null and status in ('queued', 'running', 'waiting', 'compensating')`);
    await runner.query(`create index job_by_parent on job (parent_id) where parent_id is not null`);
  }

  async down(): Promise<void> {
    return Promise.reject(new Error('the runs of steps are gone; restore a backup instead'));
  }
}
