import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { pageOf, pageQuery, startNumberOf, startOf } from './paging.js';

const invalid = expect.objectContaining({ code: 'invalid_argument', message: 'cursor: is not a cursor of this list' });

describe('paging', () => {
  it('gives a cursor that says where the next page starts, and none at the end', () => {
    const { next_cursor: cursor } = pageOf('jobs', [1], 'job_7');
    expect(cursor).not.toContain('job_7');
    expect(startOf('jobs', cursor ?? '')).toBe('job_7');
    expect(startOf('service-accounts', pageOf('service-accounts', [], 'sva_1').next_cursor ?? '')).toBe('sva_1');
    expect(startOf('locks', pageOf('locks', [], 'shard/runner/runner-2').next_cursor ?? '')).toBe('shard/runner/runner-2');
    expect(startNumberOf('audit', pageOf('audit', [], 42).next_cursor ?? '')).toBe(42);
    expect(pageOf('jobs', [], '').next_cursor).toBeNull();
    expect(pageOf('audit', [], 0).next_cursor).toBeNull();
  });

  it.each(['', 'x', Buffer.from('tenants job_7').toString('base64url'), Buffer.from("jobs a' or 1=1").toString('base64url')])(
    'refuses %j',
    (cursor) => {
      expect(() => startOf('jobs', cursor)).toThrow(invalid);
    },
  );

  it('refuses a name where a number is due', () => {
    expect(() => startNumberOf('audit', pageOf('audit', [], 'abc').next_cursor ?? '')).toThrow(invalid);
  });

  it('takes limits from 1 and at most 200', () => {
    const schema = z.object(pageQuery);
    expect(schema.parse({}).limit).toBe(50);
    expect(schema.parse({ limit: '500' }).limit).toBe(200);
    for (const limit of ['0', '-1', '1.5', 'x', '']) expect(schema.safeParse({ limit }).success).toBe(false);
  });
});
