import { z } from 'zod';
import type { placementV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { whatIfNow } from '../tenants/rebalance.js';
import type { Deps } from './deps.js';
import { nameInput, parseInput, placedKindInput } from './input.js';
import { rebalanceMessage } from './messages.js';
import { unhealthyInput } from './plan-rebalance.js';

const input = z.object({ kind: placedKindInput, shardId: nameInput, unhealthyShardIds: unhealthyInput });

/** Tells where the tenants of a shard would go if it died; changes nothing. Answers shard_not_found, overloaded. */
export const whatIfShardDies = ({
  database,
  planTurns,
}: Pick<Deps, 'database' | 'planTurns'>): Rpc<placementV1.WhatIfShardDiesRequest, placementV1.WhatIfShardDiesResponse> =>
  rpc('placement.read', async (request, { signal }) => {
    const { kind, shardId, unhealthyShardIds: unhealthy } = parseInput(input, request);
    const outcome = await planTurns(signal, () => whatIfNow(database, { kind, unhealthy }, shardId, signal));
    return { rebalance: rebalanceMessage(outcome), stranded: [...outcome.stranded] };
  });
