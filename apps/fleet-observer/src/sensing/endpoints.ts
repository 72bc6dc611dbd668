import type { placementV1 } from '@fairlead/contracts';
import { compareVersions, type PlacementVersion } from '@fairlead/placement-map';
import type { Endpoint } from '../domain/health.js';

interface Shards extends PlacementVersion {
  readonly shards: readonly ShardEndpoints[];
}

/** A shard as far as it matters here. */
export interface ShardEndpoints {
  readonly kind: string;
  readonly shardId: string;
  readonly endpoints: readonly { readonly endpointId: string; readonly url: string }[];
}

/** Endpoints by one version of placement. */
export interface EndpointsAt {
  readonly endpoints: readonly Endpoint[];
  readonly version: PlacementVersion;
}

/** Which endpoints there are. */
export interface EndpointSource {
  /** All endpoints of all shards; throws when neither KV nor placement can tell. */
  all(): Promise<EndpointsAt>;
  /** A shard's endpoints; none for an unknown shard. Placement is asked for one that KV does not know yet. */
  ofShard(kind: string, shardId: string): Promise<EndpointsAt>;
}

/** The one RPC of placement that is needed here. */
export interface PlacementShards {
  getPlacement(request: placementV1.GetPlacementRequest, options: { deadlineMs: number }): Promise<Shards>;
}

const deadlineMs = 2_000;

/** Reads endpoints from the watched KV documents, and from placement itself while KV has none, or only ones older than what is known. */
export function createEndpointSource(options: {
  watched: () => Shards | undefined;
  /** The newest version that any replica is known to have gone by. */
  newest: () => PlacementVersion | undefined;
  placement: PlacementShards;
}): EndpointSource {
  const asked = () => options.placement.getPlacement({ withoutTenants: true }, { deadlineMs });
  // A watch that is cut off from KV shows what it saw last.
  const watched = () => {
    const [shown, newest] = [options.watched(), options.newest()];
    return shown === undefined || (newest !== undefined && compareVersions(shown, newest) < 0) ? undefined : shown;
  };
  const ofShard = ({ epoch, revision, shards }: Shards, kind: string, shardId: string) =>
    endpointsOf({ epoch, revision, shards: shards.filter((shard) => shard.kind === kind && shard.shardId === shardId) });
  return {
    all: async () => endpointsOf(watched() ?? (await asked())),
    ofShard: async (kind, shardId) => {
      const shown = watched();
      const known = shown && ofShard(shown, kind, shardId);
      return known !== undefined && known.endpoints.length > 0 ? known : ofShard(await asked(), kind, shardId);
    },
  };
}

function endpointsOf({ epoch, revision, shards }: Shards): EndpointsAt {
  const endpoints = shards.flatMap((shard) =>
    shard.endpoints.map(({ endpointId, url }) => ({ kind: shard.kind, shardId: shard.shardId, endpointId, url })),
  );
  return { endpoints, version: { epoch, revision } };
}
