/** Jobs of the toy kind put into the queue by the thousand, and what claims and transitions cost with so many. */
import { newId } from '@fairlead/contracts';
import type { Database, Sql } from '@fairlead/postgres';

/** Puts a job into the queue for each of the tenants, in their order; as one request after the other would. */
export async function queueJobs(db: Database, tenants: readonly string[]): Promise<void> {
  const planId = newId('plan');
  await db.query(
    `insert into plan (plan_id, kind, version, digest, canonical, body, reason, created_by, expires_at, request_id, correlation_id, trace_id)
       values ($1, 'toy', 1, 'digest', '', '{"actions":[],"checks":[],"impact":{"tenants":[],"services":[],"expectedPauseMs":0},"inputs":[],"params":{}}',
         'proof', 'user:usr_proof', now() + interval '1 day', 'req_proof', 'cor_proof', '')`,
    [planId],
  );
  for (let at = 0; at < tenants.length; at += 500) {
    const jobs = tenants.slice(at, at + 500).map((tenant, index) => ({
      ...{ job_id: newId('job'), kind: 'toy', version: 1, params: { tenant, way: 'works', work_ms: 0, rude: false } },
      ...{ plan_id: planId, plan_digest: 'digest', reason: 'proof', principal: { id: 'user:usr_proof', name: 'proof', grants: [] } },
      ...{ scope: planId, idempotency_key: String(at + index), payload_hash: 'hash', locks: [`tenant/${tenant}`], tenant_id: tenant },
      ...{ deadline_ms: 3_600_000, request_id: newId('request'), correlation_id: newId('correlation') },
      ...{ traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, steps: ['take', 'act', 'settle'], may_wait: true },
    }));
    await db.transaction((tx) => tx.query('select from make_jobs($1::jsonb)', [JSON.stringify(jobs)]));
  }
}

/** Fills the archive with jobs that have ended. */
export async function fillArchive(sql: Sql, count: number): Promise<void> {
  await sql.query(
    `insert into archived_job (job_id, seq, kind, status, tenant_id, correlation_id, parent_id, scope, idempotency_key, payload_hash, finished_at, job, steps)
       select 'job_archived_' || n, -n, 'toy', 'succeeded', 't-' || n % 5000, 'cor_' || n, null, 'archive', n::text, 'hash',
         now() - n * interval '1 second', '{"status":"succeeded"}', '[]' from generate_series(1, $1::int) n`,
    [count],
  );
  await sql.query('analyze archived_job');
}

const newJobs = JSON.stringify(
  ['new', '7'].map((key) => ({
    ...{
      job_id: `job_explained_${key}`,
      kind: 'toy',
      version: 1,
      params: {},
      plan_id: 'plan_explained',
      plan_digest: 'digest',
      reason: 'proof',
    },
    ...{ principal: {}, scope: 'archive', idempotency_key: key, payload_hash: 'hash', locks: ['tenant/t-0'], deadline_ms: 1_000 },
    ...{ request_id: '', correlation_id: '', traceparent: '', steps: ['take'], may_wait: true },
  })),
);

const transitionsOf = (change: string) => `
  select from job_orchestrator.write_transitions((
    select jsonb_agg(jsonb_build_object('job_id', job_id, 'owner', owner, 'fence', fence, 'direction', 'forward', 'cursor', 0, 'pauses', false, 'passes', false) || ${change})
      from job_orchestrator.job where owner = 'rep_explained'))`;

const ended = JSON.stringify({
  ...{ status: 'succeeded', release: true, finished: true },
  steps: [{ index: 0, status: 'succeeded', attempts: 1, undo_attempts: 0, failures: 0, undo_failures: 0, ended: true }],
});

/** A replica claims twenty jobs, begins their first steps, and ends them; two jobs are made, one of them under a key that an archived one has. */
export const dayOfAJob: readonly { text: string; params?: readonly unknown[] }[] = [
  {
    text: `insert into job_orchestrator.replica (replica_id, host, pid, kinds, lease_until) values ('rep_explained', '', 1, '{}', now() + interval '1 minute')`,
  },
  {
    text: `insert into job_orchestrator.plan (plan_id, kind, version, digest, canonical, body, reason, created_by, expires_at, request_id, correlation_id, trace_id)
      values ('plan_explained', 'toy', 1, 'digest', '', '{}', 'proof', 'user:usr_proof', now(), '', '', '')`,
  },
  { text: `select from job_orchestrator.claim_runnable('rep_explained', array['toy:1'], 20)` },
  {
    text: transitionsOf(`'{"status":"running","touches":false,"begins":true,"release":false,"finished":false,
      "steps":[{"index":0,"status":"running","attempts":1,"undo_attempts":0,"failures":0,"undo_failures":0,"begins":"forward"}]}'`),
  },
  {
    text: transitionsOf(`'${ended}'`),
  },
  { text: 'select from job_orchestrator.make_jobs($1::jsonb)', params: [newJobs] },
  { text: `select from job_orchestrator.claim_runnable('rep_explained', array['toy:1'], 20)` },
  // All of it at once.
  {
    text: `select from job_orchestrator.write_beat(null, $1::jsonb, (
      select jsonb_agg(jsonb_build_object('job_id', job_id, 'owner', owner, 'fence', fence, 'direction', 'forward', 'cursor', 0, 'pauses', false, 'passes', false) || $2)
        from job_orchestrator.job where owner = 'rep_explained'),
      '[{"replica":"rep_explained","kinds":["toy:1"],"most":5}]', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')`,
    params: [JSON.stringify([{ ...(JSON.parse(newJobs) as object[])[0], job_id: 'job_explained_beat', idempotency_key: 'beat' }]), ended],
  },
];

export interface Cost {
  readonly jobs: number;
  readonly claim_ms: number;
  readonly transition_ms: number;
  /** Rows that were read one by one from the beginning of a table, and those fetched by an index; for both calls. */
  readonly scanned: number;
  readonly fetched: number;
}

/** What it costs to claim twenty jobs and to end them; nothing of it stays. */
export async function costOf(db: Database): Promise<Cost> {
  class Enough extends Error {}
  const found: Cost[] = [];
  // The first of them warms the caches and plans up.
  for (let round = 0; round < 6; round += 1) {
    await db
      .transaction(async (tx) => {
        await tx.query(
          `insert into replica (replica_id, host, pid, kinds, lease_until) values ('rep_cost', '', 1, '{}', now() + interval '1 minute')`,
        );
        const [size] = await tx.query<{ jobs: number }>('select count(*) as jobs from job');
        const before = await rowsRead(tx);
        const claimedAt = performance.now();
        const claims = await tx.query<{ job_id: string }>(`select job_id from claim_jobs('rep_cost', array['toy:1'], 20)`);
        const claimMs = performance.now() - claimedAt;
        if (claims.length !== 20) throw new Error(`${String(claims.length)} jobs were claimed`);
        const between = await rowsRead(tx);
        const jobs = await tx.query<{ job_id: string; fence: number }>('select job_id, fence from job where job_id = any($1)', [
          claims.map((claim) => claim.job_id),
        ]);
        const ends = jobs.map((job) => ({
          ...{ ...job, owner: 'rep_cost', status: 'succeeded', direction: 'forward', cursor: 3, release: true, pauses: false },
          ...{
            finished: true,
            passes: false,
            steps: [{ index: 2, status: 'succeeded', attempts: 1, undo_attempts: 0, failures: 0, undo_failures: 0 }],
          },
        }));
        const second = await rowsRead(tx);
        const writtenAt = performance.now();
        // Who holds lines of jobs may not idle for a second, and this process may well be kept waiting so long.
        const written = await tx.query<{ written: boolean }>(
          `select written, set_config('idle_in_transaction_session_timeout', '0', true) from write_transitions($1::jsonb) where n > 0`,
          [JSON.stringify(ends)],
        );
        const transitionMs = performance.now() - writtenAt;
        if (written.filter((row) => row.written).length !== 20) throw new Error('not all transitions were written');
        const after = await rowsRead(tx);
        const diff = (key: 'scanned' | 'fetched') => between[key] - before[key] + after[key] - second[key];
        found.push({
          jobs: size?.jobs ?? 0,
          claim_ms: claimMs,
          transition_ms: transitionMs,
          scanned: diff('scanned'),
          fetched: diff('fetched'),
        });
        throw new Enough();
      })
      .catch((error: unknown) => {
        if (!(error instanceof Enough)) throw error;
      });
  }
  const [, ...warm] = found;
  const median = (key: keyof Cost) => warm.map((cost) => cost[key]).sort((a, b) => a - b)[2] ?? 0;
  return {
    jobs: median('jobs'),
    claim_ms: median('claim_ms'),
    transition_ms: median('transition_ms'),
    scanned: median('scanned'),
    fetched: median('fetched'),
  };
}

/** Rows of the job tables that this transaction has read so far; replica is as small as there are replicas. */
async function rowsRead(tx: Sql): Promise<{ scanned: number; fetched: number }> {
  const [row] = await tx.query<{ scanned: number; fetched: number }>(
    `select coalesce(sum(seq_tup_read), 0)::float8 as scanned, coalesce(sum(idx_tup_fetch), 0)::float8 as fetched
       from pg_stat_xact_user_tables where schemaname = 'job_orchestrator' and relname <> 'replica'`,
  );
  return row ?? { scanned: 0, fetched: 0 };
}

export interface Turn {
  readonly job_id: string;
  /** How many jobs that came later began between the moment that nothing was before this one and its own beginning. */
  readonly overtaken: number;
}

/** By the log: of each job how many later ones were begun while it could have been. The first of each tenant could from the start. */
export async function turnsOf(sql: Sql): Promise<Turn[]> {
  const rows = await sql.query<{ job_id: string; seq: number; tenant_id: string; begun: number; ended: number }>(
    `select j.job_id, j.seq, j.tenant_id, min(e.position) filter (where e.type in ('job_started', 'job_resumed', 'job_taken_over')) as begun,
         max(e.position) filter (where e.type = 'job_succeeded') as ended
       from job j join log.event e on e.aggregate_type = 'job' and e.aggregate_id = j.job_id group by j.job_id order by j.seq`,
  );
  const ready = new Map<string, number>();
  const turns = rows.map((row) => {
    const since = ready.get(row.tenant_id) ?? 0;
    ready.set(row.tenant_id, row.ended);
    return { ...row, since };
  });
  const byBeginning = [...turns].sort((a, b) => a.begun - b.begun);
  const begunAt = byBeginning.map(({ begun }) => begun);
  return turns.map((turn) => {
    const from = firstAbove(begunAt, turn.since);
    const to = firstAbove(begunAt, turn.begun) - 1;
    return { job_id: turn.job_id, overtaken: byBeginning.slice(from, to).filter(({ seq }) => seq > turn.seq).length };
  });
}

/** The index of the first number of a sorted list that is above another. */
function firstAbove(sorted: readonly number[], value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? Infinity) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
