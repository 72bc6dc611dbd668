import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createThrottle } from './throttle.js';

const limits = { failures: 3, windowMs: 1_000, keys: 4 };

describe('throttle', () => {
  it('lets a key wait for the rest of its window after too many failures', () => {
    const throttle = createThrottle(limits);
    for (const at of [0, 100, 200]) {
      expect(throttle.waitMs('a', at)).toBe(0);
      throttle.failed('a', at);
    }
    expect(throttle.waitMs('a', 300)).toBe(700);
    expect(throttle.waitMs('b', 300)).toBe(0);
    expect(throttle.waitMs('a', 1_000)).toBe(0);
  });

  it('forgets failures when the key succeeds', () => {
    const throttle = createThrottle(limits);
    for (let n = 0; n < 3; n++) throttle.failed('a', 0);
    throttle.succeeded('a');
    expect(throttle.waitMs('a', 1)).toBe(0);
  });

  it('remembers a bounded number of keys, the newest ones', () => {
    const throttle = createThrottle(limits);
    for (const key of ['a', 'b', 'c', 'd', 'e']) for (let n = 0; n < 3; n++) throttle.failed(key, 0);
    expect(['a', 'b', 'c', 'd', 'e'].map((key) => throttle.waitMs(key, 1) > 0)).toEqual([false, true, true, true, true]);
  });

  it('never lets a key try more often than the limit within one window', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 60 }), (gaps) => {
        const throttle = createThrottle(limits);
        let now = 0;
        const tried: number[] = [];
        for (const gap of gaps) {
          now += gap;
          if (throttle.waitMs('a', now) > 0) continue;
          throttle.failed('a', now);
          tried.push(now);
        }
        // Windows are fixed: in the time of one window, two of them can meet.
        for (const start of tried) {
          expect(tried.filter((at) => at >= start && at < start + limits.windowMs).length).toBeLessThanOrEqual(2 * limits.failures);
        }
      }),
    );
  });
});
