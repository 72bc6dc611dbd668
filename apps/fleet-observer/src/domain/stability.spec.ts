import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { afterLook, conditionOf, unseen, type Look, type Stability, type StabilityRules } from './stability.js';

const rules: StabilityRules = { changes: 6, halfLifeMs: 120_000, restarts: 3, restartWindowMs: 600_000 };
const beginMs = Date.parse('2026-11-21T10:00:00.000Z');
const at = (seconds: number) => new Date(beginMs + seconds * 1_000).toISOString();
const look = (seconds: number, changed = false, startedAt = ''): Look => ({ at: at(seconds), changed, startedAt });
const after = (looks: readonly Look[], from = unseen) => looks.reduce((stability, one) => afterLook(stability, one, rules), from);
const each = (everySeconds: number, count: number, changed: boolean) =>
  Array.from({ length: count }, (_, n) => look((n + 1) * everySeconds, changed));

describe('flapping', () => {
  it.each([
    ['once', [look(0, true)], false],
    ['five times at once', each(1, 5, true), false],
    ['six times at once', each(1, 6, true), true],
    ['every ten seconds for a minute and a half', each(10, 9, true), true],
    ['once in a minute and a half for an hour', each(90, 40, true), false],
  ])('is what changes %s: %s', (_, looks, flapping) => {
    expect(after(looks).flapping).toBe(flapping);
  });

  it('ends when it is quiet for a few minutes, not at the first quiet look', () => {
    const flapping = after(each(1, 20, true));
    expect(after([look(60)], flapping).flapping).toBe(true);
    expect(after([look(20 + 300)], flapping).flapping).toBe(false);
  });

  const looks = fc
    .array(fc.record({ passedMs: fc.integer({ min: 0, max: 100_000 }), changed: fc.boolean() }), { maxLength: 60 })
    .map((all) => {
      let ms = beginMs;
      return all.map(({ passedMs, changed }): Look => ({ at: new Date((ms += passedMs)).toISOString(), changed, startedAt: '' }));
    });

  it('begins at a change alone, ends in quiet alone, and with a distance between the two', () => {
    fc.assert(
      fc.property(looks, (all) => {
        let before: Stability = unseen;
        for (const one of all) {
          const now = afterLook(before, one, rules);
          if (now.flapping && !before.flapping) {
            expect(one.changed).toBe(true);
            expect(now.penalty).toBeGreaterThanOrEqual(rules.changes - 0.5);
          }
          if (!now.flapping && before.flapping) expect(now.penalty).toBeLessThanOrEqual(rules.changes / 3);
          expect(now.penalty).toBeLessThanOrEqual(rules.changes * 1.5);
          before = now;
        }
        // Whatever has happened, three half-lives of quiet end it.
        const lastMs = Date.parse(all.at(-1)?.at ?? at(0));
        const quiet = { at: new Date(lastMs + 3 * rules.halfLifeMs).toISOString(), changed: false, startedAt: '' };
        expect(afterLook(before, quiet, rules).flapping).toBe(false);
      }),
    );
  });

  it('counts the same however often one looks in between', () => {
    fc.assert(
      fc.property(looks, fc.integer({ min: 1, max: 5 }), (all, times) => {
        const doubled = all.flatMap((one) => [one, ...Array.from({ length: times }, () => ({ ...one, changed: false }))]);
        expect(after(doubled).penalty).toBeCloseTo(after(all).penalty, 6);
      }),
    );
  });
});

describe('a crash loop', () => {
  const starts = (...seconds: number[]) => seconds.map((second) => look(second + 5, false, at(second)));

  it('is three restarts in ten minutes', () => {
    expect(after(starts(0, 60, 120)).crashLooping).toBe(false);
    expect(after(starts(0, 60, 120, 180)).crashLooping).toBe(true);
    expect(after(starts(0, 400, 800, 1_200, 1_600)).crashLooping).toBe(false);
  });

  it('ends after ten minutes without one', () => {
    const looping = after(starts(0, 60, 120, 180));
    expect(after([look(700, false, at(180))], looping).crashLooping).toBe(true);
    expect(after([look(790, false, at(180))], looping).crashLooping).toBe(false);
  });

  it('is no process that tells its start a little differently, does not tell it, or is one of several behind an address', () => {
    const told = Array.from({ length: 30 }, (_, n) => look(n * 10, false, at(n % 2)));
    const silent = Array.from({ length: 30 }, (_, n) => look(n * 10, false, n % 2 === 0 ? at(0) : ''));
    const several = Array.from({ length: 30 }, (_, n) => look(n * 10, false, at((n % 3) * 10)));
    expect(after(told).restarts).toEqual([]);
    expect(after(silent).restarts).toEqual([]);
    expect(after(several).crashLooping).toBe(false);
  });
});

describe('conditionOf', () => {
  it.each([
    [false, false, 'steady'],
    [true, false, 'flapping'],
    [true, true, 'crash_looping'],
    [false, true, 'crash_looping'],
  ])('flapping %s, crash-looping %s: %s', (flapping, crashLooping, condition) => {
    expect(conditionOf({ flapping, crashLooping })).toBe(condition);
  });
});
