import { describe, expect, it } from '@jest/globals';
import { isRotationDue, isTrusted, leadLeftMs, stateOf, type KeyTimes } from './signing-keys.js';

const rule = { everyMs: 1_000, leadMs: 100, overlapMs: 300 };
const key = (publishedAtMs: number, signsFromMs: number | null = null, trustedUntilMs: number | null = null): KeyTimes => ({
  ...{ kid: 'api-gateway.k', publishedAtMs, signsFromMs, trustedUntilMs },
});

describe('signing keys', () => {
  it('are next, then current, then previous', () => {
    expect([key(0), key(0, 1), key(0, 1, 2)].map(stateOf)).toEqual(['next', 'current', 'previous']);
  });

  it.each([
    ['nothing is there', [], 5_000, false],
    ['the first was just published', [key(0)], 99, false],
    ['the first is known', [key(0)], 100, true],
    ['the current one is young', [key(0, 100), key(100)], 1_099, false],
    ['the current one is old', [key(0, 100), key(100)], 1_100, true],
    ['the current one is old, and the next was just published', [key(0, 100), key(1_050)], 1_100, false],
    ['there is no next one', [key(0, 100)], 9_000, false],
  ])('rotate when they should: %s', (_, keys, nowMs, due) => {
    expect(isRotationDue(keys, nowMs, rule)).toBe(due);
  });

  it('tell how long the next one is to wait', () => {
    expect([leadLeftMs([], 0, rule), leadLeftMs([key(50)], 60, rule), leadLeftMs([key(50)], 900, rule)]).toEqual([undefined, 90, 0]);
  });

  it('are trusted from when they are published until their time ends', () => {
    expect([key(0), key(0, 1), key(0, 1, 10)].map((one) => isTrusted(one, 9))).toEqual([true, true, true]);
    expect(isTrusted(key(0, 1, 10), 10)).toBe(false);
  });
});
