import { describe, expect, it } from '@jest/globals';
import { openSolver, planOf, smallCase } from './optimum.js';
import { boundedLoads, rendezvous } from './peers.js';

describe('the optimum', () => {
  it('is the fewest moves, or none where there is no solution', async () => {
    const solve = await openSolver();
    const on = (...loads: number[][]) => loads.flatMap((list, at) => list.map((load) => ({ load, at })));
    expect(solve({ shards: 2, limit: 10, tenants: on([5, 3, 2, 4], [4]) })).toBe(1);
    expect(solve({ shards: 3, limit: 7, tenants: on([6, 4], [3, 3], [4]) })).toBe(2);
    expect(solve({ shards: 2, limit: 5, tenants: on([5], [5]) })).toBe(0);
    expect(solve({ shards: 2, limit: 7, tenants: on([4, 4, 4], []) })).toBeUndefined();
  });

  it('is met by our plans in cases of the bench', async () => {
    const solve = await openSolver();
    for (let seed = 1; seed <= 12; seed += 1) {
      const fewest = solve(smallCase(seed));
      if (fewest !== undefined) expect(planOf(smallCase(seed))).toBeLessThanOrEqual(Math.floor(fewest * 1.7));
    }
  });
});

describe('the peers', () => {
  it('move few tenants when a shard comes, and bound the loads or not', () => {
    const shards = [0, 1, 2, 3];
    const loads = Array.from({ length: 400 }, () => 1);
    const before = rendezvous(shards, 400);
    const after = rendezvous([...shards, 4], 400);
    expect(after.every((shard, tenant) => shard === before[tenant] || shard === 4)).toBe(true);
    const counts = shards.map((shard) => boundedLoads(shards, loads, 1.05).filter((at) => at === shard).length);
    expect(Math.max(...counts)).toBeLessThanOrEqual(105);
  });
});
