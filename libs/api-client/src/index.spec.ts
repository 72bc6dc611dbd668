import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createApiClient, requestOf, UnusableName, type ApiRequest } from './index.js';

describe('a request', () => {
  it('has its path, query, headers and body', () => {
    expect(requestOf('tenants.list', { query: { limit: 10, kind: 'runner', cursor: undefined } })).toEqual({
      method: 'GET',
      path: '/admin/v1/tenants?limit=10&kind=runner',
      headers: {},
      body: undefined,
    });
    const body = { plan_digest: 'sha256:1', reason: 'more room' };
    expect(requestOf('jobs.migrate', { headers: { 'Idempotency-Key': 'k' }, body })).toEqual({
      method: 'POST',
      path: '/admin/v1/jobs/tenant-migrate',
      headers: { 'Idempotency-Key': 'k' },
      body,
    });
  });

  it('keeps what stands in a path to its place', () => {
    expect(requestOf('jobs.get', { path: { id: '../users?x=1' } }).path).toBe('/admin/v1/jobs/..%2Fusers%3Fx%3D1');
    for (const id of ['', '.', '..']) expect(() => requestOf('jobs.get', { path: { id } })).toThrow(UnusableName);
  });

  it('is about what was named, whatever that is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-composite', minLength: 1 }), (id) => {
        fc.pre(!['.', '..'].includes(id));
        const { pathname, search } = new URL(requestOf('jobs.get', { path: { id } }).path, 'http://gateway');
        expect([decodeURIComponent(pathname.slice('/admin/v1/jobs/'.length)), search]).toEqual([id, '']);
      }),
    );
  });

  it('is held against the document by the compiler', () => {
    // @ts-expect-error a job has an id
    expect(() => requestOf('jobs.get', {})).toThrow('jobs.get needs id');
    // @ts-expect-error there is no such kind
    expect(requestOf('tenants.list', { query: { kind: 'cron' } }).path).toBe('/admin/v1/tenants?kind=cron');
    // @ts-expect-error a job needs the plan that it executes
    expect(requestOf('jobs.migrate', { headers: { 'Idempotency-Key': 'k' }, body: { reason: 'no plan' } }).method).toBe('POST');
  });
});

it('a client answers what was sent back', async () => {
  const sent: [ApiRequest, { signal: string } | undefined][] = [];
  const client = createApiClient<{ signal: string }>((request, options) => {
    sent.push([request, options]);
    return Promise.resolve({ items: [], next_cursor: null });
  });
  const page = await client.call('tenants.list', {}, { signal: 's' });
  expect(page.items).toEqual([]);
  await client.call('auth.logout', {});
  expect(sent.map(([{ path }, options]) => [path, options?.signal])).toEqual([
    ['/admin/v1/tenants', 's'],
    ['/admin/v1/auth/logout', undefined],
  ]);
});
