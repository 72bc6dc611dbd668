import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { planRebalance } from './plan.js';
import { afterMoves, cases, clashes, isFree, isMisplaced, loadsOf, rounding, targetsOf, tolerance } from './rebalance.fixture.js';
import type { Snapshot } from './types.js';

const runs = { numRuns: 150 };

describe('a plan of any case', () => {
  it('is the same bytes for the same snapshot in any order', () => {
    fc.assert(
      fc.property(
        cases.chain(({ snapshot, goal }) =>
          fc.record({
            snapshot: fc.constant(snapshot),
            goal: fc.constant(goal),
            shards: fc.shuffledSubarray([...snapshot.shards], { minLength: snapshot.shards.length }),
            tenants: fc.shuffledSubarray([...snapshot.tenants], { minLength: snapshot.tenants.length }),
          }),
        ),
        ({ snapshot, goal, shards, tenants }) => {
          expect(JSON.stringify(planRebalance({ shards, tenants }, goal))).toBe(JSON.stringify(planRebalance(snapshot, goal)));
        },
      ),
      { numRuns: 100 },
    );
  });

  it('leads to where nothing more is to be moved', () => {
    fc.assert(
      fc.property(cases, ({ snapshot, goal }) => {
        const reached = afterMoves(snapshot, planRebalance(snapshot, goal).moves);
        expect(planRebalance(reached, goal).moves).toEqual([]);
      }),
      runs,
    );
  });

  it('keeps within its number of moves, with the same moves in the same order', () => {
    fc.assert(
      fc.property(cases, fc.nat(6), ({ snapshot, goal }, moveBudget) => {
        const whole = planRebalance(snapshot, goal).moves;
        expect(planRebalance(snapshot, { ...goal, moveBudget }).moves).toEqual(whole.slice(0, moveBudget));
      }),
      runs,
    );
  });

  it('is safe after each of its moves: for limits, capacities, groups, pins, and shards that take none', () => {
    fc.assert(
      fc.property(cases, ({ snapshot, goal }) => {
        const plan = planRebalance(snapshot, goal);
        const limits = new Map(plan.limits.map(({ shardId, load }) => [shardId, load]));
        const targets = new Set(targetsOf(snapshot, goal).map(({ shardId }) => shardId));
        const before = loadsOf(snapshot);
        let now: Snapshot = snapshot;
        for (const move of plan.moves) {
          const clashing = clashes(now);
          now = afterMoves(now, [move]);
          const tenant = now.tenants.find(({ tenantId }) => tenantId === move.tenantId);
          const was = snapshot.tenants.find(({ tenantId }) => tenantId === move.tenantId);
          const load = loadsOf(now).get(move.to) ?? NaN;
          expect(was !== undefined && isFree(was, goal, snapshot)).toBe(true);
          expect(tenant !== undefined && isMisplaced(tenant, snapshot)).toBe(false);
          expect(targets.has(move.to)).toBe(true);
          expect(load).toBeLessThanOrEqual(Math.max(before.get(move.to) ?? NaN, limits.get(move.to) ?? NaN) * rounding);
          expect(load).toBeLessThanOrEqual((now.shards.find(({ shardId }) => shardId === move.to)?.maxLoad ?? Infinity) * rounding);
          for (const [where, count] of clashes(now)) expect(count).toBeLessThanOrEqual(Math.max(1, clashing.get(where) ?? 0));
        }
      }),
      runs,
    );
  });

  it('tells the loads that the moves lead to, and a reason for each shard that is over or keeps tenants', () => {
    fc.assert(
      fc.property(cases, fc.constantFrom(undefined, 2), ({ snapshot, goal }, moveBudget) => {
        const plan = planRebalance(snapshot, { ...goal, moveBudget });
        const reached = afterMoves(snapshot, plan.moves);
        const loads = loadsOf(reached);
        for (const { shardId, load, tenants } of plan.after) {
          expect(load).toBeCloseTo(loads.get(shardId) ?? NaN, 6);
          expect(tenants).toBe(reached.tenants.filter((tenant) => tenant.shardId === shardId).length);
        }
        const told = new Set(plan.leftOver.map(({ shardId }) => shardId));
        for (const { shardId, ratio } of plan.after)
          if (ratio !== null && ratio > (1 + tolerance) * rounding) expect(told).toContain(shardId);
        expect(plan.ratioAfter).toBeCloseTo(Math.max(0, ...plan.after.map(({ ratio }) => ratio ?? 0)) || 1, 12);
        if (goal.mode !== 'balance') expect(told.has(goal.shardId)).toBe(reached.tenants.some(({ shardId }) => shardId === goal.shardId));
      }),
      runs,
    );
  });

  it('leaves nobody where a pin does not want it, unless the shard says why', () => {
    fc.assert(
      fc.property(cases, ({ snapshot, goal }) => {
        fc.pre(goal.mode !== 'replace');
        const plan = planRebalance(snapshot, goal);
        const told = new Set(plan.leftOver.map(({ shardId }) => shardId));
        for (const tenant of afterMoves(snapshot, plan.moves).tenants)
          if (isMisplaced(tenant, snapshot) && isFree(tenant, goal, snapshot)) expect(told).toContain(tenant.shardId);
      }),
      runs,
    );
  });

  it('brings no shard further over the limit, and the highest one no higher, unless another one is left', () => {
    fc.assert(
      fc.property(cases, ({ snapshot, goal }) => {
        fc.pre(goal.mode === 'balance' && !snapshot.tenants.some((tenant) => isMisplaced(tenant, snapshot)));
        const { ratioBefore, ratioAfter } = planRebalance(snapshot, goal);
        expect(ratioAfter).toBeLessThanOrEqual(Math.max(ratioBefore, 1 + tolerance) * rounding);
      }),
      runs,
    );
  });
});

describe('a plan of many small tenants', () => {
  const even = fc.record({
    shards: fc.integer({ min: 2, max: 12 }),
    starts: fc.array(fc.record({ at: fc.nat(), load: fc.integer({ min: 1, max: 10 }) }), { minLength: 600, maxLength: 900 }),
  });

  it('always reaches the limit, and needs no more moves than the tenants that are too many on each shard', () => {
    fc.assert(
      fc.property(even, ({ shards, starts }) => {
        const snapshot = {
          shards: Array.from({ length: shards }, (_, n) => ({
            shardId: `s-${String(n)}`,
            weight: 1,
            state: 'active' as const,
            healthy: true,
          })),
          tenants: starts.map(({ at, load }, n) => ({
            tenantId: `t-${String(n)}`,
            shardId: `s-${String((at % shards) % (1 + (at % 3)))}`,
            load,
            pinned: false,
          })),
        };
        const plan = planRebalance(snapshot, { mode: 'balance', cooldownMs: 0, nowMs: 0 });
        expect(plan.ratioAfter).toBeLessThanOrEqual(1.05 * rounding);
        expect(plan.leftOver).toEqual([]);
        expect(new Set(plan.moves.map(({ tenantId }) => tenantId)).size).toBe(plan.moves.length);
        const limit = plan.limits[0]?.load ?? NaN;
        const tooMany = [...loadsOf(snapshot)].map(([shardId, load]) => {
          let excess = load - limit;
          const sizes = snapshot.tenants.filter((tenant) => tenant.shardId === shardId).map((tenant) => tenant.load);
          return sizes.sort((a, b) => b - a).filter((size) => (excess > 0 ? (excess -= size) : undefined) !== undefined).length;
        });
        expect(plan.moves.length).toBeLessThanOrEqual(tooMany.reduce((sum, count) => sum + count, 0));
      }),
      { numRuns: 20 },
    );
  });
});
