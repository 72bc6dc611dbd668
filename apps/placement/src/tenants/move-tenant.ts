import { FairleadError } from '@fairlead/contracts';
import { appendInTransaction, headPosition, readLog, type NewEvent } from '@fairlead/event-log';
import { failpoint } from '@fairlead/failpoints';
import type { Database, Transaction } from '@fairlead/postgres';
import type { Version } from './domain/epoch.js';
import { decideMove, requestDigest, type DecidedMove, type MoveRequest, type RecordedMove } from './domain/moves.js';
import { lockMeta } from './store/meta.js';
import { raiseFence, readMoveState, writeMove } from './store/moves.js';

export interface MoveOutcome {
  /** The placement revision and epoch in which the move became effective. */
  readonly revision: number;
  readonly epoch: number;
  /** Log position of the move's event. */
  readonly position: number;
  /** True when this was a repeat of a move made before. */
  readonly repeated: boolean;
}

/**
 * Moves a tenant's assignments, all or none. Throws tenant_not_found, shard_not_found, stale_fence,
 * idempotency_key_reused, revision_mismatch {kind, expected, actual}, plan_stale when a target is cordoned.
 */
export async function moveTenant(database: Database, request: MoveRequest): Promise<MoveOutcome> {
  const result = await database.transaction<MoveOutcome | FairleadError>(async (tx) => {
    const meta = await lockMeta(tx);
    const decision = decideMove(request, await readMoveState(tx, request));
    switch (decision.outcome) {
      case 'repeated':
        await raiseFence(tx, request.tenantId, request.fence);
        return repeated(tx, request.tenantId, decision.recorded);
      case 'refused':
        // Returned, not thrown: the fence that came with it is to be committed.
        if (decision.fenceCounts) await raiseFence(tx, request.tenantId, request.fence);
        return decision.error;
      case 'moved':
        return commitMove(tx, request, decision.moves, meta);
    }
  });
  await failpoint('placement.move.after_commit');
  if (result instanceof FairleadError) throw result;
  return result;
}

async function commitMove(tx: Transaction, request: MoveRequest, moves: readonly DecidedMove[], meta: Version): Promise<MoveOutcome> {
  const version = { revision: meta.revision + 1, epoch: meta.epoch };
  await writeMove(tx, { request, digest: requestDigest(request), moves, ...version, logBefore: await headPosition(tx) });
  const { lastPosition } = await appendInTransaction(tx, { events: [moveEvent(request, moves, version)] });
  await failpoint('placement.move.before_commit');
  return { ...version, position: lastPosition, repeated: false };
}

function moveEvent(request: MoveRequest, moves: readonly DecidedMove[], { revision, epoch }: Version): NewEvent {
  const { tenantId, idempotencyKey, fence, reason } = request;
  return {
    aggregateType: 'placement_map',
    aggregateId: tenantId,
    type: 'tenant_moved',
    payload: {
      tenant_id: tenantId,
      moves: moves.map(({ kind, from, to, previousRevision }) => ({ kind, from, to, previous_revision: previousRevision })),
      revision,
      epoch,
      idempotency_key: idempotencyKey,
      fence,
    },
    meta: { tenant_id: tenantId, reason },
  };
}

/** The first outcome. Its event is the tenant's first one after the head of that time: changes to placement take turns. */
async function repeated(tx: Transaction, tenantId: string, { revision, epoch, logBefore }: RecordedMove): Promise<MoveOutcome> {
  const [event] = await readLog(tx, { after: logBefore, limit: 1, aggregateType: 'placement_map', aggregateId: tenantId });
  return { revision, epoch, position: event?.position ?? 0, repeated: true };
}
