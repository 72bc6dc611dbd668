/** Replicas and their leases, by the database's clock. A replica's lease is that of all its jobs. */
import type { Sql } from '@fairlead/postgres';

/** Makes a replica known, with a lease from now on, and forgets those that have been silent for a day and run nothing. */
export async function registerReplica(
  sql: Sql,
  replica: { replicaId: string; host: string; pid: number; kinds: readonly string[]; leaseMs: number },
): Promise<void> {
  await sql.query(
    `delete from replica r where heartbeat_at < now() - interval '1 day' and not exists (select from job j where j.owner = r.replica_id)`,
  );
  await sql.query(
    `insert into replica (replica_id, host, pid, kinds, lease_until) values ($1, $2, $3, $4, now() + make_interval(secs => $5::float8 / 1000))`,
    [replica.replicaId, replica.host, replica.pid, replica.kinds, replica.leaseMs],
  );
}

/** The jobs that a replica has, and what is wished of them. */
export interface Owned {
  jobId: string;
  cancelRequested: boolean;
  pauseRequested: boolean;
}

/** Extends a replica's lease and answers the jobs it has; undefined when the lease has ended, for good. */
export async function renewLease(sql: Sql, options: { replicaId: string; leaseMs: number }): Promise<Owned[] | undefined> {
  const [row] = await sql.query<{ owned: Owned[] }>(
    `update replica r set heartbeat_at = now(), lease_until = now() + make_interval(secs => $2::float8 / 1000)
       where r.replica_id = $1 and r.lease_until > now()
       returning coalesce((select jsonb_agg(jsonb_build_object('jobId', j.job_id, 'cancelRequested', j.cancel_requested_at is not null,
         'pauseRequested', j.pause_requested_at is not null)) from job j where j.owner = $1), '[]') as owned`,
    [options.replicaId, options.leaseMs],
    'renew_lease',
  );
  return row?.owned;
}

/** Ends a replica's lease: what it could not give up is for others at once. */
export async function endLease(sql: Sql, replicaId: string): Promise<void> {
  await sql.query(`update replica set lease_until = '-infinity' where replica_id = $1`, [replicaId]);
}

export interface ReplicaRow {
  replica_id: string;
  host: string;
  pid: number;
  kinds: string[];
  started_at: Date;
  heartbeat_at: Date;
  lease_until: Date;
  alive: boolean;
  running: number;
}

/** Replicas of the last day, the newest first. */
export async function listReplicas(sql: Sql): Promise<ReplicaRow[]> {
  return sql.query<ReplicaRow>(
    `select replica_id, host, pid, kinds, started_at, heartbeat_at, greatest(lease_until, heartbeat_at) as lease_until, lease_until > now() as alive,
       (select count(*) from job j where j.owner = r.replica_id) as running
     from replica r where heartbeat_at > now() - interval '1 day' order by started_at desc limit 100`,
  );
}
