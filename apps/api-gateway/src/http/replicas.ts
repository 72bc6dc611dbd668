import { Controller, Get, Inject } from '@nestjs/common';
import { z } from 'zod';
import type { jobsV1 } from '@fairlead/contracts';
import { RequirePermission } from '../edge/access.js';
import { Answers, time, wholeList } from '../edge/answers.js';
import { asCaller, jobsClient, type JobsClient } from '../edge/clients.js';

const replicaSchema = z
  .object({
    replica_id: z.string(),
    host: z.string(),
    pid: z.int(),
    kinds: z.array(z.string()),
    started_at: time,
    heartbeat_at: time,
    lease_until: time.nullable(),
    alive: z.boolean(),
    running: z.int(),
  })
  .meta({ id: 'Replica' });

/** The processes that run jobs. */
@Controller('admin/v1/replicas')
export class ReplicasController {
  constructor(@Inject(jobsClient) private readonly jobs: JobsClient) {}

  /** Those of the last day, the newest first: there are few. */
  @Get()
  @RequirePermission('job.read')
  @Answers('Lists the processes that run jobs, of the last day.', wholeList(replicaSchema))
  async list() {
    const { replicas } = await this.jobs.listReplicas({}, asCaller());
    return { items: replicas.map(replicaView), next_cursor: null };
  }
}

function replicaView(replica: jobsV1.Replica) {
  return {
    replica_id: replica.replicaId,
    host: replica.host,
    pid: replica.pid,
    kinds: replica.kinds,
    started_at: replica.startedAt,
    heartbeat_at: replica.heartbeatAt,
    lease_until: replica.leaseUntil,
    alive: replica.alive,
    running: replica.running,
  };
}
