/** Plans that are cut by their budget, one after the other, come to an end. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { planRebalance } from './plan.js';
import { afterMoves, tolerance } from './rebalance.fixture.js';
import type { Goal, Snapshot } from './types.js';

/** Moves that plans of so many at a time make until there are none; throws when they are more than `most`. */
function movesUntilDone(snapshot: Snapshot, moveBudget: number, most: number): number {
  const goal: Goal = { mode: 'balance', tolerance, cooldownMs: 0, nowMs: 0, moveBudget };
  let now = snapshot;
  for (let made = 0; ;) {
    const { moves } = planRebalance(now, goal);
    if (moves.length === 0) return made;
    made += moves.length;
    if (made > most) throw new Error(`more than ${String(most)} moves`);
    now = afterMoves(now, moves);
  }
}

describe('plans of a few moves each', () => {
  // t-5 is larger than any limit; where it can go depends on where t-9 of its group and t-6 are.
  const placed: [tenantId: string, shard: number, load: number, group?: string][] = [
    ['t-2', 0, 5],
    ['t-5', 1, 5, 'g-3'],
    ['t-9', 1, 0, 'g-3'],
    ['t-10', 1, 5],
    ['t-6', 2, 3],
    ['t-11', 3, 4],
    ['t-12', 3, 1],
    ['t-8', 6, 1],
  ];
  const snapshot: Snapshot = {
    shards: [0, 1, 2, 3, 5, 6].map((at) => ({ shardId: `s-${String(at)}`, weight: 2, state: 'active', healthy: true })),
    tenants: placed.map(([tenantId, at, load, antiAffinity]) => ({
      ...{ tenantId, shardId: `s-${String(at)}`, load, pinned: false, antiAffinity },
    })),
  };

  it.each([1, 2, 3])('end, %i at a time, where giants have to get shards of their own', (budget) => {
    expect(movesUntilDone(snapshot, budget, 8)).toBeGreaterThan(0);
  });

  const cases = fc.integer({ min: 2, max: 9 }).chain((shards) =>
    fc
      .array(
        fc.record({
          at: fc.nat(shards - 1).map((drawn) => Math.floor((drawn * drawn) / shards)),
          load: fc.nat(5),
          pinned: fc.nat(9).map((drawn) => drawn === 0),
          antiAffinity: fc.constantFrom(undefined, undefined, undefined, 'g-1', 'g-2'),
        }),
        { minLength: 1, maxLength: 12 },
      )
      .map((drawn): Snapshot => ({
        shards: Array.from({ length: shards }, (_, at) => ({ shardId: `s-${String(at)}`, weight: 2, state: 'active', healthy: true })),
        tenants: drawn.map(({ at, ...tenant }, index) => ({ ...tenant, tenantId: `t-${String(index)}`, shardId: `s-${String(at)}` })),
      })),
  );

  it('end within the moves of one plan without a budget, and a few', () => {
    fc.assert(
      fc.property(cases, fc.integer({ min: 1, max: 4 }), (drawn, budget) => {
        const whole = movesUntilDone(drawn, 1_000, 1_000);
        expect(movesUntilDone(drawn, budget, 2 * whole + 4)).toBeLessThanOrEqual(2 * whole + 4);
      }),
      { seed: 7, numRuns: 40 },
    );
  });
});
