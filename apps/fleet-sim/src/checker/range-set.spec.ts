import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RangeSet } from './range-set.js';

const numbers = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 80 });

function filled(values: readonly number[]): RangeSet {
  const set = RangeSet.of();
  for (const value of values) set.add(value);
  return set;
}

const members = (ranges: [number, number][]) => ranges.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => from + i));

describe('range set', () => {
  it('behaves like a set of numbers', () => {
    fc.assert(
      fc.property(numbers, numbers, (a, b) => {
        const set = RangeSet.of();
        const model = new Set<number>();
        for (const value of a) {
          expect(set.add(value)).toBe(!model.has(value));
          model.add(value);
        }
        const sorted = [...model].sort((x, y) => x - y);
        expect(members(set.toRanges())).toEqual(sorted);
        expect(set.size).toBe(model.size);
        expect(set.max).toBe(sorted.at(-1) ?? 0);
        for (let n = 0; n <= 61; n++) expect(set.has(n)).toBe(model.has(n));
        expect(members(set.minus(filled(b)))).toEqual(sorted.filter((n) => !b.includes(n)));
      }),
    );
  });

  it('keeps neighbours in one range', () => {
    fc.assert(
      fc.property(numbers, (values) => {
        const ranges = filled(values).toRanges();
        for (const [index, [from]] of ranges.entries()) expect(from).toBeGreaterThan((ranges[index - 1]?.[1] ?? -1) + 1);
        expect(filled(members(ranges)).toRanges()).toEqual(ranges);
      }),
    );
  });
});
