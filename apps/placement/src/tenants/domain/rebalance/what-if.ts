/** What would become of a shard's tenants if it died; pure. */
import { leftOvers } from './left-overs.js';
import { withoutStop, type Sliced } from './slices.js';
import { evacuate, setAllowed, spill } from './phases.js';
import { highestRatio, isFree, membersOf, openState, shardLoads } from './state.js';
import type { LeftOver, PlannedMove, ShardLoad, Snapshot } from './types.js';

export interface Failure {
  readonly shardId: string;
  readonly tolerance?: number;
}

export interface FailureOutcome {
  /** Where each tenant of the shard would go, the largest first. */
  readonly moves: readonly PlannedMove[];
  /** Tenants that nobody takes, by their ids. */
  readonly stranded: readonly string[];
  readonly before: readonly ShardLoad[];
  readonly after: readonly ShardLoad[];
  readonly ratioBefore: number;
  readonly ratioAfter: number;
  /** Shards that would be over their limit, and the one that died when tenants are stranded. */
  readonly leftOver: readonly LeftOver[];
}

/**
 * Tells where the tenants of a shard would go if it died: to others within their limits as far as these have room, else where the
 * load is lowest. Nobody else moves; pins and cooldowns do not hold, capacities and groups do. Throws shard_not_found.
 */
export function whatIfShardDies(snapshot: Snapshot, failure: Failure): FailureOutcome {
  return withoutStop(whatIfInSlices(snapshot, failure));
}

/** The same as `whatIfShardDies`, in slices. */
export function* whatIfInSlices(snapshot: Snapshot, { shardId, tolerance }: Failure): Sliced<FailureOutcome> {
  const goal = { mode: 'empty' as const, shardId, tolerance, cooldownMs: 0, nowMs: 0 };
  const unpinned = snapshot.tenants.map((tenant) => (tenant.shardId === shardId ? { ...tenant, pinned: false, only: undefined } : tenant));
  const state = yield* openState({ shards: snapshot.shards, tenants: unpinned }, goal);
  const before = shardLoads(state);
  const members = membersOf(state);
  setAllowed(state, members);
  yield* evacuate(state, members);
  yield* spill(state);
  const after = shardLoads(state);
  return {
    moves: state.journal.map(({ tenant, from, to }) => ({
      ...{ tenantId: tenant.id, from: from.id, to: to.id, load: tenant.load / state.scale, why: 'emptied' as const },
    })),
    stranded: state.tenants.filter((tenant) => tenant.at.leaving && isFree(tenant)).map(({ id }) => id),
    before,
    after,
    ratioBefore: highestRatio(before),
    ratioAfter: highestRatio(after),
    leftOver: yield* leftOvers(state, goal, new Set()),
  };
}
