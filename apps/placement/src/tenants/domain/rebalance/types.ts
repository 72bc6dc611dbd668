/** What a rebalance is planned from, and what the plan says. */

/** A shard of the kind. `weight` is its share of the load, `maxLoad` what it can carry at most. */
export interface ShardSnapshot {
  readonly shardId: string;
  readonly weight: number;
  readonly state: 'active' | 'cordoned';
  readonly healthy: boolean;
  readonly maxLoad?: number;
}

/** A tenant where it is. Pinned tenants never move; one that has `only` is to be on one of these shards; no move puts two tenants of an anti-affinity group on one shard. */
export interface TenantSnapshot {
  readonly tenantId: string;
  readonly shardId: string;
  readonly load: number;
  readonly pinned: boolean;
  readonly only?: readonly string[];
  readonly antiAffinity?: string;
  readonly lastMovedAtMs?: number;
  /** It can't move at present, for a reason that placement does not know. */
  readonly stuck?: boolean;
}

/** One kind's shards and tenants at one revision, in any order. */
export interface Snapshot {
  readonly shards: readonly ShardSnapshot[];
  readonly tenants: readonly TenantSnapshot[];
}

/**
 * What is wanted: `balance` brings every active, healthy shard within the tolerance; `empty` takes a shard's tenants to
 * the others first; `replace` takes them to one other shard and moves nothing else.
 */
export type Goal = GoalLimits &
  (
    | { readonly mode: 'balance' }
    | { readonly mode: 'empty'; readonly shardId: string }
    | { readonly mode: 'replace'; readonly shardId: string; readonly toShardId: string }
  );

export interface GoalLimits {
  /** How far over its share of the mean a shard may be: 0.05 when left out. */
  readonly tolerance?: number;
  /** At most so many moves; no limit when left out. */
  readonly moveBudget?: number;
  /** A tenant that has moved less than this ago stays. */
  readonly cooldownMs: number;
  readonly nowMs: number;
}

/** Why a tenant moves. `pin`: it is to be on other shards than where it was. `makes_room`: for a tenant of another shard that is over its limit. */
export type MoveReason = 'pin' | 'over_limit' | 'emptied' | 'replaced' | 'anti_affinity' | 'makes_room';

export interface PlannedMove {
  readonly tenantId: string;
  readonly from: string;
  readonly to: string;
  readonly load: number;
  readonly why: MoveReason;
}

/** A shard before or after the moves. */
export interface ShardLoad {
  readonly shardId: string;
  readonly tenants: number;
  readonly load: number;
  /** Its load per weight over the mean of all that take tenants; null for a shard that takes none. */
  readonly ratio: number | null;
}

/** Why a shard stays over its limit, or keeps tenants that were to leave. */
export type LeftOverReason =
  | 'budget_used_up'
  | 'pinned_tenants'
  | 'pinned_elsewhere'
  | 'tenant_over_limit'
  | 'stuck_tenants'
  | 'cooldown'
  | 'no_healthy_target'
  | 'anti_affinity'
  | 'capacity'
  | 'took_over'
  | 'not_asked_for'
  | 'no_room';

export interface LeftOver {
  readonly shardId: string;
  readonly reason: LeftOverReason;
  readonly message: string;
}

export interface RebalancePlan {
  /** In an order in which every prefix is safe: no shard goes over what it had, or its limit if that is more. */
  readonly moves: readonly PlannedMove[];
  /** By shard id. */
  readonly before: readonly ShardLoad[];
  readonly after: readonly ShardLoad[];
  /** What no shard goes over on the way, unless it was over before; by shard id, for those that take tenants. */
  readonly limits: readonly { readonly shardId: string; readonly load: number }[];
  /** The highest load per weight over the mean, of the shards that take tenants; 1 when there is no load. */
  readonly ratioBefore: number;
  readonly ratioAfter: number;
  /** By shard id. */
  readonly leftOver: readonly LeftOver[];
}
