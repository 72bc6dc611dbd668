import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { pageOf } from './page.js';
import type { TrailRecord } from '../projections/audit-record/type.js';

const record = (position: number, bytes: number): TrailRecord => ({
  position,
  time: new Date(0),
  action: 'job.job_queued',
  principal: 'user:usr_1',
  via: null,
  tenantId: null,
  resourceType: 'job',
  resourceId: 'job_1',
  requestId: 'req_1',
  correlationId: 'cor_1',
  traceId: null,
  jobId: null,
  step: null,
  reason: null,
  sourceAddress: null,
  outcome: 'requested',
  details: { text: 'x'.repeat(bytes) },
});

describe('pageOf', () => {
  it('follows pages to the end without a gap or a repeat, each within its bounds', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 40 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 10 }), (bytes, limit) => {
        const all = bytes.map((size, index) => record(bytes.length - index, size));
        const seen: TrailRecord[] = [];
        let more = true;
        for (let pages = 0; more && pages <= all.length; pages++) {
          const page = pageOf(all.slice(seen.length, seen.length + limit + 1), ({ details }) => details, limit, 500);
          expect(page.records.length).toBeLessThanOrEqual(limit);
          if (page.records.length > 1)
            expect(page.records.reduce((sum, { details }) => sum + JSON.stringify(details).length, 0)).toBeLessThanOrEqual(500);
          seen.push(...page.records);
          ({ more } = page);
        }
        expect(seen).toEqual(all);
      }),
    );
  });
});
