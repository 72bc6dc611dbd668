import { FairleadError } from '@fairlead/contracts';
import { appendInTransaction } from '@fairlead/event-log';
import type { Database } from '@fairlead/postgres';
import { mergeShard, sameShard, type ShardRequest, type ShardSpec } from './domain/shards.js';
import { lockMeta } from './store/meta.js';
import { findShard, writeShard, type ShardRow } from './store/shards.js';

export interface PutShard {
  readonly shard: ShardRow;
  /** Log position of the change's event, 0 when nothing changed. */
  readonly position: number;
  readonly changed: boolean;
}

/**
 * Creates a shard or changes what is said of it. With an expected revision above 0 it throws shard_not_found or
 * revision_mismatch unless the shard stands at that revision. Endpoint URLs must have been checked.
 */
export async function putShard(database: Database, request: ShardRequest, expectedRevision: number): Promise<PutShard> {
  return database.transaction(async (tx) => {
    const meta = await lockMeta(tx);
    const current = await findShard(tx, request.kind, request.shardId);
    checkRevision(request, current, expectedRevision);
    const shard = mergeShard(request, current);
    if (current !== undefined && sameShard(current, shard)) return { shard: current, position: 0, changed: false };
    const revision = meta.revision + 1;
    await writeShard(tx, shard, revision);
    const { lastPosition } = await appendInTransaction(tx, {
      events: [
        {
          aggregateType: 'shard',
          aggregateId: `${shard.kind}/${shard.shardId}`,
          type: current === undefined ? 'shard_created' : 'shard_changed',
          payload: eventPayload(shard, revision, meta.epoch),
        },
      ],
    });
    return { shard: { ...shard, revision, tenants: current?.tenants ?? 0 }, position: lastPosition, changed: true };
  });
}

/** Throws shard_not_found or revision_mismatch unless a shard stands at a revision; 0 for whatever stands. */
export function checkRevision(
  { kind, shardId }: Pick<ShardSpec, 'kind' | 'shardId'>,
  current: ShardRow | undefined,
  expected: number,
): void {
  if (expected === 0 || current?.revision === expected) return;
  if (current === undefined)
    throw new FairleadError('shard_not_found', `There is no ${kind} shard ${shardId}`, { details: { kind, shard_id: shardId } });
  throw new FairleadError('revision_mismatch', `The ${kind} shard ${shardId} has changed: it is at revision ${String(current.revision)}`, {
    details: { kind, expected, actual: current.revision },
  });
}

/** A shard as its events tell it. */
export function eventPayload(shard: ShardSpec, revision: number, epoch: number) {
  const { kind, shardId, endpoints, weight, labels, state, maxLoad } = shard;
  return {
    kind,
    shard_id: shardId,
    endpoints: endpoints.map(({ endpointId, url }) => ({ endpoint_id: endpointId, url })),
    weight,
    labels,
    state,
    ...(maxLoad === null ? {} : { max_load: maxLoad }),
    revision,
    epoch,
  };
}
