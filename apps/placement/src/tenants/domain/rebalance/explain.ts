/** Why a tenant is where it is; pure. */
import { FairleadError } from '@fairlead/contracts';
import { withoutStop } from './slices.js';
import { openState, shardLoads } from './state.js';
import type { Snapshot } from './types.js';

/** A move that was made. */
export interface PastMove {
  readonly from: string;
  readonly to: string;
  readonly movedAtMs: number;
  readonly reason: string;
}

export interface History {
  /** The shard that was asked for when the tenant was registered; undefined when it went where there was most room. */
  readonly requestedShardId?: string;
  readonly createdAtMs: number;
  /** In any order. */
  readonly moves: readonly PastMove[];
}

/** What keeps a tenant where it is. */
export type Hold = 'pinned' | 'cooldown';

export interface Explanation {
  readonly tenantId: string;
  readonly shardId: string;
  /** How it came there: it was asked for, there was most room when it was registered, or it was moved. */
  readonly because: 'requested' | 'most_room' | 'moved';
  readonly sinceMs: number;
  /** The latest move's reason; empty when there was none. */
  readonly reason: string;
  /** The latest first. */
  readonly moves: readonly PastMove[];
  readonly load: number;
  /** The shard's load per weight over the mean; null when it takes no tenants. */
  readonly shardRatio: number | null;
  readonly holds: readonly Hold[];
  /** When the cooldown ends; undefined when there is none. */
  readonly cooldownUntilMs?: number;
  /** Others of its anti-affinity group, and where they are. */
  readonly groupMembers: readonly { readonly tenantId: string; readonly shardId: string }[];
}

/** Explains a tenant's placement of one kind from the snapshot and the tenant's own history. Throws tenant_not_found. */
export function explainPlacement(
  snapshot: Snapshot,
  tenantId: string,
  history: History,
  { cooldownMs, nowMs }: { cooldownMs: number; nowMs: number },
): Explanation {
  const tenant = snapshot.tenants.find((candidate) => candidate.tenantId === tenantId);
  if (tenant === undefined)
    throw new FairleadError('tenant_not_found', `There is no tenant ${tenantId}`, { details: { tenant_id: tenantId } });
  const loads = shardLoads(withoutStop(openState(snapshot, { mode: 'balance', cooldownMs: 0, nowMs })));
  const moves = history.moves.toSorted((a, b) => b.movedAtMs - a.movedAtMs);
  const latest = moves[0];
  const cools = tenant.lastMovedAtMs !== undefined && nowMs - tenant.lastMovedAtMs < cooldownMs;
  return {
    tenantId,
    shardId: tenant.shardId,
    because: latest !== undefined ? 'moved' : history.requestedShardId === undefined ? 'most_room' : 'requested',
    sinceMs: latest?.movedAtMs ?? history.createdAtMs,
    reason: latest?.reason ?? '',
    moves,
    load: tenant.load,
    shardRatio: loads.find(({ shardId }) => shardId === tenant.shardId)?.ratio ?? null,
    holds: [...(tenant.pinned || tenant.only !== undefined ? ['pinned' as const] : []), ...(cools ? ['cooldown' as const] : [])],
    ...(cools ? { cooldownUntilMs: tenant.lastMovedAtMs + cooldownMs } : {}),
    groupMembers: snapshot.tenants
      .filter(({ antiAffinity, tenantId: id }) => antiAffinity !== undefined && antiAffinity === tenant.antiAffinity && id !== tenantId)
      .map(({ tenantId: id, shardId }) => ({ tenantId: id, shardId }))
      .sort((a, b) => (a.tenantId < b.tenantId ? -1 : 1)),
  };
}
