import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PauseHistory } from './pauses.js';

describe('pause history', () => {
  it('answers the longest pause since any moment', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 60 }), fc.integer({ min: 0, max: 61 }), (pauses, since) => {
        const history = PauseHistory.of();
        pauses.forEach((pause, at) => {
          history.add(at, pause);
        });
        expect(history.longestSince(since)).toBe(Math.max(0, ...pauses.slice(since)));
        expect(PauseHistory.of(history.toEntries()).longestSince(since)).toBe(history.longestSince(since));
      }),
    );
  });

  it('keeps the longest of all times however many it drops', () => {
    const history = PauseHistory.of();
    for (let i = 0; i < 20_000; i++) history.add(i, 100_000 - i);
    expect(history.toEntries().length).toBeLessThanOrEqual(4096);
    expect(history.longestSince(0)).toBe(100_000);
    expect(history.longestSince(19_999)).toBe(80_001);
  });
});
