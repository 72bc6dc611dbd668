import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { planInSlices, planRebalance } from './plan.js';
import { givingWay, SliceCounter, withoutStop, type Sliced } from './slices.js';
import type { Goal, Snapshot } from './types.js';
import { whatIfInSlices, whatIfShardDies } from './what-if.js';

const goal: Goal = { mode: 'balance', tolerance: 0.05, cooldownMs: 0, nowMs: 0 };

/** Tenants on the first of the shards, each of one of the groups. */
function onOneShard(shards: number, tenants: number, groups = 0): Snapshot {
  const shardId = (at: number) => `s-${String(at).padStart(3, '0')}`;
  return {
    shards: Array.from({ length: shards }, (_, at) => ({ shardId: shardId(at), weight: 1, state: 'active', healthy: true })),
    tenants: Array.from({ length: tenants }, (_, n) => ({
      ...{ tenantId: `t-${String(n)}`, shardId: shardId(0), load: 1 + ((n * 7919) % 1_000) / 100, pinned: false },
      ...(groups === 0 ? {} : { antiAffinity: `g-${String(n % groups)}` }),
    })),
  };
}

function* countTo(most: number, fails?: string): Sliced<number> {
  for (let count = 0; count < most; count += 1) yield;
  if (fails !== undefined) throw new Error(fails);
  return most;
}

describe('work in slices', () => {
  it('gives way after each slice, and comes to the same', async () => {
    let times = 0;
    const giveWay = () => {
      times += 1;
      return Promise.resolve();
    };
    expect(await givingWay(countTo(7), giveWay)).toBe(7);
    expect(times).toBe(7);
    expect(withoutStop(countTo(7))).toBe(7);
    await expect(givingWay(countTo(1, 'no work'), giveWay)).rejects.toThrow('no work');
    expect(() => withoutStop(countTo(1, 'no work'))).toThrow('no work');
  });

  it('is ended by who has it done', async () => {
    await expect(givingWay(countTo(7), () => Promise.reject(new Error('nobody waits for it')))).rejects.toThrow('nobody waits for it');
  });

  it('counts slices by operations', () => {
    const counter = new SliceCounter(10);
    const ended = Array.from({ length: 12 }, () => {
      counter.count(3);
      return counter.isOver();
    });
    expect(ended.flatMap((over, at) => (over ? [at + 1] : []))).toEqual([4, 8, 12]);
  });
});

describe('a plan of 50,000 tenants of one shard', () => {
  it('lets others go on many times while it is made, and is the same plan', async () => {
    const snapshot = onOneShard(200, 50_000);
    let between = 0;
    let others = 0;
    let isMade = false;
    const timer = () => {
      others += 1;
      if (!isMade) setImmediate(timer);
    };
    setImmediate(timer);
    const plan = await givingWay(planInSlices(snapshot, goal), () => {
      between += 1;
      return new Promise((resolve) => setImmediate(resolve));
    });
    isMade = true;
    expect(plan.moves.length).toBeGreaterThan(45_000);
    // Each move alone looks at 200 shards once or more: so many slices are the least that it can be cut into.
    expect(between).toBeGreaterThanOrEqual((45_000 * 200) / 200_000);
    expect(others).toBeGreaterThanOrEqual(between);
    expect(JSON.stringify(plan)).toBe(JSON.stringify(planRebalance(snapshot, goal)));
  });
});

describe('a plan that has to make room in many ways', () => {
  /** Looks that the plan takes, to a slice. */
  function looksOf(snapshot: Snapshot): number {
    const work = planInSlices(snapshot, goal);
    let slices = 1;
    while (work.next().done !== true) slices += 1;
    return slices * 200_000;
  }

  it('takes no more looks than its size and a bound for exchanges make', () => {
    const cases = fc.record({
      shards: fc.integer({ min: 80, max: 100 }),
      full: fc.integer({ min: 8, max: 10 }),
      groups: fc.integer({ min: 120, max: 150 }),
    });
    fc.assert(
      fc.property(cases, ({ shards, full, groups }) => {
        const all = groups * Math.floor(shards * 0.8);
        const placed = onOneShard(shards, all, groups);
        const tenants = placed.tenants.map((tenant, n) => ({
          ...tenant,
          shardId: placed.shards[n % full]?.shardId ?? '',
          load: 1 + ((n * 7919) % 1_000) / 10,
        }));
        expect(looksOf({ ...placed, tenants })).toBeLessThanOrEqual(14_000_000 + 10 * all * shards);
      }),
      { seed: 11, numRuns: 6 },
    );
  });
});

describe('plans of two at a time', () => {
  it.each(['groups that have no place to go', 'a small case that is searched'])('do not mix: %s', (which) => {
    const snapshot = which.startsWith('groups') ? onOneShard(40, 4_000, 10) : onOneShard(24, 90);
    const [first, second] = [planInSlices(snapshot, goal), whatIfInSlices(snapshot, { shardId: 's-000' })];
    let [plan, outcome] = [first.next(), second.next()];
    while (plan.done !== true || outcome.done !== true) {
      if (plan.done !== true) plan = first.next();
      if (outcome.done !== true) outcome = second.next();
    }
    expect(plan.value).toEqual(planRebalance(snapshot, goal));
    expect(outcome.value).toEqual(whatIfShardDies(snapshot, { shardId: 's-000' }));
  });
});
