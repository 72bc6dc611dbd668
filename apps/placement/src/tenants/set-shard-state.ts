import { FairleadError, type ServiceKind } from '@fairlead/contracts';
import { appendInTransaction, type NewEvent } from '@fairlead/event-log';
import type { Database, Transaction } from '@fairlead/postgres';
import type { ShardState } from './domain/shards.js';
import { referencesTo } from '../config/references.js';
import { checkRevision, eventPayload } from './put-shard.js';
import { lockMeta } from './store/meta.js';
import { findShard, writeRemoval, writeShard } from './store/shards.js';

export interface StateRequest {
  readonly kind: ServiceKind;
  readonly shardId: string;
  readonly state: ShardState | 'removed';
  readonly reason: string;
}

export interface StateOutcome {
  /** The shard's; 0 when it is removed. */
  readonly revision: number;
  /** Log position of the change's event, 0 when nothing changed. */
  readonly position: number;
  readonly changed: boolean;
}

/**
 * Cordons a shard, opens it again, or removes it; one that is in that state already stays as it is, whatever revision was expected.
 * Throws shard_not_found, revision_mismatch, and shard_in_use for the removal of one that has tenants,
 * is not cordoned, or that a document in force refers to.
 */
export async function setShardState(database: Database, request: StateRequest, expectedRevision: number): Promise<StateOutcome> {
  const { kind, shardId, state, reason } = request;
  return database.transaction(async (tx) => {
    const meta = await lockMeta(tx);
    const current = await findShard(tx, kind, shardId);
    if (current === undefined && state === 'removed') return { revision: 0, position: 0, changed: false };
    if (current === undefined)
      throw new FairleadError('shard_not_found', `There is no ${kind} shard ${shardId}`, { details: { kind, shard_id: shardId } });
    if (current.state === state) return { revision: current.revision, position: 0, changed: false };
    checkRevision(request, current, expectedRevision);
    const revision = meta.revision + 1;
    let event: NewEvent;
    const about = { aggregateType: 'shard', aggregateId: `${kind}/${shardId}`, meta: { reason } } as const;
    if (state === 'removed') {
      if (current.tenants > 0 || current.state !== 'cordoned')
        throw new FairleadError(
          'shard_in_use',
          `The ${kind} shard ${shardId} has ${String(current.tenants)} tenants and is ${current.state}`,
          {
            details: { kind, shard_id: shardId, tenants: current.tenants },
          },
        );
      await checkReferences(tx, request);
      await writeRemoval(tx, request, revision);
      event = { ...about, type: 'shard_removed', payload: { kind, shard_id: shardId, revision, epoch: meta.epoch } };
    } else {
      const shard = { ...current, state };
      await writeShard(tx, shard, revision);
      event = { ...about, type: 'shard_changed', payload: eventPayload(shard, revision, meta.epoch) };
    }
    const { lastPosition } = await appendInTransaction(tx, { events: [event] });
    return { revision: state === 'removed' ? 0 : revision, position: lastPosition, changed: true };
  });
}

/** A document that refers to what is not there could not be applied again as it stands. */
async function checkReferences(tx: Transaction, { kind, shardId }: StateRequest): Promise<void> {
  const references = await referencesTo(tx, { kind, shardId });
  if (references.length === 0) return;
  const told = references.slice(0, 5).map(({ document, pointer }) => `${document} ${pointer}`);
  throw new FairleadError('shard_in_use', `Documents of the configuration refer to the ${kind} shard ${shardId}: ${told.join(', ')}`, {
    details: { kind, shard_id: shardId, references: references.length },
  });
}
