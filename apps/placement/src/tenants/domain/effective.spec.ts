import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { placedKinds } from '@fairlead/contracts';
import { applyIncrement, emptyPlacement, type Increment } from './effective.js';

type Change = { tenantId: string; kind: (typeof placedKinds)[number]; shardId: string };
const change: fc.Arbitrary<Change> = fc.record({
  tenantId: fc.constantFrom('acme', 'umbrella', 'initech'),
  kind: fc.constantFrom(...placedKinds),
  shardId: fc.constantFrom('s-1', 's-2'),
});

/** What the database would answer: the latest change of each assignment made after a revision. */
function increment(changes: readonly Change[], after: number): Increment {
  const latest = new Map(changes.map((made, index) => [`${made.tenantId}/${made.kind}`, { ...made, revision: index + 1 }]));
  const assignments = [...latest.values()]
    .filter(({ revision }) => revision > after)
    .map(({ tenantId, kind, shardId }) => [tenantId, kind, shardId] as const);
  return { epoch: 1, revision: changes.length, assignments, shards: [] };
}

describe('applyIncrement', () => {
  it('gives the same placement by any increments as by one full read', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), fc.array(fc.nat(30)), (changes, stops) => {
        let placement = emptyPlacement();
        for (const stop of [...stops.filter((count) => count < changes.length).sort((a, b) => a - b), changes.length]) {
          placement = applyIncrement(placement, increment(changes.slice(0, stop), placement.revision));
        }
        expect(placement).toEqual(applyIncrement(emptyPlacement(), increment(changes, -1)));
      }),
    );
  });

  it('replaces shards that changed and keeps the others', () => {
    const shard = (shardId: string, weight: number) => ({
      kind: 'runner' as const,
      shardId,
      weight,
      endpoints: [],
      labels: {},
      state: 'active' as const,
      maxLoad: null,
    });
    const first = applyIncrement(emptyPlacement(), { epoch: 1, revision: 2, assignments: [], shards: [shard('r-1', 1), shard('r-2', 1)] });
    const second = applyIncrement(first, { epoch: 1, revision: 3, assignments: [], shards: [shard('r-2', 5)] });
    expect([...second.shards.values()].map(({ shardId, weight }) => [shardId, weight])).toEqual([
      ['r-1', 1],
      ['r-2', 5],
    ]);
    expect(first.shards.get('runner/r-2')?.weight).toBe(1);
    const removed = { ...shard('r-1', 1), state: 'removed' as const };
    const third = applyIncrement(second, { epoch: 1, revision: 4, assignments: [], shards: [removed] });
    expect([...third.shards.keys()]).toEqual(['runner/r-2']);
  });
});
