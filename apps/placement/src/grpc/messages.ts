import type { placementV1 } from '@fairlead/contracts';
import type { ShardRow } from '../tenants/store/shards.js';
import type { TenantRow } from '../tenants/store/tenants.js';

export function tenantMessage(row: TenantRow): placementV1.Tenant {
  return { tenantId: row.tenantId, name: row.name, assignments: [...row.assignments], createdAt: row.createdAt.toISOString() };
}

export function shardMessage(row: ShardRow): placementV1.Shard {
  const { kind, shardId, endpoints, weight, labels, state, revision, tenants } = row;
  return { kind, shardId, endpoints: [...endpoints], weight, labels, state, revision, tenants };
}
