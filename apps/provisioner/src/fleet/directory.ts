import { FairleadError, type placementV1 } from '@fairlead/contracts';

/** One place a shard can be asked at. */
export interface Endpoint {
  readonly kind: string;
  readonly shardId: string;
  readonly endpointId: string;
  readonly url: string;
}

/** Where shards are to be found. */
export interface ShardDirectory {
  /** A shard's endpoints, one or more, the owner of its state first. Throws `shard_not_found` or a transport error. */
  endpointsOf(kind: string, shardId: string): Promise<readonly [Endpoint, ...Endpoint[]]>;
}

/** The one RPC of placement that is needed here. */
export interface PlacementShards {
  getShard(request: placementV1.GetShardRequest, options: { deadlineMs: number }): Promise<placementV1.GetShardResponse>;
}

const deadlineMs = 2_000;
const maxCached = 1_000;

/** Asks placement, and remembers an answer for at most `maxAgeMs`: the steps of one migration follow each other closely. */
export function createShardDirectory(placement: PlacementShards, { maxAgeMs = 1_000 } = {}): ShardDirectory {
  const cache = new Map<string, { askedAtMs: number; endpoints: Promise<readonly [Endpoint, ...Endpoint[]]> }>();
  return {
    endpointsOf: (kind, shardId) => {
      const key = `${kind}/${shardId}`;
      const cached = cache.get(key);
      if (cached !== undefined && performance.now() - cached.askedAtMs < maxAgeMs) return cached.endpoints;
      if (cache.size >= maxCached) cache.clear();
      const entry = { askedAtMs: performance.now(), endpoints: askPlacement(placement, kind, shardId) };
      cache.set(key, entry);
      entry.endpoints.catch(() => {
        if (cache.get(key) === entry) cache.delete(key);
      });
      return entry.endpoints;
    },
  };
}

async function askPlacement(placement: PlacementShards, kind: string, shardId: string): Promise<readonly [Endpoint, ...Endpoint[]]> {
  const { shard } = await placement.getShard({ kind, shardId }, { deadlineMs });
  const [first, ...rest] = (shard?.endpoints ?? []).map(({ endpointId, url }) => ({ kind, shardId, endpointId, url }));
  if (first === undefined) throw new FairleadError('service_unreachable', `${kind} shard ${shardId} has no endpoint`);
  return [first, ...rest];
}
