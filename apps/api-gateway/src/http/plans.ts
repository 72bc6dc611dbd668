import { Body, Controller, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import type { CheckVerdict, jobsV1 } from '@fairlead/contracts';
import type { KeyedRequest } from '@fairlead/postgres';
import { invalidFields } from '../domain/invalid.js';
import { movesOf, type Moves } from '../domain/plan-params.js';
import { RequirePermission } from '../edge/access.js';
import { Answers, time } from '../edge/answers.js';
import { asCaller, configClient, jobsClient, orNull, present, type ConfigClient, type JobsClient } from '../edge/clients.js';
import { IdempotencyKey, opaqueId, placedKind, reason, serviceKind, shardId, tenantId } from '../edge/parse.js';
import { applyBody, rollbackBody } from './config-validate.js';
import { changeSchema, changeView } from './config.js';

const kinds = z.array(placedKind, 'must be a list of kinds').min(1, 'must name at least one kind').max(3, 'names a kind twice');
const to = z.union([shardId, z.partialRecord(placedKind, shardId)], 'must be a shard id, or {kind: shard}');

const migrateBody = z.strictObject({ tenant: tenantId, kinds: kinds.optional(), to, reason });
/** A whole number from 1 on. */
export const count = (most: number) => {
  const message = `must be a whole number from 1 to ${most}`;
  return z.int(message).min(1, message).max(most, message);
};
const maxTenants = 500;
/** Jobs of a job that run at the same time, at most. */
export const maxParallel = 16;
const migrateManyBody = z.strictObject({
  tenants: z
    .array(tenantId, 'must be a list of tenants')
    .min(1, 'must name at least one tenant')
    .max(maxTenants, `must name ${maxTenants} tenants at most`),
  kinds: kinds.optional(),
  to,
  /** How many are moved at the same time; 2 when left out. */
  parallel: count(maxParallel).optional(),
  /** No more are begun once so many have failed; 1 when left out. */
  stop_after_failures: count(maxTenants).optional(),
  reason,
});
const rebalanceBody = z
  .strictObject({
    kind: placedKind,
    /** To their share, the default; or all tenants of a shard elsewhere, or to another one. */
    mode: z.enum(['balance', 'empty', 'replace'], 'must be balance, empty or replace').default('balance'),
    /** The shard to be emptied or replaced. */
    shard: shardId.optional(),
    /** The shard that takes its place. */
    to: shardId.optional(),
    /** How far over its share a shard may be; as the configuration says when left out. */
    tolerance: z
      .number('must be a number from 0 to 1')
      .min(0, 'must be a number from 0 to 1')
      .max(1, 'must be a number from 0 to 1')
      .optional(),
    /** Left out, what is left of the moves that the configuration allows in an hour, or for empty and replace 500. */
    max_moves: count(maxTenants).optional(),
    /** Who has moved less than this ago stays; as the configuration says when left out. */
    cooldown_seconds: z
      .int('must be a whole number of seconds')
      .min(0, 'must not be negative')
      .max(30 * 24 * 3600, 'must be 30 days at most')
      .optional(),
    /** As the configuration says when left out. */
    parallel: count(maxParallel).optional(),
    stop_after_failures: count(maxTenants).optional(),
    reason,
  })
  .refine(({ mode, shard }) => (shard === undefined) === (mode === 'balance'), { path: ['shard'], error: 'goes with empty and replace' })
  .refine(({ mode, to }) => (to === undefined) === (mode !== 'replace'), { path: ['to'], error: 'goes with replace' });
const decommissionBody = z.strictObject({
  kind: placedKind,
  shard: shardId,
  /** The shard that takes its place; the others share its tenants when left out. */
  to: shardId.optional(),
  /** How far over its share another shard may be; as the configuration says when left out. */
  tolerance: z
    .number('must be a number from 0 to 1')
    .min(0, 'must be a number from 0 to 1')
    .max(1, 'must be a number from 0 to 1')
    .optional(),
  /** As the configuration says when left out. */
  parallel: count(maxParallel).optional(),
  stop_after_failures: count(maxTenants).optional(),
  reason,
});
const tenantBody = z.strictObject({ tenant: tenantId, kinds: kinds.optional(), reason });
const reloadBody = z.strictObject({ kind: serviceKind, shard: shardId, reason });
const approveBody = z.strictObject({ reason });

/** A plan. */
export const planSchema = z
  .object({
    plan_id: z.string(),
    kind: z.string(),
    digest: z.string(),
    params: z.record(z.string(), z.unknown()),
    actions: z.array(
      z.object({
        name: z.string(),
        description: z.string(),
        kind: z.string().nullable(),
        from_shard_id: z.string().nullable(),
        to_shard_id: z.string().nullable(),
      }),
    ),
    checks: z.array(
      z.object({ name: z.string(), verdict: z.enum(['pass', 'warn', 'block']), value: z.string(), limit: z.string(), message: z.string() }),
    ),
    impact: z.object({
      tenants: z.array(z.string()),
      services: z.array(z.string()),
      expected_pause_ms: z.number(),
      every_tenant: z.boolean(),
    }),
    /** Of what changes a document: what it does to it, the first of it when that is much. */
    changes: z.array(changeSchema),
    inputs: z.array(z.object({ resource: z.string(), revision: z.int() })),
    reason: z.string(),
    created_by: z.string(),
    created_at: time,
    expires_at: time,
    request_id: z.string().nullable(),
    correlation_id: z.string().nullable(),
    trace_id: z.string().nullable(),
    canonical: z.string(),
    needs_approval: z.boolean(),
    approval: z.object({ approved_by: z.string(), approved_at: time, reason: z.string() }).nullable(),
  })
  .meta({ id: 'Plan' });

/** One route per kind of change: each has its own body, and makes the parameters the job kind knows. */
@Controller('admin/v1')
export class PlansController {
  constructor(
    @Inject(jobsClient) private readonly jobs: JobsClient,
    @Inject(configClient) private readonly config: ConfigClient,
  ) {}

  @Post('plan/tenant-migrate')
  @RequirePermission('plan.create', { anywhere: true })
  @Answers('Plans the move of a tenant.', planSchema)
  async migrate(@Body({ schema: migrateBody }) body: z.output<typeof migrateBody>, @IdempotencyKey() keyed: KeyedRequest) {
    return this.create('tenant-migrate', { tenant: body.tenant, moves: movesFrom(body) }, body.reason, keyed);
  }

  /** Many tenants to the same shards, each by a job of its own. */
  @Post('plan/tenants-migrate')
  @RequirePermission('plan.create')
  @Answers('Plans the move of many tenants to the same shards.', planSchema)
  async migrateMany(
    @Body({ schema: migrateManyBody }) { kinds, to, reason, ...rest }: z.output<typeof migrateManyBody>,
    @IdempotencyKey() keyed: KeyedRequest,
  ) {
    return this.create('tenants-migrate', { ...rest, moves: movesFrom({ kinds, to }) }, reason, keyed);
  }

  /** As many migrations as it takes, each by a job of its own, in an order that is safe after each. */
  @Post('plan/rebalance')
  @RequirePermission('plan.create')
  @Answers('Plans which tenants of a kind move so that no shard has much more than its share, or so that one is empty.', planSchema)
  async rebalance(
    @Body({ schema: rebalanceBody }) { reason, ...params }: z.output<typeof rebalanceBody>,
    @IdempotencyKey() keyed: KeyedRequest,
  ) {
    return this.create('rebalance', params, reason, keyed);
  }

  /** Nothing stays of the shard: its tenants move, each by a job of its own, and it leaves the directory. */
  @Post('plan/shard-decommission')
  @RequirePermission('plan.create')
  @Answers('Plans how a shard is taken out of service for good.', planSchema)
  async decommission(
    @Body({ schema: decommissionBody }) { reason, ...params }: z.output<typeof decommissionBody>,
    @IdempotencyKey() keyed: KeyedRequest,
  ) {
    return this.create('shard-decommission', params, reason, keyed);
  }

  @Post('plan/tenant-drain')
  @RequirePermission('plan.create', { anywhere: true })
  @Answers('Plans the drain of a tenant.', planSchema)
  async drain(@Body({ schema: tenantBody }) { reason, ...params }: z.output<typeof tenantBody>, @IdempotencyKey() keyed: KeyedRequest) {
    return this.create('tenant-drain', params, reason, keyed);
  }

  @Post('plan/tenant-resume')
  @RequirePermission('plan.create', { anywhere: true })
  @Answers('Plans the resume of a tenant.', planSchema)
  async resume(@Body({ schema: tenantBody }) { reason, ...params }: z.output<typeof tenantBody>, @IdempotencyKey() keyed: KeyedRequest) {
    return this.create('tenant-resume', params, reason, keyed);
  }

  @Post('plan/reload')
  @RequirePermission('plan.create')
  @Answers('Plans a reload of a shard’s endpoints.', planSchema)
  async reload(@Body({ schema: reloadBody }) { reason, ...params }: z.output<typeof reloadBody>, @IdempotencyKey() keyed: KeyedRequest) {
    return this.create('reload', params, reason, keyed);
  }

  @Post('plan/config/apply')
  @RequirePermission('config.write')
  @Answers('Plans to put a content of a configuration document in force.', planSchema)
  async configApply(
    @Body({ schema: applyBody })
    { domain, name, scope, format, text, content, expected_revision, reason }: z.output<typeof applyBody>,
    @IdempotencyKey() keyed: KeyedRequest,
  ) {
    const identity = { domain, name, scope };
    const given = text === undefined ? { format: 'json', text: JSON.stringify(content) } : { format, text };
    const { sha256 } = await this.config.prepareConfig({ identity, ...given }, asCaller());
    return this.create('config-apply', { ...identity, sha256, ...expecting(expected_revision) }, reason, keyed);
  }

  @Post('plan/config/rollback')
  @RequirePermission('config.write')
  @Answers('Plans to put the content of an earlier revision of a configuration document in force again.', planSchema)
  async configRollback(
    @Body({ schema: rollbackBody }) { domain, name, scope, revision, expected_revision, reason }: z.output<typeof rollbackBody>,
    @IdempotencyKey() keyed: KeyedRequest,
  ) {
    const identity = { domain, name, scope };
    const { sha256 } = await this.config.prepareConfig({ identity, format: '', text: '', restoreRevision: revision }, asCaller());
    return this.create('config-rollback', { ...identity, sha256, revision, ...expecting(expected_revision) }, reason, keyed);
  }

  /** A plan by its id or its digest. */
  @Get('plans/:id')
  @RequirePermission('job.read', { anywhere: true })
  @Answers('Tells a plan, by its id or its digest.', planSchema)
  async get(@Param('id', { schema: opaqueId }) plan: string) {
    const response = await this.jobs.getPlan({ plan }, asCaller());
    return planView(present(response.plan, 'plan'));
  }

  /** The word of somebody other than who made the plan. */
  @Post('plans/:id/approve')
  @RequirePermission('plan.approve', { anywhere: true })
  @Answers('Approves a plan that needs the word of somebody other than who made it.', planSchema)
  @HttpCode(200)
  async approve(@Param('id', { schema: opaqueId }) plan: string, @Body({ schema: approveBody }) body: z.output<typeof approveBody>) {
    const response = await this.jobs.approvePlan({ plan, reason: body.reason }, asCaller());
    return planView(present(response.plan, 'plan'));
  }

  private create(kind: string, params: Record<string, unknown>, reason: string, { key }: KeyedRequest) {
    return createPlan(this.jobs, { kind, params, reason }, key);
  }
}

/** Has a plan made, as the caller; answers it. */
export async function createPlan(
  jobs: JobsClient,
  plan: { kind: string; params: Record<string, unknown>; reason: string },
  idempotencyKey: string,
) {
  const response = await jobs.createPlan({ ...plan, idempotencyKey }, asCaller());
  return planView(present(response.plan, 'plan'));
}

const expecting = (revision: number | undefined) => (revision === undefined ? {} : { expected_revision: revision });

function movesFrom({ kinds, to }: Pick<z.output<typeof migrateBody>, 'kinds' | 'to'>): Moves {
  const target = movesOf(kinds, to);
  if ('error' in target) throw invalidFields([target.error]);
  return target.moves;
}

function planView(plan: jobsV1.Plan) {
  return {
    plan_id: plan.planId,
    kind: plan.kind,
    digest: plan.digest,
    params: plan.params ?? {},
    actions: plan.actions.map((action) => ({
      name: action.name,
      description: action.description,
      kind: orNull(action.kind),
      from_shard_id: orNull(action.fromShardId),
      to_shard_id: orNull(action.toShardId),
    })),
    checks: plan.checks.map(({ name, verdict, value, limit, message }) => ({
      ...{ name, verdict: verdict as CheckVerdict, value, limit, message },
    })),
    impact: {
      tenants: plan.impact?.tenants ?? [],
      services: plan.impact?.services ?? [],
      expected_pause_ms: plan.impact?.expectedPauseMs ?? 0,
      every_tenant: plan.impact?.everyTenant ?? false,
    },
    changes: plan.changes.map(changeView),
    inputs: plan.inputs.map(({ resource, revision }) => ({ resource, revision })),
    reason: plan.reason,
    created_by: plan.createdBy,
    created_at: plan.createdAt,
    expires_at: plan.expiresAt,
    request_id: orNull(plan.origin?.requestId ?? ''),
    correlation_id: orNull(plan.origin?.correlationId ?? ''),
    trace_id: orNull(plan.origin?.traceId ?? ''),
    canonical: plan.canonical,
    needs_approval: plan.needsApproval,
    approval: approvalView(plan.approval),
  };
}

function approvalView(approval: jobsV1.Approval | undefined) {
  if (approval === undefined) return null;
  return { approved_by: approval.approvedBy, approved_at: approval.approvedAt, reason: approval.reason };
}
