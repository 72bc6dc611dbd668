import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { placedKinds } from '@fairlead/contracts';
import { decideMove, requestDigest, type MoveRequest, type MoveState } from './moves.js';

const shardId = fc.constantFrom('s-1', 's-2', 's-3');
const revision = fc.integer({ min: 1, max: 4 });

const request: fc.Arbitrary<MoveRequest> = fc.record({
  tenantId: fc.constantFrom('acme', 'umbrella'),
  moves: fc.uniqueArray(fc.record({ kind: fc.constantFrom(...placedKinds), toShardId: shardId, expectedRevision: revision }), {
    selector: ({ kind }) => kind,
    minLength: 1,
  }),
  idempotencyKey: fc.constantFrom('job_1:placement', 'job_2:placement'),
  fence: fc.integer({ min: 1, max: 5 }),
  reason: fc.constantFrom('balance', 'maintenance'),
});

const state: fc.Arbitrary<MoveState> = fc
  .tuple(
    fc.array(shardId, { minLength: 3, maxLength: 3 }),
    fc.array(revision, { minLength: 3, maxLength: 3 }),
    fc.integer({ min: 0, max: 5 }),
    fc.constantFrom('active', 'cordoned'),
  )
  .map(([shards, revisions, highestFence, lastState]) => ({
    tenantKnown: true,
    highestFence,
    recorded: undefined,
    assignments: placedKinds.map((kind, index) => ({ kind, shardId: shards[index] ?? '', revision: revisions[index] ?? 0 })),
    targets: placedKinds.flatMap((kind) => [
      { kind, shardId: 's-1', state: 'active' },
      { kind, shardId: 's-2', state: lastState },
    ]),
  }));

describe('decideMove', () => {
  it('moves everything asked for, or nothing, and only from the revisions named', () => {
    fc.assert(
      fc.property(request, state, (asked, stands) => {
        const decision = decideMove(asked, stands);
        const allowed =
          asked.fence >= stands.highestFence &&
          asked.moves.every(({ kind, toShardId, expectedRevision }) => {
            const assignment = stands.assignments.find((candidate) => candidate.kind === kind);
            const target = stands.targets.find((shard) => shard.kind === kind && shard.shardId === toShardId);
            return assignment?.revision === expectedRevision && assignment.shardId !== toShardId && target?.state === 'active';
          });
        expect(decision.outcome).toBe(allowed ? 'moved' : 'refused');
        if (decision.outcome !== 'moved') return;
        expect(decision.moves.map(({ kind, to }) => [kind, to])).toEqual(asked.moves.map(({ kind, toShardId }) => [kind, toShardId]));
        for (const { kind, from } of decision.moves)
          expect(stands.assignments.find((candidate) => candidate.kind === kind)?.shardId).toBe(from);
      }),
    );
  });

  it('refuses a lower fence before anything else, and never remembers it', () => {
    fc.assert(
      fc.property(request, state, fc.boolean(), (asked, stands, known) => {
        const recorded = known ? { requestDigest: requestDigest(asked), revision: 1, epoch: 1, logBefore: 0 } : undefined;
        const decision = decideMove(asked, { ...stands, highestFence: asked.fence + 1, recorded });
        expect(decision).toMatchObject({
          outcome: 'refused',
          fenceCounts: false,
          error: { code: 'stale_fence', details: { highest_fence: asked.fence + 1 } },
        });
      }),
    );
  });

  it('answers a known key with its first outcome for the same request, whatever stands by now, and refuses another', () => {
    fc.assert(
      fc.property(request, request, state, fc.integer({ min: 0, max: 3 }), (first, second, stands, later) => {
        const recorded = { requestDigest: requestDigest(first), revision: 7, epoch: 2, logBefore: 40 };
        const known = { ...stands, highestFence: first.fence, recorded };
        // The same request again in another order, by a later owner of the job.
        const repeat = { ...first, moves: [...first.moves].reverse(), fence: first.fence + later };
        expect(decideMove(repeat, known)).toEqual({ outcome: 'repeated', recorded });
        if (requestDigest(second) === requestDigest(first)) return;
        expect(decideMove({ ...second, fence: first.fence }, known)).toMatchObject({
          outcome: 'refused',
          error: { code: 'idempotency_key_reused' },
        });
      }),
    );
  });

  it('says what is wrong', () => {
    const stands: MoveState = {
      tenantKnown: true,
      highestFence: 0,
      recorded: undefined,
      assignments: [{ kind: 'runner', shardId: 'r-1', revision: 9 }],
      targets: [{ kind: 'runner', shardId: 'r-2', state: 'active' }],
    };
    const asked: MoveRequest = {
      tenantId: 'acme',
      moves: [{ kind: 'runner', toShardId: 'r-2', expectedRevision: 8 }],
      idempotencyKey: 'k',
      fence: 1,
      reason: 'balance',
    };
    expect(decideMove(asked, { ...stands, tenantKnown: false })).toMatchObject({ error: { code: 'tenant_not_found' } });
    expect(decideMove(asked, { ...stands, targets: [] })).toMatchObject({
      error: { code: 'shard_not_found', details: { kind: 'runner', shard_id: 'r-2' } },
    });
    expect(decideMove(asked, stands)).toMatchObject({
      error: { code: 'revision_mismatch', details: { kind: 'runner', expected: 8, actual: 9 } },
    });
  });
});
