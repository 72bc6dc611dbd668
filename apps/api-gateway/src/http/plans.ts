import { Body, Controller, Get, Inject, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import type { jobsV1 } from '@fairlead/contracts';
import { invalidFields } from '../domain/invalid.js';
import { movesOf } from '../domain/plan-params.js';
import { RequirePermission } from '../edge/access.js';
import { asCaller, jobsClient, orNull, present, type JobsClient } from '../edge/clients.js';
import { opaqueId, placedKind, reason, serviceKind, shardId, tenantId } from '../edge/parse.js';

const kinds = z.array(placedKind, 'must be a list of kinds').min(1, 'must name at least one kind').max(3, 'names a kind twice');
const to = z.union([shardId, z.partialRecord(placedKind, shardId)], 'must be a shard id, or {kind: shard}');

const migrateBody = z.strictObject({ tenant: tenantId, kinds: kinds.optional(), to, reason });
const tenantBody = z.strictObject({ tenant: tenantId, kinds: kinds.optional(), reason });
const reloadBody = z.strictObject({ kind: serviceKind, shard: shardId, reason });

/** One route per kind of change: each has its own body, and makes the parameters the job kind knows. */
@Controller('admin/v1')
export class PlansController {
  constructor(@Inject(jobsClient) private readonly jobs: JobsClient) {}

  @Post('plan/tenant-migrate')
  @RequirePermission('plan.create')
  async migrate(@Body({ schema: migrateBody }) body: z.output<typeof migrateBody>) {
    const target = movesOf(body.kinds, body.to);
    if ('error' in target) throw invalidFields([target.error]);
    return this.create('tenant-migrate', { tenant: body.tenant, moves: target.moves }, body.reason);
  }

  @Post('plan/tenant-drain')
  @RequirePermission('plan.create')
  async drain(@Body({ schema: tenantBody }) { reason, ...params }: z.output<typeof tenantBody>) {
    return this.create('tenant-drain', params, reason);
  }

  @Post('plan/tenant-resume')
  @RequirePermission('plan.create')
  async resume(@Body({ schema: tenantBody }) { reason, ...params }: z.output<typeof tenantBody>) {
    return this.create('tenant-resume', params, reason);
  }

  @Post('plan/reload')
  @RequirePermission('plan.create')
  async reload(@Body({ schema: reloadBody }) { reason, ...params }: z.output<typeof reloadBody>) {
    return this.create('reload', params, reason);
  }

  /** A plan by its id or its digest. */
  @Get('plans/:id')
  @RequirePermission('job.read')
  async get(@Param('id', { schema: opaqueId }) plan: string) {
    const response = await this.jobs.getPlan({ plan }, asCaller());
    return planView(present(response.plan, 'plan'));
  }

  private async create(kind: string, params: Record<string, unknown>, reason: string) {
    const response = await this.jobs.createPlan({ kind, params, reason }, asCaller());
    return planView(present(response.plan, 'plan'));
  }
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
    checks: plan.checks.map(({ name, verdict, value, limit, message }) => ({ name, verdict, value, limit, message })),
    impact: {
      tenants: plan.impact?.tenants ?? [],
      services: plan.impact?.services ?? [],
      expected_pause_ms: plan.impact?.expectedPauseMs ?? 0,
    },
    inputs: plan.inputs.map(({ resource, revision }) => ({ resource, revision })),
    reason: plan.reason,
    created_by: plan.createdBy,
    created_at: plan.createdAt,
    expires_at: plan.expiresAt,
    request_id: orNull(plan.origin?.requestId ?? ''),
    correlation_id: orNull(plan.origin?.correlationId ?? ''),
    trace_id: orNull(plan.origin?.traceId ?? ''),
    canonical: plan.canonical,
  };
}
