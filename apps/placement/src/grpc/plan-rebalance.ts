import { z } from 'zod';
import type { placementV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import type { AskedGoal } from '../tenants/policy.js';
import { planFromNow } from '../tenants/rebalance.js';
import type { Deps } from './deps.js';
import { nameInput, parseInput, placedKindInput, revisionInput } from './input.js';
import { rebalanceMessage } from './messages.js';

const maxUnhealthy = 1_000;
const maxStuck = 1_000;
const noName = z.literal('', 'is not for this mode');

export const unhealthyInput = z.array(nameInput).max(maxUnhealthy, `at most ${String(maxUnhealthy)} shards`);

const input = z
  .object({
    kind: placedKindInput,
    tolerance: z.number().min(0, 'not negative').max(1, 'at most 1').optional(),
    moveBudget: z.number().int().min(0, 'not negative').optional(),
    cooldownMs: revisionInput.optional(),
    nowMs: revisionInput,
    unhealthyShardIds: unhealthyInput,
    stuckTenantIds: z.array(nameInput).max(maxStuck, `at most ${String(maxStuck)} tenants`),
  })
  .and(
    z.discriminatedUnion(
      'mode',
      [
        z.object({ mode: z.literal('balance'), shardId: noName, toShardId: noName }),
        z.object({ mode: z.literal('empty'), shardId: nameInput, toShardId: noName }),
        z.object({ mode: z.literal('replace'), shardId: nameInput, toShardId: nameInput }),
      ],
      'one of balance, empty, replace',
    ),
  );

/** Plans a rebalance of a kind from the placement and the configuration as they stand; changes nothing. Answers shard_not_found, invalid_argument, overloaded. */
export const planRebalance = ({
  database,
  planTurns,
}: Pick<Deps, 'database' | 'planTurns'>): Rpc<placementV1.PlanRebalanceRequest, placementV1.PlanRebalanceResponse> =>
  rpc('placement.read', async (request, { signal }) => {
    const { kind, unhealthyShardIds: unhealthy, stuckTenantIds: stuck, nowMs, ...goal } = parseInput(input, request);
    const asked: AskedGoal = { ...goal, nowMs: nowMs === 0 ? Date.now() : nowMs };
    const plan = await planTurns(signal, () => planFromNow(database, { kind, unhealthy, stuck }, asked, signal));
    return { rebalance: rebalanceMessage(plan) };
  });
