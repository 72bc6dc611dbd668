import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isAskedFor, messageIdOf } from './webhook-message.js';
import { retryAfterMs } from './webhook-retry.js';

const event = { position: 7, aggregateType: 'job', aggregateId: 'job_1', version: 2, recordedAt: new Date(0) };

describe('messageIdOf', () => {
  it('is the same for an event, another for any other, and has no dot', () => {
    expect(messageIdOf(event)).toBe(messageIdOf({ ...event }));
    const others = [
      { ...event, position: 8 },
      { ...event, aggregateType: 'plan' },
      { ...event, aggregateId: 'job_2' },
      { ...event, version: 3 },
      { ...event, recordedAt: new Date(1) },
    ];
    const ids = [event, ...others].map(messageIdOf);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^evt_[0-9a-f]{32}$/);
  });
});

describe('isAskedFor', () => {
  const created = { aggregateType: 'job', type: 'job_created' };

  it.each([['job.job_created'], ['job.*'], ['job.job_*'], ['plan.*', 'job.job_created']])('takes %s', (...types) => {
    expect(isAskedFor(types, created)).toBe(true);
  });

  it.each([['job.job_created2'], ['job.job_create'], ['plan.*'], ['job.step_*'], ['job']])('does not take %s', (...types) => {
    expect(isAskedFor(types, created)).toBe(false);
  });
});

describe('retryAfterMs', () => {
  it('waits longer each time, up to a bound, and about as long as it should', () => {
    const unit = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), unit, (attempts, random) => {
        const plain = Math.min(5_000 * 4 ** (attempts - 1), 12 * 3_600_000);
        const ms = retryAfterMs(attempts, { firstMs: 5_000, random });
        expect(ms).toBeGreaterThanOrEqual(plain * 0.75 - 1);
        expect(ms).toBeLessThanOrEqual(plain * 1.25 + 1);
      }),
    );
  });
});
