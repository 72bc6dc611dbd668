import { describeError, type placementV1 } from '@fairlead/contracts';
import type { Logger } from '@fairlead/telemetry';
import type { RegisteredShard } from '../domain/cluster-health.js';
import type { PlacementShards } from './endpoints.js';

const deadlineMs = 2_000;

/** Asks placement for all shards, with or without endpoints. Answers none while it can't be asked: that it is away is told as such. */
export async function registeredShards(
  placement: {
    getPlacement(...asked: Parameters<PlacementShards['getPlacement']>): Promise<{ readonly shards: readonly placementV1.Shard[] }>;
  },
  logger: Logger,
): Promise<RegisteredShard[]> {
  const at = new Date().toISOString();
  try {
    const { shards } = await placement.getPlacement({ withoutTenants: true }, { deadlineMs });
    return shards.map(({ kind, shardId, state, tenants, endpoints }) => ({
      kind,
      shardId,
      state,
      tenants,
      endpoints: endpoints.length,
      at,
    }));
  } catch (error) {
    logger.warn({ error: describeError(error) }, 'the registered shards are not known at the moment');
    return [];
  }
}
