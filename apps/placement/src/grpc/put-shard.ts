import { z } from 'zod';
import type { placementV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { shardStates, type ShardRequest } from '../tenants/domain/shards.js';
import { putShard as writeShard } from '../tenants/put-shard.js';
import type { Deps } from './deps.js';
import { kindInput, nameInput, parseInput, revisionInput } from './input.js';
import { shardMessage } from './messages.js';

const maxEndpoints = 64;
const maxLabels = 32;
const labelPattern = /^[a-z0-9]([a-z0-9._/-]{0,61}[a-z0-9])?$/;

const endpointsInput = z
  .array(z.object({ endpointId: nameInput, url: z.string() }))
  .max(maxEndpoints, `at most ${String(maxEndpoints)} endpoints`)
  .refine((endpoints) => new Set(endpoints.map(({ endpointId }) => endpointId)).size === endpoints.length, 'an endpoint id stands twice');

const input = z.object({
  shard: z.object({
    kind: kindInput,
    shardId: nameInput,
    endpoints: endpointsInput,
    weight: z.number().int().min(0, 'not negative').max(10_000, 'at most 10000'),
    labels: z
      .record(
        z.string().regex(labelPattern, 'up to 63 lower-case letters, digits and inner . _ / -'),
        z.string().max(256, 'at most 256 characters'),
      )
      .refine((labels) => Object.keys(labels).length <= maxLabels, `at most ${String(maxLabels)} labels`),
    maxLoad: z.number().min(0, 'not negative').max(1e12, 'at most 1e12').optional(),
    state: z.enum(shardStates, `one of ${shardStates.join(', ')}`).or(z.literal('')),
  }),
  expectedRevision: revisionInput,
});

/**
 * Creates or changes a shard. A weight of 0, an empty state or no highest load keeps what stands: 1, active and none for a new shard. A highest
 * load of 0 takes the bound away.
 */
export const putShard = ({ database, endpoints, committed }: Deps): Rpc<placementV1.PutShardRequest, placementV1.PutShardResponse> =>
  rpc('placement.write', async (request) => {
    const { shard, expectedRevision } = parseInput(input, request);
    const wanted: ShardRequest = {
      ...shard,
      endpoints: shard.endpoints.map(({ endpointId, url }) => ({ endpointId, url: endpoints.check(url) })),
      weight: shard.weight === 0 ? undefined : shard.weight,
      state: shard.state === '' ? undefined : shard.state,
      maxLoad: shard.maxLoad === 0 ? null : shard.maxLoad,
    };
    const outcome = await writeShard(database, wanted, expectedRevision);
    if (outcome.changed) committed(outcome.position);
    return { shard: shardMessage(outcome.shard), position: outcome.position, changed: outcome.changed };
  });
