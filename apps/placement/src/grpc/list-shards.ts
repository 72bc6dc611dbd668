import { z } from 'zod';
import type { placementV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { listShards as readShards } from '../tenants/store/shards.js';
import type { Deps } from './deps.js';
import { kindInput, parseInput } from './input.js';
import { shardMessage } from './messages.js';

const input = z.object({ kind: kindInput.or(z.literal('')) });

/** Lists the shards of a kind, or of all kinds, by kind and id. */
export const listShards = ({ database }: Deps): Rpc<placementV1.ListShardsRequest, placementV1.ListShardsResponse> =>
  rpc('placement.read', async (request) => {
    const { kind } = parseInput(input, request);
    return { shards: (await readShards(database, kind)).map(shardMessage) };
  });
