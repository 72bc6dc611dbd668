import { describe, expect, it } from '@jest/globals';
import { createClient } from './client.js';
import { ApiProblem, asProblem, problemOf } from './problem.js';

const refused = () => Promise.reject(new ApiProblem({ status: 401, code: 'unauthenticated', detail: 'expired' }));

/** A gateway that takes one token. */
function client(token: string | undefined, renewed: string | undefined, taken: string) {
  const sent: string[] = [];
  const made = createClient({ token: () => token, renew: () => Promise.resolve(renewed) }, (path, { method, headers = {}, body } = {}) => {
    sent.push(`${method ?? ''} ${path} ${headers['authorization'] ?? ''}${body === undefined ? '' : ` ${JSON.stringify(body)}`}`);
    return headers['authorization'] === `Bearer ${taken}` ? Promise.resolve(new Response('{"ok":true}')) : refused();
  });
  return { made, sent };
}

describe('the client', () => {
  it('repeats a request once with a new token', async () => {
    const { made, sent } = client('old', 'new', 'new');
    expect(await made.call('jobs.get', { path: { id: 'job_1' } })).toEqual({ ok: true });
    expect(sent).toEqual(['GET /admin/v1/jobs/job_1 Bearer old', 'GET /admin/v1/jobs/job_1 Bearer new']);
  });

  it('sends what an operation takes, and gives up when it is told to', async () => {
    const { made, sent } = client('old', undefined, 'old');
    await made.call('jobs.cancel', { path: { id: 'job 1' }, body: { reason: 'why' } });
    await made.call('jobs.list', { query: { status: 'running', cursor: undefined } });
    expect(sent).toEqual([
      'POST /admin/v1/jobs/job%201/cancel Bearer old {"reason":"why"}',
      'GET /admin/v1/jobs?status=running Bearer old',
    ]);
    const leaving = new AbortController();
    const signals: (AbortSignal | undefined)[] = [];
    const other = createClient({ token: () => 'old', renew: () => Promise.resolve(undefined) }, (_path, { signal } = {}) => {
      signals.push(signal);
      return Promise.resolve(new Response('{}'));
    });
    await other.call('jobs.list', {}, { signal: leaving.signal });
    await other.stream('jobEvents.events', { path: { id: 'job_1' } }, { signal: leaving.signal });
    expect(signals).toEqual([leaving.signal, leaving.signal]);
  });

  it('does not go on for ever, and asks nothing without a session', async () => {
    const stubborn = client('old', 'new', 'other');
    await expect(stubborn.made.call('jobs.list', {})).rejects.toMatchObject({ status: 401 });
    expect(stubborn.sent).toHaveLength(2);
    const over = client('old', undefined, 'other');
    await expect(over.made.call('jobs.list', {})).rejects.toMatchObject({ status: 401 });
    expect(over.sent).toHaveLength(1);
    const nobody = client(undefined, undefined, 'other');
    await expect(nobody.made.call('jobs.list', {})).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(nobody.sent).toEqual([]);
  });
});

describe('problems', () => {
  it('tell code, message, request id and fields', async () => {
    const body = {
      code: 'invalid_argument',
      detail: 'to: is required',
      request_id: 'req_1',
      errors: [{ pointer: '/to', detail: 'is required' }],
    };
    const problem = await problemOf(new Response(JSON.stringify(body), { status: 400 }));
    expect(problem).toMatchObject({
      status: 400,
      code: 'invalid_argument',
      message: 'to: is required',
      requestId: 'req_1',
      errors: body.errors,
    });
  });

  it.each(['', '<html>', '[]', '"x"', '{"code":7,"errors":"none"}'])('are made of any answer: %j', async (body) => {
    const problem = await problemOf(new Response(body, { status: 502, headers: { 'x-request-id': 'req_2' } }));
    expect(problem).toMatchObject({ status: 502, code: 'http_502', requestId: 'req_2', errors: [], passing: true });
  });

  it('are made of anything thrown', () => {
    expect(asProblem(new Error('odd'))).toMatchObject({ code: 'client_error', message: 'odd' });
  });
});
