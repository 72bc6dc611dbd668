import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Plans, jobs with their steps, attempts and locks, and the replicas that run them. */
export class Jobs1763700000000 implements MigrationInterface {
  name = 'Jobs1763700000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table plan (
        plan_id text primary key,
        kind text not null,
        version int not null,
        digest text not null,
        canonical text not null,
        body jsonb not null,
        reason text not null,
        created_by text not null,
        created_at timestamptz not null default now(),
        expires_at timestamptz not null,
        request_id text not null,
        correlation_id text not null,
        trace_id text not null
      )`);
    await runner.query(`create index plan_by_digest on plan (digest, created_at desc)`);

    await runner.query(`create sequence job_fence as bigint`);
    await runner.query(`
      create table job (
        job_id text primary key,
        seq bigint generated always as identity unique,
        kind text not null,
        version int not null,
        status text not null,
        params jsonb not null,
        plan_id text not null references plan,
        plan_digest text not null,
        reason text not null,
        principal jsonb not null,
        scope text not null,
        idempotency_key text not null,
        payload_hash text not null,
        locks text[] not null,
        tenant_id text,
        direction text not null default 'forward' check (direction in ('forward', 'undo')),
        cursor int not null default 0,
        failure jsonb,
        owner text,
        fence bigint not null default 0,
        lease_until timestamptz,
        wake_at timestamptz not null default now(),
        deadline timestamptz not null,
        cancel_requested_at timestamptz,
        cancelled_by text,
        error jsonb,
        request_id text not null,
        correlation_id text not null,
        traceparent text not null,
        created_at timestamptz not null default now(),
        started_at timestamptz,
        finished_at timestamptz,
        unique (scope, idempotency_key)
      )`);
    // The hot set: what may be claimed now or later. Finished jobs never enter it.
    await runner.query(`
      create index job_open on job (wake_at) include (owner, lease_until)
        where status not in ('succeeded', 'failed', 'cancelled', 'needs_attention')`);
    await runner.query(`create index job_queued on job (seq) where status = 'queued'`);
    await runner.query(`
      create index job_open_locks on job using gin (locks)
        where status not in ('succeeded', 'failed', 'cancelled', 'needs_attention')`);
    await runner.query(`create index job_by_tenant on job (tenant_id, seq desc)`);
    await runner.query(`create index job_by_correlation on job (correlation_id)`);

    await runner.query(`
      create table step (
        job_id text not null references job,
        index int not null,
        name text not null,
        status text not null default 'pending',
        attempts int not null default 0,
        undo_attempts int not null default 0,
        failures int not null default 0,
        undo_failures int not null default 0,
        output jsonb,
        error jsonb,
        started_at timestamptz,
        -- What the step's limits are measured from: its beginning, plus the time that nobody ran the job.
        clock_at timestamptz,
        undo_clock_at timestamptz,
        finished_at timestamptz,
        primary key (job_id, index)
      )`);
    await runner.query(`
      create table attempt (
        job_id text not null,
        index int not null,
        direction text not null,
        number int not null,
        fence bigint not null,
        owner text not null,
        started_at timestamptz not null default now(),
        finished_at timestamptz,
        outcome text,
        error jsonb,
        primary key (job_id, index, direction, number),
        foreign key (job_id, index) references step
      )`);
    await runner.query(`
      create table lock (
        resource text primary key,
        job_id text not null references job,
        acquired_at timestamptz not null default now()
      )`);
    await runner.query(`create index lock_by_job on lock (job_id)`);
    await runner.query(`
      create table replica (
        replica_id text primary key,
        host text not null,
        pid int not null,
        kinds text[] not null,
        started_at timestamptz not null default now(),
        heartbeat_at timestamptz not null default now()
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table replica, lock, attempt, step, job, plan`);
    await runner.query(`drop sequence job_fence`);
  }
}
