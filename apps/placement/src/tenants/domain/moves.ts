import { createHash } from 'node:crypto';
import { FairleadError, type PlacedKind } from '@fairlead/contracts';

export interface RequestedMove {
  readonly kind: PlacedKind;
  readonly toShardId: string;
  /** The assignment's revision that the caller's plan was made from. */
  readonly expectedRevision: number;
}

export interface MoveRequest {
  readonly tenantId: string;
  readonly moves: readonly RequestedMove[];
  readonly idempotencyKey: string;
  readonly fence: number;
  readonly reason: string;
}

/** What stands in the store when a move is decided. */
export interface MoveState {
  readonly tenantKnown: boolean;
  /** The highest fence seen for the tenant, 0 when none was. */
  readonly highestFence: number;
  /** The outcome recorded under the request's idempotency key. */
  readonly recorded: RecordedMove | undefined;
  readonly assignments: readonly { kind: string; shardId: string; revision: number }[];
  /** The shards moved to, those that exist. */
  readonly targets: readonly { kind: string; shardId: string; state: string }[];
}

export interface RecordedMove {
  readonly requestDigest: string;
  readonly revision: number;
  readonly epoch: number;
  /** The log's head before the move's event was appended. */
  readonly logBefore: number;
}

export interface DecidedMove {
  readonly kind: PlacedKind;
  readonly from: string;
  readonly to: string;
  readonly previousRevision: number;
}

export type MoveDecision =
  | { outcome: 'refused'; error: FairleadError; fenceCounts: boolean }
  | { outcome: 'repeated'; recorded: RecordedMove }
  | { outcome: 'moved'; moves: readonly DecidedMove[] };

/**
 * SHA-256 of what a move asks for. The fence is left out: a job that goes on in another process repeats the same
 * request under a higher one.
 */
export function requestDigest({ tenantId, moves, reason }: MoveRequest): string {
  const sorted = moves
    .map(({ kind, toShardId, expectedRevision }) => [kind, toShardId, expectedRevision] as const)
    .sort((a, b) => (a[0] < b[0] ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([tenantId, sorted, reason]))
    .digest('hex');
}

/**
 * Decides a move, all its parts or none. A fence below the highest is refused even when the idempotency key is
 * known: the caller has lost its job to another and must not go on. With `fenceCounts` a refusal still remembers
 * the request's fence.
 */
export function decideMove(request: MoveRequest, state: MoveState): MoveDecision {
  const refuse = (error: FairleadError, fenceCounts = true): MoveDecision => ({ outcome: 'refused', error, fenceCounts });
  const { tenantId, fence } = request;
  if (!state.tenantKnown)
    return refuse(new FairleadError('tenant_not_found', `There is no tenant ${tenantId}`, { details: { tenant_id: tenantId } }), false);
  if (fence < state.highestFence) {
    const details = { tenant_id: tenantId, fence, highest_fence: state.highestFence };
    return refuse(
      new FairleadError(
        'stale_fence',
        `Another run has taken over tenant ${tenantId}: fence ${String(fence)} is below ${String(state.highestFence)}`,
        { details },
      ),
      false,
    );
  }
  if (state.recorded !== undefined) {
    if (state.recorded.requestDigest === requestDigest(request)) return { outcome: 'repeated', recorded: state.recorded };
    return refuse(new FairleadError('idempotency_key_reused', 'This idempotency key belongs to another move'), false);
  }
  const moves: DecidedMove[] = [];
  for (const move of request.moves) {
    const decided = decideOne(tenantId, move, state);
    if (decided instanceof FairleadError) return refuse(decided);
    moves.push(decided);
  }
  return { outcome: 'moved', moves };
}

function decideOne(tenantId: string, { kind, toShardId, expectedRevision }: RequestedMove, state: MoveState): DecidedMove | FairleadError {
  const target = state.targets.find((shard) => shard.kind === kind && shard.shardId === toShardId);
  if (target === undefined)
    return new FairleadError('shard_not_found', `There is no ${kind} shard ${toShardId}`, { details: { kind, shard_id: toShardId } });
  const assignment = state.assignments.find((candidate) => candidate.kind === kind);
  const actual = assignment?.revision ?? 0;
  if (assignment === undefined || actual !== expectedRevision) {
    return new FairleadError(
      'revision_mismatch',
      `The ${kind} placement of tenant ${tenantId} has changed: it is at revision ${String(actual)}`,
      {
        details: { kind, expected: expectedRevision, actual },
      },
    );
  }
  if (assignment.shardId === toShardId)
    return new FairleadError('invalid_argument', `Tenant ${tenantId} is on the ${kind} shard ${toShardId} already`);
  if (target.state !== 'active')
    return new FairleadError('plan_stale', `The ${kind} shard ${toShardId} is cordoned: it takes no new tenants`, {
      details: { kind, shard_id: toShardId },
    });
  return { kind, from: assignment.shardId, to: toShardId, previousRevision: actual };
}
