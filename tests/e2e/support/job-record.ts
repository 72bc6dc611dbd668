/** What became of toy jobs: held against what their replicas' sink saw and against the log. */
import type { Sql } from '@fairlead/postgres';
import type { Effect } from './job-replicas.js';

export interface ToyJob {
  readonly job_id: string;
  readonly seq: number;
  readonly tenant_id: string;
  readonly status: string;
  readonly params: { way: 'works' | 'flaky' | 'fails' };
  readonly idempotency_key: string;
  readonly cancel_requested: boolean;
  /** Of each step, how often it and its undo were begun. */
  readonly runs: { name: string; attempts: number; undo_attempts: number }[];
}

/** All jobs, in the order they were started. */
export function readJobs(sql: Sql): Promise<ToyJob[]> {
  return sql.query<ToyJob>(
    `select j.job_id, j.seq, j.tenant_id, j.status, j.params, j.idempotency_key, j.cancel_requested_at is not null as cancel_requested,
       (select jsonb_agg(jsonb_build_object('name', s.name, 'attempts', s.attempts, 'undo_attempts', s.undo_attempts) order by s.index)
          from step s where s.job_id = j.job_id) as runs
     from job j order by j.seq`,
  );
}

/** Says of each job that did not end as it should, or whose effects at the sink are not exactly its own, what is wrong. */
export function wrongJobs(jobs: readonly ToyJob[], applied: readonly Effect[]): string[] {
  const effects = Map.groupBy(applied, ({ key }) => key.slice(0, key.indexOf(':')));
  const known = new Set(jobs.map((job) => job.job_id));
  const strange = [...effects.keys()].filter((jobId) => !known.has(jobId)).map((jobId) => `${jobId}: effects of no job`);
  const wrong = jobs.flatMap((job) => {
    const seen = (effects.get(job.job_id) ?? []).map(({ key }) => key.slice(key.indexOf(':') + 1));
    const problem = problemOf(job, seen);
    return problem === undefined ? [] : [`${job.job_id} (${job.params.way}, ${job.status}): ${problem}; effects: ${seen.join(' ')}`];
  });
  return [...strange, ...wrong];
}

function problemOf(job: ToyJob, seen: readonly string[]): string | undefined {
  const ends = job.params.way === 'fails' ? 'failed' : 'succeeded';
  if (job.status !== ends && !(job.status === 'cancelled' && job.cancel_requested)) return 'it ended otherwise than it should';
  if (new Set(seen).size !== seen.length) return 'an effect came twice';
  if (job.status === 'succeeded') return seen.join() === 'take,act,settle' ? undefined : 'not each step once, in order';
  if (job.status === 'failed')
    return seen.join() === 'take,act,act:undo,take:undo' ? undefined : 'not each step once and undone in reverse';
  // Cancelled: what was begun may have had its effect, and is undone in any case, in reverse.
  const begun = job.runs.filter(({ attempts }) => attempts > 0).map(({ name }) => name);
  const undone = seen.filter((name) => name.endsWith(':undo'));
  if (undone.join() !== begun.map((name) => `${name}:undo`).reverse().join()) return 'not all that was begun is undone in reverse'; // prettier-ignore
  const forward = seen.filter((name) => !name.endsWith(':undo'));
  if (seen.slice(0, forward.length).join() !== forward.join()) return 'an effect came after it was undone';
  return forward.join() === begun.slice(0, forward.length).join() ? undefined : 'effects of steps that were not begun';
}

/** Says where the effects on a tenant are not one job's after the other's, in the order the jobs were started. */
export function mixedTenants(jobs: readonly ToyJob[], applied: readonly Effect[]): string[] {
  const seqs = new Map(jobs.map((job) => [job.job_id, job.seq]));
  return [...Map.groupBy(applied, ({ resource }) => resource)].flatMap(([resource, effects]) => {
    const order = effects.map(({ key }) => seqs.get(key.slice(0, key.indexOf(':'))) ?? -1);
    const at = order.findIndex((seq, index) => seq < (order[index - 1] ?? 0));
    return at < 0 ? [] : [`${resource}: job ${String(order[at])} acted after job ${String(order[at - 1])}`];
  });
}

/** Says by the log where a job of a tenant was begun before the one in front of it had ended. */
export async function overlaps(sql: Sql): Promise<string[]> {
  const rows = await sql.query<{ tenant_id: string; job_id: string }>(
    `with spans as (
       select j.tenant_id, j.job_id, j.seq,
         min(e.position) filter (where e.type in ('job_started', 'job_resumed', 'job_taken_over')) as begun,
         min(e.position) filter (where e.type in ('job_succeeded', 'job_failed', 'job_cancelled', 'job_needs_attention')) as ended,
         count(*) filter (where e.type in ('job_succeeded', 'job_failed', 'job_cancelled', 'job_needs_attention')) as ends
       from job j join log.event e on e.aggregate_type = 'job' and e.aggregate_id = j.job_id
       group by j.tenant_id, j.job_id, j.seq
     ), ordered as (
       select *, max(ended) over (partition by tenant_id order by seq rows between unbounded preceding and 1 preceding) as before
         from spans where begun is not null
     )
     select tenant_id, job_id from ordered where before > begun or ends <> 1
     union all select tenant_id, job_id from spans where ends <> 1`,
  );
  return rows.map(({ tenant_id, job_id }) => `${tenant_id}: ${job_id} was begun before the job in front of it had ended, or ended twice`);
}

/** One job that went on at another replica: whose it had been, when that one's lease had ended, and when the next claim was at work. */
export interface Takeover {
  readonly pid: number;
  readonly lease_until_ms: number;
  readonly at_ms: number;
}

/** All takeovers, by the database's clock. A lease ends so long after its last renewal; one that was given up before says nothing of it. */
export function readTakeovers(sql: Sql, leaseMs: number): Promise<Takeover[]> {
  return sql.query<Takeover>(
    `select r.pid, (extract(epoch from r.heartbeat_at) * 1000)::float8 + $1 as lease_until_ms, (extract(epoch from e.recorded_at) * 1000)::float8 as at_ms
       from log.event e join replica r on r.replica_id = e.payload ->> 'previous_owner'
       where e.aggregate_type = 'job' and e.type = 'job_taken_over' order by e.position`,
    [leaseMs],
  );
}

/** The value that so large a part of a list does not exceed; 0 for an empty one. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)] ?? 0;
}
