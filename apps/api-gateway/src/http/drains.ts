import { Body, Controller, HttpCode, Inject, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { KeyedRequest } from '@fairlead/postgres';
import { RequirePermission } from '../edge/access.js';
import { Answers } from '../edge/answers.js';
import { jobsClient, type JobsClient } from '../edge/clients.js';
import { IdempotencyKey, reason, serviceKind, shardId, text } from '../edge/parse.js';
import { startBody, startedSchema, startPlanned, type StartBody } from './jobs.js';
import { count, createPlan, maxParallel, planSchema } from './plans.js';

const maxTenants = 2_000;
/** How many tenants are drained, or resumed, at the same time; 4 when left out. */
const parallel = count(maxParallel).optional();
/** No more are drained once so many could not be, and all is taken back; 1 when left out. */
const stopAfterFailures = count(maxTenants).optional();

const drainShardBody = z.strictObject({ kind: serviceKind, shard: shardId, parallel, stop_after_failures: stopAfterFailures, reason });
const resumeShardBody = z.strictObject({ kind: serviceKind, shard: shardId, parallel, reason });

/** As the shards' label `node` says. */
const node = text(256);
const drainNodeBody = z.strictObject({ node, parallel, stop_after_failures: stopAfterFailures, reason });
const resumeNodeBody = z.strictObject({ node, parallel, reason });

/** Stopping all that is served somewhere, where it is, and letting it go on. */
@Controller('admin/v1')
export class DrainsController {
  constructor(@Inject(jobsClient) private readonly jobs: JobsClient) {}

  /** It is cordoned, and its tenants are drained, each by a job of its own; nobody moves. */
  @Post('plan/shard-drain')
  @RequirePermission('plan.create')
  @Answers('Plans the drain of a shard: no new tenants, and none served.', planSchema)
  planDrainShard(
    @Body({ schema: drainShardBody }) { reason, ...params }: z.output<typeof drainShardBody>,
    @IdempotencyKey() { key }: KeyedRequest,
  ) {
    return createPlan(this.jobs, { kind: 'shard-drain', params, reason }, key);
  }

  @Post('plan/shard-resume')
  @RequirePermission('plan.create')
  @Answers('Plans the resume of a shard: its drained tenants are served again, and it takes new ones.', planSchema)
  planResumeShard(
    @Body({ schema: resumeShardBody }) { reason, ...params }: z.output<typeof resumeShardBody>,
    @IdempotencyKey() { key }: KeyedRequest,
  ) {
    return createPlan(this.jobs, { kind: 'shard-resume', params, reason }, key);
  }

  @Post('jobs/shard-drain')
  @RequirePermission('placement.write')
  @Answers('Starts the planned drain of a shard, each tenant by a job of its own.', startedSchema)
  @HttpCode(202)
  drainShard(
    @Body({ schema: startBody }) body: StartBody,
    @IdempotencyKey() { key }: KeyedRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return startPlanned(this.jobs, { kind: 'shard-drain', body, idempotencyKey: key }, reply);
  }

  @Post('jobs/shard-resume')
  @RequirePermission('placement.write')
  @Answers('Starts the planned resume of a shard, each tenant by a job of its own.', startedSchema)
  @HttpCode(202)
  resumeShard(
    @Body({ schema: startBody }) body: StartBody,
    @IdempotencyKey() { key }: KeyedRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return startPlanned(this.jobs, { kind: 'shard-resume', body, idempotencyKey: key }, reply);
  }

  @Post('plan/node-drain')
  @RequirePermission('plan.create')
  @Answers('Plans the drain of all shards of a node: those whose label node is its name.', planSchema)
  planDrainNode(
    @Body({ schema: drainNodeBody }) { reason, ...params }: z.output<typeof drainNodeBody>,
    @IdempotencyKey() { key }: KeyedRequest,
  ) {
    return createPlan(this.jobs, { kind: 'node-drain', params, reason }, key);
  }

  @Post('plan/node-resume')
  @RequirePermission('plan.create')
  @Answers('Plans the resume of all shards of a node: those whose label node is its name.', planSchema)
  planResumeNode(
    @Body({ schema: resumeNodeBody }) { reason, ...params }: z.output<typeof resumeNodeBody>,
    @IdempotencyKey() { key }: KeyedRequest,
  ) {
    return createPlan(this.jobs, { kind: 'node-resume', params, reason }, key);
  }

  @Post('jobs/node-drain')
  @RequirePermission('placement.write')
  @Answers('Starts the planned drain of a node, each shard by a job of its own.', startedSchema)
  @HttpCode(202)
  drainNode(
    @Body({ schema: startBody }) body: StartBody,
    @IdempotencyKey() { key }: KeyedRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return startPlanned(this.jobs, { kind: 'node-drain', body, idempotencyKey: key }, reply);
  }

  @Post('jobs/node-resume')
  @RequirePermission('placement.write')
  @Answers('Starts the planned resume of a node, each shard by a job of its own.', startedSchema)
  @HttpCode(202)
  resumeNode(
    @Body({ schema: startBody }) body: StartBody,
    @IdempotencyKey() { key }: KeyedRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return startPlanned(this.jobs, { kind: 'node-resume', body, idempotencyKey: key }, reply);
  }
}
