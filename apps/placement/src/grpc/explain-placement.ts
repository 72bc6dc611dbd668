import { z } from 'zod';
import type { placementV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { explainNow } from '../tenants/rebalance.js';
import type { Deps } from './deps.js';
import { nameInput, parseInput, placedKindInput } from './input.js';

const input = z.object({ tenantId: nameInput, kind: placedKindInput });

/** Tells why a tenant is on the shard where it is, and its moves of this kind; answers tenant_not_found. */
export const explainPlacement = ({
  database,
}: Pick<Deps, 'database'>): Rpc<placementV1.ExplainPlacementRequest, placementV1.ExplainPlacementResponse> =>
  rpc('placement.read', async (request) => {
    const { tenantId, kind } = parseInput(input, request);
    const { revision, shardId, because, sinceMs, reason, moves, shardRatio, load, holds } = await explainNow(database, kind, tenantId);
    return {
      ...{ revision, shardId, because, reason, load, pinned: holds.includes('pinned') },
      since: time(sinceMs),
      moves: moves.map((move) => ({ fromShardId: move.from, toShardId: move.to, movedAt: time(move.movedAtMs), reason: move.reason })),
      shardRatio: shardRatio ?? undefined,
    };
  });

const time = (ms: number) => new Date(ms).toISOString();
