import type { jobsV1 } from '@fairlead/contracts';
import type { Sql } from '@fairlead/postgres';
import { rpc, type Rpc } from '@fairlead/rpc';
import { listReplicas as list } from '../store/replica.js';
import { time } from './messages.js';

export const listReplicas = ({ db }: { db: Sql }): Rpc<jobsV1.ListReplicasRequest, jobsV1.ListReplicasResponse> =>
  rpc('job.read', async () => ({
    replicas: (await list(db)).map((row) => ({
      replicaId: row.replica_id,
      host: row.host,
      pid: row.pid,
      kinds: row.kinds,
      startedAt: time(row.started_at),
      heartbeatAt: time(row.heartbeat_at),
      leaseUntil: time(row.lease_until),
      alive: row.alive,
      running: row.running,
    })),
  }));
