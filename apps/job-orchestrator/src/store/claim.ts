import type { Sql } from '@fairlead/postgres';

export interface Claim {
  jobId: string;
  fence: number;
  /** Claimed for the first time, after a wait, or from a replica whose lease ran out. */
  how: 'started' | 'resumed' | 'taken_over';
  previousOwner: string | undefined;
}

/**
 * Claims the oldest job that may run, with a new fence, and takes its locks if it has none yet. Run it in a
 * transaction. A queued job waits while another holds one of its locks, or an older queued job wants it: so
 * each resource is served in order and nobody waits in a circle. Answers undefined when there is none.
 */
export async function claimJob(
  tx: Sql,
  options: { replicaId: string; leaseMs: number; kinds: readonly string[] },
): Promise<Claim | undefined> {
  const [candidate] = await tx.query<{ job_id: string; status: string; owner: string | null; locks: string[]; unowned_ms: number }>(
    `select job_id, status, owner, locks, (extract(epoch from now() - coalesce(lease_until, wake_at)) * 1000)::float8 as unowned_ms from job j
     where status not in ('succeeded', 'failed', 'cancelled', 'needs_attention')
       and wake_at <= now() and (owner is null or lease_until < now())
       and kind || ':' || version = any($1)
       and (status <> 'queued' or (
         not exists (select 1 from lock l where l.resource = any(j.locks) and l.job_id <> j.job_id)
         and not exists (select 1 from job e where e.status = 'queued' and e.seq < j.seq and e.locks && j.locks)))
     order by seq limit 1 for update of j skip locked`,
    [options.kinds],
  );
  if (candidate === undefined) return undefined;
  const [claimed] = await tx.query<{ fence: number }>(
    `update job set owner = $2, fence = nextval('job_fence'), lease_until = now() + make_interval(secs => $3::float8 / 1000),
       status = case when direction = 'undo' then 'compensating' else 'running' end, started_at = coalesce(started_at, now()),
       -- Time in the queue and time that nobody ran the job do not count against its deadline.
       deadline = deadline + case when started_at is null then now() - created_at else greatest(now() - coalesce(lease_until, wake_at), interval '0') end
     where job_id = $1 returning fence`,
    [candidate.job_id, options.replicaId, options.leaseMs],
  );
  if (claimed === undefined) return undefined;
  if (candidate.status !== 'queued') await shiftStepClocks(tx, candidate);
  if (candidate.status === 'queued') {
    // Sorted, so that two claims that want the same pair can't each hold one. A unique violation undoes the claim.
    await tx.query(`insert into lock (resource, job_id) select resource, $1 from unnest($2::text[]) as resource order by resource`, [
      candidate.job_id,
      candidate.locks,
    ]);
  }
  const how = candidate.status === 'queued' ? 'started' : candidate.owner === null ? 'resumed' : 'taken_over';
  return { jobId: candidate.job_id, fence: claimed.fence, how, previousOwner: candidate.owner ?? undefined };
}

/** Steps under way get the time back that nobody ran their job. */
async function shiftStepClocks(tx: Sql, { job_id: jobId, unowned_ms: unownedMs }: { job_id: string; unowned_ms: number }): Promise<void> {
  await tx.query(
    `update step set clock_at = clock_at + make_interval(secs => $2::float8 / 1000), undo_clock_at = undo_clock_at + make_interval(secs => $2::float8 / 1000)
     where job_id = $1 and status in ('running', 'waiting', 'undoing')`,
    [jobId, Math.max(0, unownedMs)],
  );
}

export interface Renewal {
  job_id: string;
  cancel_requested: boolean;
}

/** Extends the leases of jobs this replica still owns and beats its heart; jobs not answered are lost to it. */
export async function renewLeases(
  sql: Sql,
  options: { replicaId: string; leaseMs: number; jobIds: readonly string[] },
): Promise<Renewal[]> {
  return sql.query<Renewal>(
    `with beat as (update replica set heartbeat_at = now() where replica_id = $1)
     update job set lease_until = now() + make_interval(secs => $2::float8 / 1000)
     where owner = $1 and job_id = any($3)
     returning job_id, cancel_requested_at is not null as cancel_requested`,
    [options.replicaId, options.leaseMs, options.jobIds],
  );
}

/** Makes a replica known, and forgets those that have been silent for a day. */
export async function registerReplica(
  sql: Sql,
  replica: { replicaId: string; host: string; pid: number; kinds: readonly string[] },
): Promise<void> {
  await sql.query(`delete from replica where heartbeat_at < now() - interval '1 day'`);
  await sql.query(
    `insert into replica (replica_id, host, pid, kinds) values ($1, $2, $3, $4) on conflict (replica_id) do update set heartbeat_at = now()`,
    [replica.replicaId, replica.host, replica.pid, replica.kinds],
  );
}

/** Takes a replica that ends in order off the list. */
export async function unregisterReplica(sql: Sql, replicaId: string): Promise<void> {
  await sql.query(`delete from replica where replica_id = $1`, [replicaId]);
}
