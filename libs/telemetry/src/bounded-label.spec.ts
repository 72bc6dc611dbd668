import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { boundedLabel, otherValues } from './bounded-label.js';

const windowMs = 1_000;
const most = 3;
/** A few busy values, and many that come once in a while. */
const value = fc.oneof(
  fc.constantFrom('a', 'b', 'c', 'd', 'e'),
  fc.integer({ min: 0, max: 500 }).map((n) => `t-${String(n)}`),
);
const arrivals = fc.array(fc.record({ value, afterMs: fc.integer({ min: 0, max: 200 }) }), { maxLength: 300 });

describe('a bounded label', () => {
  it('never has more values than it may and the one for all others, and tells which it dropped', () => {
    fc.assert(
      fc.property(arrivals, (all) => {
        const series = new Set<string>();
        const label = boundedLabel({
          most,
          windowMs,
          onDropped: (dropped) => {
            expect(series.delete(dropped)).toBe(true);
          },
        });
        let nowMs = 0;
        for (const { value: given, afterMs } of all) {
          nowMs += afterMs;
          const answer = label.labelFor(given, nowMs);
          expect([given, otherValues]).toContain(answer);
          expect(label.values().includes(given)).toBe(answer === given);
          series.add(answer);
          expect(label.values().length).toBeLessThanOrEqual(most);
          expect(series.size).toBeLessThanOrEqual(most + 1);
        }
      }),
    );
  });

  it('tells apart whoever had more than one part in most + 1 of the window before', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 300 }), (window) => {
        const label = boundedLabel({ most, windowMs });
        // An earlier window with others, so that all places are taken.
        for (const other of ['x', 'y', 'z']) label.labelFor(other, 0);
        for (const given of window) label.labelFor(given, windowMs);
        label.labelFor('somebody', 2 * windowMs);
        for (const given of new Set(window)) {
          const times = window.filter((one) => one === given).length;
          if (times > window.length / (most + 1)) expect(label.values()).toContain(given);
        }
      }),
    );
  });

  it('keeps those it tells apart while nobody is busier', () => {
    const label = boundedLabel({ most: 2, windowMs });
    expect(['a', 'b', 'c'].map((given) => label.labelFor(given, 0))).toEqual(['a', 'b', otherValues]);
    label.labelFor('b', windowMs);
    label.labelFor('b', 2 * windowMs);
    expect([...label.values()].sort()).toEqual(['a', 'b']);
    label.labelFor('c', 2 * windowMs);
    label.labelFor('c', 2 * windowMs);
    expect(label.labelFor('c', 3 * windowMs)).toBe('c');
    expect([...label.values()].sort()).toEqual(['b', 'c']);
  });
});
