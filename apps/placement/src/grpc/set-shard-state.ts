import { z } from 'zod';
import type { placementV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { setShardState as change } from '../tenants/set-shard-state.js';
import type { Deps } from './deps.js';
import { kindInput, nameInput, parseInput, revisionInput } from './input.js';

const input = z.object({
  kind: kindInput,
  shardId: nameInput,
  state: z.enum(['active', 'cordoned', 'removed'], 'one of active, cordoned, removed'),
  expectedRevision: revisionInput,
  reason: z.string().trim().min(1, 'a reason is expected').max(1_000, 'at most 1000 characters'),
});

/** Cordons, opens or removes a shard; tenants/set-shard-state.ts says what refuses it. */
export const setShardState = ({
  database,
  committed,
}: Pick<Deps, 'database' | 'committed'>): Rpc<placementV1.SetShardStateRequest, placementV1.SetShardStateResponse> =>
  rpc('placement.move', async (request) => {
    const { expectedRevision, ...wanted } = parseInput(input, request);
    const outcome = await change(database, wanted, expectedRevision);
    if (outcome.changed) committed(outcome.position);
    return outcome;
  });
