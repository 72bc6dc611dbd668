// The edge alone, as a real HTTP server with its real hooks, tokens and log; routes of its own stand in for the API's.
import { once } from 'node:events';
import { connect } from 'node:net';
import { request as httpRequest } from 'node:http';
import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { FairleadError } from '@fairlead/contracts';
import { createLogger, createTracing, currentContext, type Registry } from '@fairlead/telemetry';
import { eventually, otlpReceiver } from '@fairlead/testing';
import { Public, RequirePermission } from './access.js';
import { opaqueId, revisionNumber } from './parse.js';
import { startEdge } from './server.fixture.js';

const noteBody = z.strictObject({ note: z.string().max(10, 'is too long') });
const plannedBody = z.strictObject({ plan_digest: opaqueId, deep: z.strictObject({ known: z.string() }).optional() });

@Controller('t')
class Routes {
  @Get('open')
  @Public()
  open() {
    return { ok: true };
  }

  @Get('closed')
  @RequirePermission('job.read')
  closed() {
    return { principal: currentContext()?.principal, bearer: currentContext()?.bearer === undefined ? 'none' : 'passed on' };
  }

  @Post('admin')
  @RequirePermission('identity.manage')
  admin(@Body({ schema: noteBody }) body: z.output<typeof noteBody>) {
    return { note: body.note, request_id: currentContext()?.requestId };
  }

  @Post('open')
  @Public()
  note(@Body({ schema: noteBody }) body: z.output<typeof noteBody>) {
    return body;
  }

  @Post('planned')
  @Public()
  planned(@Body({ schema: plannedBody }) body: z.output<typeof plannedBody>) {
    return body;
  }

  @Get('revisions/:revision')
  @Public()
  revision(@Param('revision', { schema: revisionNumber }) revision: number) {
    return { revision };
  }

  @Post('failing')
  @RequirePermission('job.read')
  failing() {
    throw new Error('password=hunter2');
  }

  @Get('limited')
  @Public()
  limited() {
    throw new FairleadError('rate_limited', 'slower', { details: { retry_after_seconds: 7 } });
  }

  @Get('broken')
  @Public()
  broken() {
    throw Object.assign(new Error('the inside'), { parameters: ['hunter2-parameter'] });
  }
}

@Controller('forgotten')
class Forgotten {
  @Get('one')
  one() {
    return {};
  }
}

describe('the edge', () => {
  let stop: () => Promise<void>;
  let url: string;
  let port: number;
  let lines: string[];
  let registry: Registry;
  let token: (roles: ('viewer' | 'admin')[], seconds?: number) => Promise<string>;

  beforeAll(async () => {
    const started = await startEdge([Routes]);
    ({ url, port, lines, registry, token } = started);
    stop = () => started.app.close();
  });
  afterAll(() => stop());

  const send = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`${url}${path}`, init);
    return { response, body: (await response.json()) as Record<string, unknown> };
  };
  const json = (body: unknown, headers: Record<string, string> = {}): RequestInit => ({
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

  it('answers a public route without a token', async () => {
    expect((await send('/t/open')).body).toEqual({ ok: true });
  });

  it('asks for a token, a valid one, with the permission', async () => {
    const none = await send('/t/closed');
    expect(none.response.headers.get('www-authenticate')).toContain('Bearer');
    expect(none.body).toMatchObject({ status: 401, code: 'unauthenticated' });
    for (const authorization of ['Bearer nonsense', 'Basic YTpi', 'Bearer', `Bearer ${await token(['admin'], -60)}`]) {
      expect((await send('/t/closed', { headers: { authorization } })).body).toMatchObject({ status: 401 });
    }
    const viewer = { authorization: `Bearer ${await token(['viewer'])}` };
    expect((await send('/t/closed', { headers: viewer })).body).toEqual({ principal: 'user:usr_1', bearer: 'passed on' });
    expect((await send('/t/admin', json({ note: 'x' }, viewer))).body).toMatchObject({
      status: 403,
      code: 'permission_denied',
      details: { permission: 'identity.manage' },
    });
  });

  it('refuses the caller before it reads the body', async () => {
    expect((await send('/t/admin', json('{broken'))).response.status).toBe(401);
  });

  it('keeps the context through the reading of a body', async () => {
    const headers = { authorization: `Bearer ${await token(['admin'])}`, 'x-request-id': 'req-body' };
    expect((await send('/t/admin', json({ note: 'x' }, headers))).body).toEqual({ note: 'x', request_id: 'req-body' });
  });

  it('returns the ids it was given on every answer, and makes missing or malformed ones', async () => {
    const ids = { 'x-request-id': 'req-7', 'x-correlation-id': 'cor-7', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
    for (const path of ['/t/open', '/t/closed', '/nowhere', '/t/broken', '/%zz']) {
      const { response } = await send(path, { headers: ids });
      for (const [name, value] of Object.entries(ids)) expect([path, name, response.headers.get(name)]).toEqual([path, name, value]);
    }
    const { response, body } = await send('/t/closed', { headers: { 'x-request-id': 'not an id' } });
    expect(response.headers.get('x-request-id')).toMatch(/^req_[0-9a-f]{32}$/);
    expect(body['request_id']).toBe(response.headers.get('x-request-id'));
    expect(response.headers.get('x-correlation-id')).toMatch(/^cor_/);
  });

  it('does not let a caller claim a job, a step or a tenant', async () => {
    const { response } = await send('/t/open', {
      headers: { 'x-job-id': 'job_1', 'x-job-step': 'drain', 'x-tenant-id': 'acme', 'x-request-id': 'req-claim' },
    });
    for (const name of ['x-job-id', 'x-job-step', 'x-tenant-id']) expect(response.headers.get(name)).toBeNull();
    expect(lines.filter((line) => line.includes('req-claim')).join('')).not.toMatch(/job_1|acme/);
  });

  it('answers what the framework refuses as problems', async () => {
    const large = JSON.stringify({ note: 'x'.repeat(1_100_000) });
    const cases: [string, RequestInit, number, string][] = [
      ['/nowhere?password=hunter2', {}, 404, 'not_found'],
      ['/t/open', { method: 'DELETE' }, 404, 'not_found'],
      ['/t/open', json('{"note":'), 400, 'invalid_argument'],
      ['/t/open', json('{"__proto__":{"a":1}}'), 400, 'invalid_argument'],
      ['/t/open', json(large), 413, 'too_large'],
      ['/t/open', json('note=x', { 'content-type': 'application/x-www-form-urlencoded' }), 415, 'unsupported_media_type'],
      ['/t/open', json('note', { 'content-type': 'text/plain' }), 415, 'unsupported_media_type'],
      ['/%zz', {}, 400, 'invalid_argument'],
      ['/t/broken', {}, 500, 'internal'],
    ];
    for (const [path, init, status, code] of cases) {
      const { response, body } = await send(path, init);
      expect([path, response.status, response.headers.get('content-type')]).toEqual([
        path,
        status,
        'application/problem+json; charset=utf-8',
      ]);
      expect(body).toMatchObject({ type: `urn:fairlead:problem:${code}`, status, code, request_id: response.headers.get('x-request-id') });
      expect(Object.keys(body)).toEqual(expect.arrayContaining(['title', 'detail']));
      expect(JSON.stringify(body)).not.toMatch(/hunter2|the inside/);
    }
  });

  it('names every field at fault and no value', async () => {
    const { body } = await send('/t/open', json({ note: 'hunter2-too-long', other: 1 }));
    expect(body).toMatchObject({ status: 400, code: 'invalid_argument' });
    expect(body['errors']).toEqual(expect.arrayContaining([{ pointer: '/note', detail: 'is too long' }]));
    expect(JSON.stringify(body)).not.toContain('hunter2');
    expect(body['errors']).toContainEqual({ pointer: '/other', detail: 'is not known' });
    expect((await send('/t/open', json(''))).body).toMatchObject({ status: 400, errors: [expect.objectContaining({ pointer: '/note' })] });
  });

  it('tells each field that is not known, one that is missing, and a number that is none', async () => {
    const { body } = await send('/t/planned', json({ deep: { known: 'x', 'a/b': 1 }, one: 1, two: 2 }));
    expect(body['errors']).toEqual(
      expect.arrayContaining([
        { pointer: '/plan_digest', detail: 'is required' },
        { pointer: '/deep/a~1b', detail: 'is not known' },
        { pointer: '/one', detail: 'is not known' },
        { pointer: '/two', detail: 'is not known' },
      ]),
    );
    expect(JSON.stringify(body)).not.toContain('nrecognized');
    const malformed = { errors: [{ pointer: '/plan_digest', detail: 'is not an id' }] };
    expect((await send('/t/planned', json({ plan_digest: 7 }))).body).toMatchObject(malformed);
    expect((await send('/t/revisions/-1')).body).toMatchObject({
      errors: [{ pointer: '/revision', detail: 'is not a revision: it must be a whole number from 0 on' }],
    });
  });

  it('tells how long to wait', async () => {
    const { response } = await send('/t/limited');
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '7']);
  });

  it('sends security headers with every answer', async () => {
    for (const path of ['/t/open', '/nowhere']) {
      const { headers } = (await send(path)).response;
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(headers.get('cache-control')).toBe('no-store');
    }
  });

  it('measures by route, not by path', async () => {
    await send('/nowhere/secret-path');
    const text = await registry.metrics();
    expect(text).toMatch(/fairlead_http_request_duration_seconds_count\{method="GET",route="\/t\/open",status="200"\} \d+/);
    expect(text).toContain('route="unmatched",status="404"');
    expect(text).not.toContain('secret-path');
  });

  it('writes one access-log line with the ids, and never a token, a cookie, a query or a body', async () => {
    const secret = await token(['admin']);
    const headers = {
      authorization: `Bearer ${secret}`,
      cookie: 'sid=hunter2-cookie',
      'x-request-id': 'req-log',
      'x-correlation-id': 'cor-log',
    };
    await send('/t/admin?q=hunter2-query', json({ note: 'hunter2' }, headers));
    await send('/t/broken?q=hunter2-query', { headers });
    const own = lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter((line) => line['request_id'] === 'req-log');
    expect(own.filter((line) => line['msg'] === 'request')).toMatchObject([
      {
        method: 'POST',
        route: '/t/admin',
        status: 201,
        correlation_id: 'cor-log',
        principal: 'user:usr_1',
        duration_ms: expect.any(Number),
      },
      { method: 'GET', route: '/t/broken', status: 500, correlation_id: 'cor-log' },
    ]);
    expect(own.find((line) => line['msg'] === 'a request failed')).toMatchObject({ reason: 'the inside' });
    const all = lines.join('');
    for (const part of [secret, secret.split('.')[2] ?? '', 'hunter2', 'Bearer ']) expect(all).not.toContain(part);
  });

  it('counts a client that hangs up in the middle of its body as gone, not as a failure of ours', async () => {
    const before = lines.length;
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write('POST /t/open HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"no');
    socket.end();
    const told = await eventually(() => lines.slice(before).find((line) => line.includes('"aborted":true')), {
      what: 'the request to be logged',
    });
    expect(JSON.parse(told)).toMatchObject({ route: '/t/open', aborted: true });
    expect(lines.slice(before).filter((line) => line.includes('"level":"error"'))).toEqual([]);
    expect(await registry.metrics()).toContain('{method="POST",route="/t/open",status="499"} 1');
  });

  it.each([
    ['headers that are too large', `GET /t/open HTTP/1.1\r\nHost: x\r\nX-Big: ${'y'.repeat(20_000)}\r\n\r\n`, 431, 'too_large'],
    ['a request line that is none', 'NONSENSE\r\n\r\n', 400, 'invalid_argument'],
    ['a header that is none', 'GET /t/open HTTP/1.1\r\nHost: x\r\nno header\r\n\r\n', 400, 'invalid_argument'],
  ])('answers %s with a problem', async (_, text, status, code) => {
    const before = lines.length;
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    socket.write(text);
    await once(socket, 'close');
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(head).toContain('content-type: application/problem+json; charset=utf-8');
    expect(head).toContain('x-content-type-options: nosniff');
    const problem = JSON.parse(body) as { request_id: string };
    expect(problem).toMatchObject({ status, code, type: `urn:fairlead:problem:${code}`, detail: expect.any(String) });
    expect(head).toContain(`x-request-id: ${problem.request_id}`);
    const told = lines.slice(before).filter((line) => line.includes(problem.request_id));
    expect(told.length).toBeGreaterThan(0);
    expect(told.join('')).not.toMatch(/yyy|NONSENSE/);
  });

  it('answers a request that is not HTTP, and goes on', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const raw = httpRequest(
        { port, host: '127.0.0.1', path: '/t/open', headers: { 'content-length': '5', 'x-big': 'y'.repeat(20_000) } },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      );
      raw.once('error', reject);
      raw.end('12345');
    });
    expect(status).toBe(431);
    expect((await send('/t/open')).response.status).toBe(200);
  });
});

describe('a route without a declared permission', () => {
  it('does not boot', async () => {
    await expect(startEdge([Routes, Forgotten])).rejects.toThrow('routes without a declared permission: GET /forgotten/one');
  });
});

describe('the span of a request', () => {
  it('goes on with the trace of the caller, and tells the route, the status and nothing that was typed', async () => {
    const receiver = await otlpReceiver();
    const logger = createLogger({ service: 'api-gateway', level: 'fatal' });
    const tracing = createTracing({ service: 'api-gateway', version: '1', logger, endpoint: `${receiver.url}/v1/traces` });
    const { app, url, token } = await startEdge([Routes], tracing);
    try {
      const headers = {
        'content-type': 'application/json',
        authorization: `Bearer ${await token(['admin'])}`,
        traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
      };
      const post = (path: string, more: Record<string, string> = {}) =>
        fetch(`${url}${path}`, { method: 'POST', headers: { ...headers, ...more }, body: '{"note":"hunter2"}' });
      const answered = await post('/t/admin?password=hunter2');
      expect([(await post('/t/failing')).status, (await post('/hunter2')).status]).toEqual([500, 404]);
      expect((await post('/t/admin', { authorization: 'Bearer hunter2' })).status).toBe(401);
      for (const path of ['/t/open', '/t/broken']) await fetch(`${url}${path}`, { headers });
      await post('/t/open', { traceparent: '' });
      await app.close();
      await tracing.close();
      const told = receiver.spans.map((span) => [
        span.name,
        span.attributes['http.route'],
        span.attributes['http.response.status_code'],
        span.status,
      ]);
      expect(told).toEqual([
        ['POST /t/admin', '/t/admin', 201, 'unset'],
        ['POST /t/failing', '/t/failing', 500, 'error'],
        ['POST', undefined, 404, 'unset'],
        ['POST /t/admin', '/t/admin', 401, 'unset'],
        ['POST /t/open', '/t/open', 201, 'unset'],
      ]);
      const [first] = receiver.spans;
      expect(first).toMatchObject({ service: 'api-gateway', kind: 'server', traceId: 'a'.repeat(32), parentSpanId: 'b'.repeat(16) });
      expect(answered.headers.get('traceparent')).toBe(`00-${'a'.repeat(32)}-${first?.spanId ?? ''}-01`);
      expect(receiver.spans.at(-1)?.parentSpanId).toBeUndefined();
      expect(JSON.stringify(receiver.spans.map(({ name, attributes, events }) => ({ name, attributes, events })))).not.toContain('hunter2');
    } finally {
      await app.close();
      await receiver.close();
    }
  });
});
