import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { jobStatuses, type jobsV1 } from '@fairlead/contracts';
import { RequirePermission } from '../edge/access.js';
import { asCaller, jobsClient, orNull, present, tellPosition, type JobsClient } from '../edge/clients.js';
import { pageOf, pageQuery, startOf } from '../edge/paging.js';
import { externalId, IdempotencyKey, jsonObject, opaqueId, reason, signalName, tenantId } from '../edge/parse.js';

const startBody = z.strictObject({
  plan_digest: opaqueId,
  reason,
  on_conflict: z.enum(['queue', 'reject'], 'must be queue or reject').default('queue'),
});
type StartBody = z.output<typeof startBody>;

const cancelBody = z.strictObject({ reason: reason.optional() });

const decisionBody = z.strictObject({ reason });
type DecisionBody = z.output<typeof decisionBody>;

const signalBody = z.strictObject({ payload: jsonObject.default({}) });

const listQuery = z.strictObject({
  ...pageQuery,
  status: z.enum(jobStatuses, `must be one of ${jobStatuses.join(', ')}`).optional(),
  kind: opaqueId.optional(),
  tenant: tenantId.optional(),
  correlation_id: externalId.optional(),
  parent: opaqueId.optional(),
});

@Controller('admin/v1/jobs')
export class JobsController {
  constructor(@Inject(jobsClient) private readonly jobs: JobsClient) {}

  @Post('tenant-migrate')
  @RequirePermission('tenant.migrate')
  @HttpCode(202)
  migrate(@Body({ schema: startBody }) body: StartBody, @IdempotencyKey() key: string, @Res({ passthrough: true }) reply: FastifyReply) {
    return this.start('tenant-migrate', body, key, reply);
  }

  @Post('tenants-migrate')
  @RequirePermission('tenant.migrate')
  @HttpCode(202)
  migrateMany(
    @Body({ schema: startBody }) body: StartBody,
    @IdempotencyKey() key: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return this.start('tenants-migrate', body, key, reply);
  }

  @Post('tenant-drain')
  @RequirePermission('tenant.drain')
  @HttpCode(202)
  drain(@Body({ schema: startBody }) body: StartBody, @IdempotencyKey() key: string, @Res({ passthrough: true }) reply: FastifyReply) {
    return this.start('tenant-drain', body, key, reply);
  }

  @Post('tenant-resume')
  @RequirePermission('tenant.resume')
  @HttpCode(202)
  resume(@Body({ schema: startBody }) body: StartBody, @IdempotencyKey() key: string, @Res({ passthrough: true }) reply: FastifyReply) {
    return this.start('tenant-resume', body, key, reply);
  }

  @Post('reload')
  @RequirePermission('fleet.reload')
  @HttpCode(202)
  reload(@Body({ schema: startBody }) body: StartBody, @IdempotencyKey() key: string, @Res({ passthrough: true }) reply: FastifyReply) {
    return this.start('reload', body, key, reply);
  }

  /** Newest first. */
  @Get()
  @RequirePermission('job.read')
  async list(@Query({ schema: listQuery }) query: z.output<typeof listQuery>) {
    const request = {
      limit: query.limit,
      before: startOf('jobs', query.cursor) ?? '',
      status: query.status ?? '',
      kind: query.kind ?? '',
      tenantId: query.tenant ?? '',
      correlationId: query.correlation_id ?? '',
      parentId: query.parent ?? '',
    };
    const { jobs, nextBefore } = await this.jobs.listJobs(request, asCaller());
    return pageOf('jobs', jobs.map(jobView), nextBefore);
  }

  @Get(':id')
  @RequirePermission('job.read')
  async get(@Param('id', { schema: opaqueId }) jobId: string) {
    const { job } = await this.jobs.getJob({ jobId }, asCaller());
    return jobView(present(job, 'job'));
  }

  @Post(':id/cancel')
  @RequirePermission('job.cancel')
  @HttpCode(202)
  async cancel(@Param('id', { schema: opaqueId }) jobId: string, @Body({ schema: cancelBody }) body: z.output<typeof cancelBody>) {
    const { job } = await this.jobs.cancelJob({ jobId, reason: body.reason ?? '' }, asCaller());
    return jobView(present(job, 'job'));
  }

  /** For a job that needs attention. */
  @Post(':id/retry')
  @RequirePermission('job.retry')
  @HttpCode(202)
  async retry(@Param('id', { schema: opaqueId }) jobId: string, @Body({ schema: decisionBody }) body: DecisionBody) {
    const { job } = await this.jobs.retryJob({ jobId, reason: body.reason }, asCaller());
    return jobView(present(job, 'job'));
  }

  /** The run at hand is seen through; then it begins nothing more until it is let go on. It keeps its locks. */
  @Post(':id/pause')
  @RequirePermission('job.pause')
  @HttpCode(202)
  async pause(@Param('id', { schema: opaqueId }) jobId: string, @Body({ schema: decisionBody }) body: DecisionBody) {
    const { job } = await this.jobs.pauseJob({ jobId, reason: body.reason }, asCaller());
    return jobView(present(job, 'job'));
  }

  @Post(':id/unpause')
  @RequirePermission('job.pause')
  @HttpCode(202)
  async unpause(@Param('id', { schema: opaqueId }) jobId: string, @Body({ schema: decisionBody }) body: DecisionBody) {
    const { job } = await this.jobs.unpauseJob({ jobId, reason: body.reason }, asCaller());
    return jobView(present(job, 'job'));
  }

  /** What a step of the job waits for. The same again changes nothing. */
  @Post(':id/signals/:name')
  @RequirePermission('job.signal')
  @HttpCode(202)
  async signal(
    @Param('id', { schema: opaqueId }) jobId: string,
    @Param('name', { schema: signalName }) signal: string,
    @Body({ schema: signalBody }) { payload }: z.output<typeof signalBody>,
  ) {
    const { job } = await this.jobs.signalJob({ jobId, signal, payload }, asCaller());
    return jobView(present(job, 'job'));
  }

  private async start(kind: string, body: StartBody, idempotencyKey: string, reply: FastifyReply) {
    const request = { kind, planDigest: body.plan_digest, reason: body.reason, idempotencyKey, onConflict: body.on_conflict };
    const { jobId, position } = await this.jobs.startJob(request, asCaller());
    tellPosition(reply, position);
    reply.header('location', `/admin/v1/jobs/${jobId}`);
    return { job_id: jobId };
  }
}

function jobView(job: jobsV1.Job) {
  return {
    job_id: job.jobId,
    kind: job.kind,
    status: job.status,
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
    status: step.status,
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
