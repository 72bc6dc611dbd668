import { isDeepStrictEqual } from 'node:util';
import { isPlacedKind, type PlacedKind } from '@fairlead/contracts';
import type { ShardSpec } from './shards.js';
import type { Version } from './epoch.js';

/** The whole effective placement, kept in memory for publication and brought forward by increments. */
export interface EffectivePlacement extends Version {
  readonly maps: Record<PlacedKind, Map<string, string>>;
  /** By kind and id. */
  readonly shards: ReadonlyMap<string, ShardSpec>;
}

/** What changed after a revision, or everything when it starts from none. */
export interface Increment extends Version {
  readonly assignments: readonly (readonly [tenantId: string, kind: string, shardId: string])[];
  /** Those that are removed too. */
  readonly shards: readonly (Omit<ShardSpec, 'state'> & { readonly state: ShardSpec['state'] | 'removed' })[];
}

/** Placement before anything was read: older than any state there is. */
export function emptyPlacement(): EffectivePlacement {
  return { epoch: 0, revision: -1, maps: { aggregate: new Map(), projection: new Map(), runner: new Map() }, shards: new Map() };
}

/** Brings a placement to the increment's version. The maps are changed in place: copying 50,000 tenants per move would cost more than the move. */
export function applyIncrement(placement: EffectivePlacement, increment: Increment): EffectivePlacement {
  for (const [tenantId, kind, shardId] of increment.assignments) if (isPlacedKind(kind)) placement.maps[kind].set(tenantId, shardId);
  const shards = increment.shards.length === 0 ? placement.shards : new Map(placement.shards);
  if (shards instanceof Map)
    for (const { state, ...shard } of increment.shards)
      if (state === 'removed') shards.delete(`${shard.kind}/${shard.shardId}`);
      else shards.set(`${shard.kind}/${shard.shardId}`, { ...shard, state });
  return { epoch: increment.epoch, revision: increment.revision, maps: placement.maps, shards };
}

/** True when two placements are published as the same, whatever their versions. */
export function isSamePlacement(one: EffectivePlacement, other: EffectivePlacement): boolean {
  return isDeepStrictEqual(one.maps, other.maps) && isDeepStrictEqual(publishedShards(one), publishedShards(other));
}

/** What is published of shards: the tenants they count, for one, change without them. */
const publishedShards = ({ shards }: EffectivePlacement) =>
  new Map([...shards].map(([key, { state, weight, labels, endpoints }]) => [key, { state, weight, labels, endpoints }]));
