import type { placementV1 } from '@fairlead/contracts';
import type { Endpoint } from '../domain/health.js';

/** A shard as far as it matters here. */
export interface ShardEndpoints {
  readonly kind: string;
  readonly shardId: string;
  readonly endpoints: readonly { readonly endpointId: string; readonly url: string }[];
}

/** Which endpoints there are. */
export interface EndpointSource {
  /** All endpoints of all shards; throws when neither KV nor placement can tell. */
  all(): Promise<readonly Endpoint[]>;
  /** A shard's endpoints; empty for an unknown shard. Placement is asked for one that KV does not know yet. */
  ofShard(kind: string, shardId: string): Promise<readonly Endpoint[]>;
}

/** The one RPC of placement that is needed here. */
export interface PlacementShards {
  listShards(request: placementV1.ListShardsRequest, options: { deadlineMs: number }): Promise<placementV1.ListShardsResponse>;
}

const deadlineMs = 2_000;

/** Reads endpoints from the watched KV documents, and from placement itself while KV has none. */
export function createEndpointSource(options: {
  watched: () => readonly ShardEndpoints[] | undefined;
  placement: PlacementShards;
}): EndpointSource {
  const asked = async (kind: string) => (await options.placement.listShards({ kind }, { deadlineMs })).shards;
  const of = (shards: readonly ShardEndpoints[], kind: string, shardId: string) =>
    endpointsOf(shards.filter((shard) => shard.kind === kind && shard.shardId === shardId));
  return {
    all: async () => endpointsOf(options.watched() ?? (await asked(''))),
    ofShard: async (kind, shardId) => {
      const known = of(options.watched() ?? [], kind, shardId);
      return known.length > 0 ? known : of(await asked(kind), kind, shardId);
    },
  };
}

function endpointsOf(shards: readonly ShardEndpoints[]): Endpoint[] {
  return shards.flatMap(({ kind, shardId, endpoints }) => endpoints.map(({ endpointId, url }) => ({ kind, shardId, endpointId, url })));
}
