import { z } from 'zod';
import { FairleadError, type placementV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { referencesTo } from '../config/references.js';
import { findShard } from '../tenants/store/shards.js';
import type { Deps } from './deps.js';
import { kindInput, nameInput, parseInput } from './input.js';
import { shardMessage } from './messages.js';

const input = z.object({ kind: kindInput, shardId: nameInput, withReferences: z.boolean().optional() });

/** Answers one shard with its endpoints and how many tenants it has, and if asked for the documents that refer to it; or shard_not_found. */
export const getShard = ({ database }: Deps): Rpc<placementV1.GetShardRequest, placementV1.GetShardResponse> =>
  rpc('placement.read', async (request) => {
    const { kind, shardId, withReferences } = parseInput(input, request);
    const shard = await findShard(database, kind, shardId);
    if (shard === undefined)
      throw new FairleadError('shard_not_found', `There is no ${kind} shard ${shardId}`, { details: { kind, shard_id: shardId } });
    const references = withReferences === true ? await referencesTo(database, shard) : [];
    return { shard: shardMessage(shard), references: references.map((one) => ({ ...one })) };
  });
