import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createRateLimit } from './rate-limit.js';

const windowMs = 60_000;

describe('a rate limit', () => {
  it('lets each caller send so many requests in a window, and no more', () => {
    const requests = fc.array(fc.record({ caller: fc.constantFrom('a', 'b', 'c'), afterMs: fc.nat(20_000) }), { maxLength: 200 });
    fc.assert(
      fc.property(requests, fc.integer({ min: 1, max: 5 }), (sent, limit) => {
        const rate = createRateLimit({ limit, windowMs, callers: 100 });
        const served = new Map<string, number>();
        let nowMs = 0;
        for (const { caller, afterMs } of sent) {
          nowMs += afterMs;
          const key = `${caller} ${String(Math.floor(nowMs / windowMs))}`;
          const before = served.get(key) ?? 0;
          const { allowed, remaining, resetMs } = rate.take(caller, nowMs);
          expect([allowed, remaining]).toEqual([before < limit, Math.max(0, limit - before - 1)]);
          expect([resetMs > 0, resetMs <= windowMs]).toEqual([true, true]);
          served.set(key, before + 1);
        }
      }),
    );
  });

  it('counts callers beyond those it can remember as one', () => {
    const rate = createRateLimit({ limit: 2, windowMs, callers: 1 });
    const allowed = ['a', 'b', 'c', 'd', 'a', 'a'].map((caller) => rate.take(caller, 1).allowed);
    expect(allowed).toEqual([true, true, true, false, true, false]);
  });
});
