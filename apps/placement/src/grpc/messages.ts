import type { placementV1 } from '@fairlead/contracts';
import type { Version } from '../tenants/domain/epoch.js';
import type { RebalancePlan } from '../tenants/domain/rebalance/types.js';
import type { PlannedByPolicy } from '../tenants/rebalance.js';
import type { ShardRow } from '../tenants/store/shards.js';
import type { TenantBalanceRow } from '../tenants/store/tenant-balance.js';
import type { TenantRow } from '../tenants/store/tenants.js';

export function tenantMessage(row: TenantRow): placementV1.Tenant {
  return { tenantId: row.tenantId, name: row.name, assignments: [...row.assignments], createdAt: row.createdAt.toISOString() };
}

export function shardMessage(row: ShardRow): placementV1.Shard {
  const { kind, shardId, endpoints, weight, labels, state, maxLoad, revision, tenants } = row;
  return { kind, shardId, endpoints: [...endpoints], weight, labels, state, revision, tenants, maxLoad: maxLoad ?? undefined };
}

export function tenantBalanceMessage({ load, pinned, antiAffinity, revision }: TenantBalanceRow): placementV1.TenantBalance {
  return { load, pinned: [...pinned], antiAffinity: antiAffinity ?? '', revision };
}

/** What would move and what comes of it, by shard. */
export function rebalanceMessage(plan: Omit<RebalancePlan, 'limits'> & Version & Partial<PlannedByPolicy>): placementV1.Rebalance {
  const { epoch, revision, moves, ratioBefore, ratioAfter, configRevision = 0, tolerance = 0, parallel = 0 } = plan;
  const after = new Map(plan.after.map((shard) => [shard.shardId, shard]));
  const left = new Map(plan.leftOver.map((shard) => [shard.shardId, shard]));
  return {
    ...{ epoch, revision, ratioBefore, ratioAfter, configRevision, tolerance, parallel },
    moves: moves.map(({ tenantId, from, to, load, why }) => ({ tenantId, fromShardId: from, toShardId: to, load, why })),
    shards: plan.before.map(({ shardId, tenants, load, ratio }) => ({
      shardId,
      tenantsBefore: tenants,
      tenantsAfter: after.get(shardId)?.tenants ?? 0,
      loadBefore: load,
      loadAfter: after.get(shardId)?.load ?? 0,
      ratioBefore: ratio ?? undefined,
      ratioAfter: after.get(shardId)?.ratio ?? undefined,
      leftOver: left.get(shardId)?.reason ?? '',
      leftOverMessage: left.get(shardId)?.message ?? '',
    })),
  };
}
