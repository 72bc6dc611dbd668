import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { turnBetween } from './turns.js';

const turns = { intervalMs: 10_000, metricsEvery: 3 };
const fleet = Array.from({ length: 2_000 }, (_, n) => `runner.r-${String(n)}.e1`);

describe('turnBetween', () => {
  it('gives each endpoint one turn in each interval, and metrics in each third, whatever moments the time is cut at', () => {
    const cuts = fc.array(fc.integer({ min: 0, max: 90_000 }), { maxLength: 50 }).map((some) => [0, ...some.sort((a, b) => a - b), 90_000]);
    fc.assert(
      fc.property(fc.string(), cuts, (key, moments) => {
        // A time in which an endpoint would have several turns is one turn.
        const all = moments.slice(1).flatMap((until, n) => {
          const after = moments[n] ?? 0;
          const steps = Math.max(1, Math.ceil((until - after) / turns.intervalMs));
          return Array.from({ length: steps }, (_, step) => {
            const edge = (at: number) => after + ((until - after) * at) / steps;
            return turnBetween(turns, key, edge(step), edge(step + 1));
          });
        });
        const had = all.filter((turn) => turn !== undefined);
        expect(had).toHaveLength(9);
        expect(had.filter(({ metrics }) => metrics)).toHaveLength(3);
      }),
    );
  });

  it('spreads a fleet over the interval, and metrics over their cycles', () => {
    for (let tick = 0; tick < 60; tick++) {
      const had = fleet.map((key) => turnBetween(turns, key, tick * 500, (tick + 1) * 500)).filter((turn) => turn !== undefined);
      // 100 on average; metrics a third of them.
      expect(had.length).toBeGreaterThan(50);
      expect(had.length).toBeLessThan(150);
      expect(had.filter(({ metrics }) => metrics).length).toBeLessThan(70);
    }
  });
});
