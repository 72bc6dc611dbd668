import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { FairleadError, jobStatuses, stepStatuses, type jobsV1, type JobStatus, type StepStatus } from '@fairlead/contracts';
import type { KeyedRequest } from '@fairlead/postgres';
import { RequirePermission } from '../edge/access.js';
import { Answers, page, time } from '../edge/answers.js';
import { asCaller, jobsClient, orNull, present, tellPosition, type JobsClient } from '../edge/clients.js';
import { pageOf, pageQuery, startOf } from '../edge/paging.js';
import { externalId, IdempotencyKey, jsonObject, opaqueId, reason, signalName, tenantId } from '../edge/parse.js';

/** What starts the job of a plan. */
export const startBody = z.strictObject({
  plan_digest: opaqueId,
  reason,
  on_conflict: z.enum(['queue', 'reject'], 'must be queue or reject').default('queue'),
});
export type StartBody = z.output<typeof startBody>;
/** What a plan for a document rests on moves as soon as another change of it succeeds: to wait for that is seldom wanted. */
const startConfigBody = startBody.extend({ on_conflict: startBody.shape.on_conflict.unwrap().default('reject') });

const cancelBody = z.strictObject({ reason: reason.optional() });

const decisionBody = z.strictObject({ reason });
type DecisionBody = z.output<typeof decisionBody>;

const signalBody = z.strictObject({ payload: jsonObject.default({}) });

export const listQuery = z.strictObject({
  ...pageQuery,
  status: z.enum(jobStatuses, `must be one of ${jobStatuses.join(', ')}`).optional(),
  kind: opaqueId.optional(),
  tenant: tenantId.optional(),
  correlation_id: externalId.optional(),
  parent: opaqueId.optional(),
  paused: z.literal('true', 'must be true, or left out').optional(),
});

/** A job's error. */
export const jobErrorSchema = z
  .object({ code: z.string(), message: z.string(), step: z.string().nullable(), attempt: z.int() })
  .meta({ id: 'JobError' });
const origin = { request_id: z.string().nullable(), correlation_id: z.string().nullable(), trace_id: z.string().nullable() };
const stepSchema = z
  .object({
    name: z.string(),
    status: z.enum(stepStatuses),
    attempts: z.int(),
    undo_attempts: z.int(),
    started_at: time.nullable(),
    finished_at: time.nullable(),
    error: jobErrorSchema.nullable(),
    output: z.record(z.string(), z.unknown()).nullable(),
  })
  .meta({ id: 'Step' });
/** A job, with its steps. */
export const jobSchema = z
  .object({
    job_id: z.string(),
    kind: z.string(),
    status: z.enum(jobStatuses),
    params: z.record(z.string(), z.unknown()),
    plan_id: z.string(),
    plan_digest: z.string(),
    reason: z.string(),
    principal: z.string(),
    locks: z.array(z.string()),
    steps: z.array(stepSchema),
    error: jobErrorSchema.nullable(),
    created_at: time,
    started_at: time.nullable(),
    finished_at: time.nullable(),
    deadline: time.nullable(),
    cancel_requested: z.boolean(),
    blocked_by: z.string().nullable(),
    parent_id: z.string().nullable(),
    note: z.string().nullable(),
    waits_for: z.string().nullable(),
    wake_at: time.nullable(),
    pause_requested: z.boolean(),
    paused_at: time.nullable(),
    paused_by: z.string().nullable(),
    overdue_at: time.nullable(),
    owner: z.string().nullable(),
    fence: z.int(),
    ...origin,
    /** Of the request that made the plan. */
    plan: z.object(origin),
  })
  .meta({ id: 'Job' });
/** A job that was started. */
export const startedSchema = z.object({ job_id: z.string() }).meta({ id: 'StartedJob' });

@Controller('admin/v1/jobs')
export class JobsController {
  constructor(@Inject(jobsClient) private readonly jobs: JobsClient) {}

  @Post('tenant-migrate')
  @RequirePermission('tenant.migrate', { anywhere: true })
  @Answers('Starts a planned move of a tenant.', startedSchema)
  @HttpCode(202)
  migrate(
    @Body({ schema: startBody }) body: StartBody,
    @IdempotencyKey() { key }: KeyedRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return this.start('tenant-migrate', body, key, reply);
  }

  @Post('tenants-migrate')
  @RequirePermission('tenant.migrate')
  @Answers('Starts a planned move of many tenants, each by a job of its own.', startedSchema)
  @HttpCode(202)
  migrateMany(
    @Body({ schema: startBody }) body: StartBody,
    @IdempotencyKey() { key }: KeyedRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return this.start('tenants-migrate', body, key, reply);
  }

  @Post('rebalance')
  @RequirePermission('tenant.migrate')
  @Answers('Starts a planned rebalance, each move by a job of its own.', startedSchema)
  @HttpCode(202)
  rebalance(
    @Body({ schema: startBody }) body: StartBody,
    @IdempotencyKey() { key }: KeyedRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return this.start('rebalance', body, key, reply);
  }

  @Post('shard-decommission')
  @RequirePermission('placement.write')
  @Answers('Starts the planned decommission of a shard, each move by a job of its own.', startedSchema)
  @HttpCode(202)
  decommission(
    @Body({ schema: startBody }) body: StartBody,
    @IdempotencyKey() { key }: KeyedRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return this.start('shard-decommission', body, key, reply);
  }

  @Post('tenant-drain')
  @RequirePermission('tenant.drain', { anywhere: true })
  @Answers('Starts a planned drain of a tenant.', startedSchema)
  @HttpCode(202)
  drain(
    @Body({ schema: startBody }) body: StartBody,
    @IdempotencyKey() { key }: KeyedRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return this.start('tenant-drain', body, key, reply);
  }

  @Post('tenant-resume')
  @RequirePermission('tenant.resume', { anywhere: true })
  @Answers('Starts a planned resume of a tenant.', startedSchema)
  @HttpCode(202)
  resume(
    @Body({ schema: startBody }) body: StartBody,
    @IdempotencyKey() { key }: KeyedRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return this.start('tenant-resume', body, key, reply);
  }

  @Post('reload')
  @RequirePermission('fleet.reload')
  @Answers('Starts a planned reload of a shard’s endpoints.', startedSchema)
  @HttpCode(202)
  reload(
    @Body({ schema: startBody }) body: StartBody,
    @IdempotencyKey() { key }: KeyedRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return this.start('reload', body, key, reply);
  }

  @Post('config/apply')
  @RequirePermission('config.write')
  @Answers('Starts a planned change of a configuration document.', startedSchema)
  @HttpCode(202)
  configApply(
    @Body({ schema: startConfigBody }) body: StartBody,
    @IdempotencyKey() { key }: KeyedRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return this.startConfig('config-apply', body, key, reply);
  }

  @Post('config/rollback')
  @RequirePermission('config.write')
  @Answers('Starts a planned return of a configuration document to an earlier revision’s content.', startedSchema)
  @HttpCode(202)
  configRollback(
    @Body({ schema: startConfigBody }) body: StartBody,
    @IdempotencyKey() { key }: KeyedRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return this.startConfig('config-rollback', body, key, reply);
  }

  /** Newest first. */
  @Get()
  @RequirePermission('job.read', { anywhere: true })
  @Answers('Lists jobs, the newest first.', page(jobSchema))
  list(@Query({ schema: listQuery }) query: z.output<typeof listQuery>) {
    return jobsPage(this.jobs, query);
  }

  @Get(':id')
  @RequirePermission('job.read', { anywhere: true })
  @Answers('Tells how a job stands.', jobSchema)
  async get(@Param('id', { schema: opaqueId }) jobId: string) {
    const { job } = await this.jobs.getJob({ jobId }, asCaller());
    return jobView(present(job, 'job'));
  }

  @Post(':id/cancel')
  @RequirePermission('job.cancel', { anywhere: true })
  @Answers('Asks a job to stop and to undo what it did.', jobSchema)
  @HttpCode(202)
  async cancel(@Param('id', { schema: opaqueId }) jobId: string, @Body({ schema: cancelBody }) body: z.output<typeof cancelBody>) {
    const { job } = await this.jobs.cancelJob({ jobId, reason: body.reason ?? '' }, asCaller());
    return jobView(present(job, 'job'));
  }

  /** For a job that needs attention. */
  @Post(':id/retry')
  @RequirePermission('job.retry', { anywhere: true })
  @Answers('Tries a job that needs attention again from the step that failed.', jobSchema)
  @HttpCode(202)
  async retry(@Param('id', { schema: opaqueId }) jobId: string, @Body({ schema: decisionBody }) body: DecisionBody) {
    const { job } = await this.jobs.retryJob({ jobId, reason: body.reason }, asCaller());
    return jobView(present(job, 'job'));
  }

  /** The run at hand is seen through; then it begins nothing more until it is let go on. It keeps its locks. */
  @Post(':id/pause')
  @RequirePermission('job.pause', { anywhere: true })
  @Answers('Lets a job rest after the run at hand.', jobSchema)
  @HttpCode(202)
  async pause(@Param('id', { schema: opaqueId }) jobId: string, @Body({ schema: decisionBody }) body: DecisionBody) {
    const { job } = await this.jobs.pauseJob({ jobId, reason: body.reason }, asCaller());
    return jobView(present(job, 'job'));
  }

  @Post(':id/unpause')
  @RequirePermission('job.pause', { anywhere: true })
  @Answers('Lets a paused job go on.', jobSchema)
  @HttpCode(202)
  async unpause(@Param('id', { schema: opaqueId }) jobId: string, @Body({ schema: decisionBody }) body: DecisionBody) {
    const { job } = await this.jobs.unpauseJob({ jobId, reason: body.reason }, asCaller());
    return jobView(present(job, 'job'));
  }

  /** What a step of the job waits for. The same again changes nothing. */
  @Post(':id/signals/:name')
  @RequirePermission('job.signal', { anywhere: true })
  @Answers('Tells a job what a step of it waits for.', jobSchema)
  @HttpCode(202)
  async signal(
    @Param('id', { schema: opaqueId }) jobId: string,
    @Param('name', { schema: signalName }) signal: string,
    @Body({ schema: signalBody }) { payload }: z.output<typeof signalBody>,
  ) {
    const { job } = await this.jobs.signalJob({ jobId, signal, payload }, asCaller());
    return jobView(present(job, 'job'));
  }

  /** Of two changes at once one wins: for the other, what is in force is about to be something else than it was planned from. */
  private async startConfig(kind: string, body: StartBody, idempotencyKey: string, reply: FastifyReply) {
    try {
      return await this.start(kind, body, idempotencyKey, reply);
    } catch (error) {
      if (!(error instanceof FairleadError) || error.code !== 'lock_held') throw error;
      throw new FairleadError('plan_stale', 'Another change of this domain is under way. Plan again when it has ended.', {
        details: { ...error.details },
      });
    }
  }

  private start(kind: string, body: StartBody, idempotencyKey: string, reply: FastifyReply) {
    return startPlanned(this.jobs, { kind, body, idempotencyKey }, reply);
  }
}

/** Starts the job of a plan, as the caller; answers its id. */
export async function startPlanned(
  jobs: JobsClient,
  { kind, body, idempotencyKey }: { kind: string; body: StartBody; idempotencyKey: string },
  reply: FastifyReply,
) {
  const request = { kind, planDigest: body.plan_digest, reason: body.reason, idempotencyKey, onConflict: body.on_conflict };
  const { jobId, position } = await jobs.startJob(request, asCaller());
  tellPosition(reply, position);
  reply.header('location', `/admin/v1/jobs/${jobId}`);
  return { job_id: jobId };
}

/** A page of jobs, as their reader may see them. */
export async function jobsPage(client: JobsClient, query: z.output<typeof listQuery>) {
  const request = {
    limit: query.limit,
    before: startOf('jobs', query.cursor) ?? '',
    status: query.status ?? '',
    kind: query.kind ?? '',
    tenantId: query.tenant ?? '',
    correlationId: query.correlation_id ?? '',
    parentId: query.parent ?? '',
    paused: query.paused === 'true',
  };
  const { jobs, nextBefore } = await client.listJobs(request, asCaller());
  return pageOf('jobs', jobs.map(jobView), nextBefore);
}

function jobView(job: jobsV1.Job) {
  return {
    job_id: job.jobId,
    kind: job.kind,
    status: job.status as JobStatus,
    params: job.params ?? {},
    plan_id: job.planId,
    plan_digest: job.planDigest,
    reason: job.reason,
    principal: job.principal,
    locks: job.locks,
    steps: job.steps.map(stepView),
    error: errorView(job.error),
    created_at: job.createdAt,
    started_at: orNull(job.startedAt),
    finished_at: orNull(job.finishedAt),
    deadline: orNull(job.deadline),
    cancel_requested: job.cancelRequested,
    blocked_by: orNull(job.blockedBy),
    parent_id: orNull(job.parentId),
    note: orNull(job.note),
    waits_for: orNull(job.waitsFor),
    wake_at: orNull(job.wakeAt),
    pause_requested: job.pauseRequested,
    paused_at: orNull(job.pausedAt),
    paused_by: orNull(job.pausedBy),
    overdue_at: orNull(job.overdueAt),
    owner: orNull(job.owner),
    fence: job.fence,
    ...originView(job.origin),
    plan: originView(job.planOrigin),
  };
}

function stepView(step: jobsV1.Step) {
  return {
    name: step.name,
    status: step.status as StepStatus,
    attempts: step.attempts,
    undo_attempts: step.undoAttempts,
    started_at: orNull(step.startedAt),
    finished_at: orNull(step.finishedAt),
    error: errorView(step.error),
    output: step.output ?? null,
  };
}

/** A job's error, or null. */
export function errorView(error: jobsV1.JobError | undefined) {
  if (error === undefined) return null;
  return { code: error.code, message: error.message, step: orNull(error.step), attempt: error.attempt };
}

function originView(origin: jobsV1.Origin | undefined) {
  return {
    request_id: orNull(origin?.requestId ?? ''),
    correlation_id: orNull(origin?.correlationId ?? ''),
    trace_id: orNull(origin?.traceId ?? ''),
  };
}
