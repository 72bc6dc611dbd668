import { Controller, Get, Inject, Query } from '@nestjs/common';
import { z } from 'zod';
import type { jobsV1 } from '@fairlead/contracts';
import { RequirePermission } from '../edge/access.js';
import { Answers, page, time } from '../edge/answers.js';
import { asCaller, jobsClient, orNull, type JobsClient } from '../edge/clients.js';
import { pageOf, pageQuery, startOf } from '../edge/paging.js';
import { resource } from '../edge/parse.js';

const listQuery = z.strictObject({ ...pageQuery, resource: resource.optional() });

const waiterSchema = z.object({ job_id: z.string(), kind: z.string(), principal: z.string(), asked_at: time });
const lockSchema = z
  .object({
    resource: z.string(),
    ...waiterSchema.shape,
    held_since: time.nullable(),
    waiting: z.int(),
    waiters: z.array(waiterSchema),
  })
  .meta({ id: 'Lock' });

/** What jobs have locked. */
@Controller('admin/v1/locks')
export class LocksController {
  constructor(@Inject(jobsClient) private readonly jobs: JobsClient) {}

  /** By resource: the job that comes first on it, and those that wait behind it. */
  @Get()
  @RequirePermission('job.read')
  @Answers('Lists what jobs have locked, and who waits for it.', page(lockSchema))
  async list(@Query({ schema: listQuery }) query: z.output<typeof listQuery>) {
    const request = { limit: query.limit, after: startOf('locks', query.cursor) ?? '', resource: query.resource ?? '' };
    const { locks, nextAfter } = await this.jobs.listLocks(request, asCaller());
    return pageOf('locks', locks.map(lockView), nextAfter);
  }
}

function lockView(lock: jobsV1.Lock) {
  return {
    resource: lock.resource,
    job_id: lock.jobId,
    kind: lock.kind,
    principal: lock.principal,
    asked_at: lock.askedAt,
    held_since: orNull(lock.heldSince),
    waiting: lock.waiting,
    waiters: lock.waiters.map(({ jobId, kind, principal, askedAt }) => ({ job_id: jobId, kind, principal, asked_at: askedAt })),
  };
}
