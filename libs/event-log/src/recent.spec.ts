import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RecentEvents } from './recent.js';
import type { StoredEvent } from './types.js';

const event = (position: number): StoredEvent => ({
  position,
  aggregateType: 'tenant',
  aggregateId: 'acme',
  version: position,
  type: 'changed',
  schemaVersion: 1,
  payload: {},
  meta: { principal: 'user:usr_1', request_id: 'req-1', correlation_id: 'cor-1' },
  recordedAt: new Date(0),
});

it('keeps the last events within its bounds, and answers what follows a position or that it does not reach back', () => {
  const bounds = { maxEvents: 20, maxBytes: 500 };
  fc.assert(
    fc.property(fc.nat(1_000), fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 120 }), fc.nat(30), (start, sizes, limit) => {
      const recent = new RecentEvents(bounds);
      sizes.forEach((bytes, n) => {
        recent.push(event(start + n + 1), bytes);
      });
      const last = start + sizes.length;
      const kept = countKept(recent, last);
      expect(kept > 0).toBe(sizes.length > 0);
      expect(kept).toBeLessThanOrEqual(bounds.maxEvents * 1.5);
      // All that is kept fits, and one more would not have been dropped for nothing.
      const bytes = sizes.slice(sizes.length - kept).reduce((sum, size) => sum + size, 0);
      expect(bytes).toBeLessThanOrEqual(bounds.maxBytes * 1.5);
      if (kept < sizes.length)
        expect(kept >= bounds.maxEvents || bytes + (sizes[sizes.length - kept - 1] ?? 0) > bounds.maxBytes).toBe(true);
      for (let position = Math.max(0, last - 40); position <= last; position += 1) {
        const found = recent.after(position, limit)?.map((one) => one.position);
        const expected = Array.from({ length: Math.min(limit, last - position) }, (_, n) => position + n + 1);
        expect(found).toEqual(sizes.length > 0 && position >= last - kept ? expected : undefined);
      }
    }),
  );
});

/** How far back it reaches. */
function countKept(recent: RecentEvents, last: number): number {
  let kept = 0;
  while (recent.after(last - kept - 1, 1) !== undefined) kept += 1;
  return kept;
}

it('forgets all of an incarnation that ended', () => {
  const recent = new RecentEvents({ maxEvents: 5, maxBytes: 100 });
  recent.push(event(7), 1);
  recent.clear();
  expect(recent.after(7, 5)).toBeUndefined();
  recent.push(event(3), 1);
  expect(recent.after(2, 5)?.map(({ position }) => position)).toEqual([3]);
});
