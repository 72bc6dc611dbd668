import { describe, expect, it } from '@jest/globals';
import { nextAnchor } from './anchoring.js';

const lineage = [{ incarnation: 'a', after: 0 }];
const last = { incarnation: 'a', position: 20, time: '2026-11-21T10:00:00.000Z', lineage };
const lost = { position: 20, time: last.time };

describe('the next anchor', () => {
  it('begins with the first event, and covers some thousand at most', () => {
    expect(nextAnchor({ last: undefined, incarnation: 'a', sharedUntil: Number.MAX_SAFE_INTEGER, chained: 0 })).toEqual({ is: 'level' });
    expect(nextAnchor({ last: undefined, incarnation: 'a', sharedUntil: Number.MAX_SAFE_INTEGER, chained: 5 })).toEqual({
      is: 'due',
      from: 1,
      to: 5,
      lineage,
    });
    expect(nextAnchor({ last: undefined, incarnation: 'a', sharedUntil: Number.MAX_SAFE_INTEGER, chained: 25_000 })).toMatchObject({
      from: 1,
      to: 10_000,
    });
  });

  it('goes on behind the last one, and is none when nothing has come', () => {
    expect(nextAnchor({ last, incarnation: 'a', sharedUntil: Number.MAX_SAFE_INTEGER, chained: 20 })).toEqual({ is: 'level' });
    expect(nextAnchor({ last, incarnation: 'a', sharedUntil: Number.MAX_SAFE_INTEGER, chained: 23 })).toEqual({
      is: 'due',
      from: 21,
      to: 23,
      lineage,
    });
  });

  it('is not made of a chain that lacks what was anchored', () => {
    expect(nextAnchor({ last, incarnation: 'a', sharedUntil: Number.MAX_SAFE_INTEGER, chained: 19 })).toMatchObject({
      is: 'stopped',
      reason: expect.stringContaining('ends at 19'),
    });
  });

  it.each([
    ['where the next one began', 14, 14],
    ['at the last anchor, when it began behind that', 30, 20],
    ['at the beginning, when nothing is known to be the same', 0, 0],
  ])('goes on in another incarnation %s', (_where, sharedUntil, from) => {
    const other = { last, incarnation: 'b', sharedUntil };
    expect(nextAnchor({ ...other, chained: 40 })).toEqual({
      ...{ is: 'due', from: from + 1, to: 40 },
      lineage: [...lineage, { incarnation: 'b', after: from, lost }],
    });
    expect(nextAnchor({ ...other, chained: from })).toEqual({ is: 'level' });
  });
});
