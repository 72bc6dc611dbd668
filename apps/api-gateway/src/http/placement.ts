import { Body, Controller, Get, Inject, Param, Put, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { serviceKinds, type PlacedKind, type placementV1 } from '@fairlead/contracts';
import { RequirePermission } from '../edge/access.js';
import { Answers } from '../edge/answers.js';
import { asCaller, placementClient, tellPosition, type PlacementClient } from '../edge/clients.js';
import { etagOf, OptionalIfMatch, tenantId } from '../edge/parse.js';
import {
  balanceView,
  explainQuery,
  explanationSchema,
  explanationView,
  rebalanceQuery,
  rebalanceSchema,
  rebalanceView,
  tenantBalanceBody,
  tenantBalanceSchema,
  tenantBalanceView,
  whatIfQuery,
  whatIfSchema,
} from './placement-balance.js';
import { shardEntry, shardView } from './shards.js';

const query = z.strictObject({ tenants: z.enum(['true', 'false'], 'must be true or false').default('true') });

const placedTenants = z.record(z.string(), z.object({ shard: z.string() }));
const placementSchema = z
  .object({
    revision: z.int(),
    epoch: z.int(),
    published_revision: z.int(),
    aggregate_placement: placedTenants,
    projection_placement: placedTenants,
    runner_placement: placedTenants,
    shards: z.record(z.string(), z.record(z.string(), shardEntry)),
  })
  .meta({ id: 'Placement' });

@Controller('admin/v1/placement')
export class PlacementController {
  constructor(@Inject(placementClient) private readonly placement: PlacementClient) {}

  /** The whole effective placement at one revision, in the form of the managed gateway's routing documents; `tenants=false` leaves the maps empty. */
  @Get()
  @RequirePermission('placement.read')
  @Answers('Tells the whole effective placement at one revision.', placementSchema)
  async get(@Query({ schema: query }) { tenants }: z.output<typeof query>) {
    return placementView(await this.placement.getPlacement({ withoutTenants: tenants === 'false' }, asCaller()));
  }

  /** Which tenants of a kind would move so that no shard has much more than its share. Nothing is changed. */
  @Get('rebalance')
  @RequirePermission('placement.read')
  @Answers('Tells which tenants of a kind would move so that no shard has much more than its share; changes nothing.', rebalanceSchema)
  async rebalance(@Query({ schema: rebalanceQuery }) query: z.output<typeof rebalanceQuery>) {
    const {
      kind,
      mode,
      shard: shardId = '',
      to: toShardId = '',
      tolerance,
      move_budget: moveBudget,
      cooldown_seconds: cooldown,
      unhealthy = [],
    } = query;
    const cooldownMs = cooldown === undefined ? undefined : cooldown * 1_000;
    const { rebalance } = await this.placement.planRebalance(
      { kind, mode, shardId, toShardId, tolerance, moveBudget, cooldownMs, nowMs: 0, unhealthyShardIds: unhealthy, stuckTenantIds: [] },
      asCaller(),
    );
    return rebalanceView(kind, rebalance);
  }

  /** Where the tenants of a shard would go if it died, and who would be left without one. */
  @Get('what-if')
  @RequirePermission('placement.read')
  @Answers('Tells where the tenants of a shard would go if it died; changes nothing.', whatIfSchema)
  async whatIf(@Query({ schema: whatIfQuery }) { kind, shard, unhealthy = [] }: z.output<typeof whatIfQuery>) {
    const { rebalance, stranded } = await this.placement.whatIfShardDies(
      { kind, shardId: shard, unhealthyShardIds: unhealthy },
      asCaller(),
    );
    return { ...balanceView(kind, rebalance), stranded };
  }

  /** Why a tenant is on the shard where it is, with its moves, the latest first. */
  @Get('explain')
  @RequirePermission('placement.read')
  @Answers('Explains why a tenant is on the shard where it is.', explanationSchema)
  async explain(@Query({ schema: explainQuery }) { kind, tenant }: z.output<typeof explainQuery>) {
    return explanationView(kind, tenant, await this.placement.explainPlacement({ kind, tenantId: tenant }, asCaller()));
  }

  /** What balancing heeds of a tenant: its load, the kinds that it does not move of, its group. */
  @Get('tenants/:id')
  @RequirePermission('placement.read')
  @Answers('Tells what balancing heeds of a tenant.', tenantBalanceSchema)
  async tenant(@Param('id', { schema: tenantId }) id: string, @Res({ passthrough: true }) reply: FastifyReply) {
    const { balance } = await this.placement.getTenantBalance({ tenantId: id }, asCaller());
    return this.told(id, balance, reply);
  }

  /** Says what balancing heeds of a tenant. Nobody moves by that alone. */
  @Put('tenants/:id')
  @RequirePermission('placement.write')
  @Answers('Says what balancing heeds of a tenant; moves nobody.', tenantBalanceSchema)
  async putTenant(
    @Param('id', { schema: tenantId }) id: string,
    @Body({ schema: tenantBalanceBody }) body: z.output<typeof tenantBalanceBody>,
    @OptionalIfMatch() expectedRevision: number | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { load, pinned, anti_affinity: antiAffinity } = body;
    const wanted = { load, pinned, antiAffinity: antiAffinity ?? '', revision: 0 };
    const request = { tenantId: id, balance: wanted, expectedRevision: expectedRevision ?? 0 };
    const { balance, position } = await this.placement.putTenantBalance(request, asCaller());
    tellPosition(reply, position);
    return this.told(id, balance, reply);
  }

  private told(id: string, balance: placementV1.TenantBalance | undefined, reply: FastifyReply) {
    const view = tenantBalanceView(id, balance);
    if (view.revision > 0) reply.header('etag', etagOf(view.revision));
    return view;
  }
}

function placementView(placement: placementV1.GetPlacementResponse) {
  const tenantsOf = (kind: PlacedKind) =>
    Object.fromEntries(Object.entries(placement.maps[kind]?.shardsByTenant ?? {}).map(([tenant, shard]) => [tenant, { shard }]));
  const shardsOf = (kind: string) =>
    Object.fromEntries(placement.shards.filter((shard) => shard.kind === kind).map((shard) => [shard.shardId, shardView(shard)]));
  return {
    revision: placement.revision,
    epoch: placement.epoch,
    published_revision: placement.publishedRevision,
    aggregate_placement: tenantsOf('aggregate'),
    projection_placement: tenantsOf('projection'),
    runner_placement: tenantsOf('runner'),
    shards: Object.fromEntries(serviceKinds.map((kind) => [kind, shardsOf(kind)])),
  };
}
