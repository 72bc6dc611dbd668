// Real: Postgres, NATS, the gateway's HTTP server with every route it has. Bodies that are too large, too slow, too deep or of the wrong kind.
import { randomBytes, randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { jobsV1 } from '@fairlead/contracts';
import { startHttpStage, type HttpStage } from '../testing/http-stage.js';
import { exchange, head, problemOf } from './raw.fixture.js';

let stage: HttpStage;
let port: number;

beforeAll(async () => {
  stage = await startHttpStage();
  port = Number(new URL(stage.gateway.service.httpUrl).port);
}, 120_000);

afterAll(() => stage.stop());

afterEach(async () => {
  expect((await stage.gateway.call('GET', '/admin/v1/users', { token: await stage.gateway.token('admin') })).status).toBe(200);
  expect(stage.gateway.lines.splice(0).filter((line) => line.includes('"level":"error"'))).toEqual([]);
  stage.reset();
});

const path = '/admin/v1/schedules';
const request = (...headers: string[]) =>
  head(`POST ${path} HTTP/1.1`, 'Host: x', `Authorization: Bearer ${stage.admin}`, 'Idempotency-Key: k', 'Connection: close', ...headers);

async function post(body: string | Buffer, headers: Record<string, string> = {}) {
  const response = await fetch(`${stage.gateway.service.httpUrl}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${stage.admin}`, 'idempotency-key': randomUUID(), 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** A schedule with anything as its job's parameters. */
const schedule = (params: string, more = '') => `{"name":"x","kind":"reload","cron":"* * * * *","reason":"x","params":${params}${more}}`;
const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

describe('a body', () => {
  it.each<[string, () => string]>([
    ['says so', () => request('Content-Type: application/json', 'Content-Length: 2000000') + '{'],
    [
      'comes in chunks',
      () => request('Content-Type: application/json', 'Transfer-Encoding: chunked') + `200000\r\n${'x'.repeat(0x200000)}\r\n0\r\n\r\n`,
    ],
  ])('that is too large is refused when it %s', async (_, text) => {
    expect(problemOf(await exchange(port, text()))).toMatchObject({ status: 413, code: 'too_large' });
    expect(stage.gateway.peers.calls).toEqual([]);
  });

  it('is not unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    for (const encoding of ['gzip', 'deflate', 'br', 'gzip, gzip'])
      expect([400, 415]).toContain((await post(bomb, { 'content-encoding': encoding })).status);
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonx',
    'application/json-patch+json',
    'text/json',
    'x',
    'application/xml',
  ])('is JSON by its type, not %s', async (type) => {
    expect(await post(schedule('{}'), { 'content-type': type })).toMatchObject({ status: 415, body: { code: 'unsupported_media_type' } });
    expect(stage.gateway.peers.calls).toEqual([]);
  });

  it.each<[string, string | Buffer]>([
    ['of random bytes', randomBytes(1_000)],
    ['in UTF-16', Buffer.from(schedule('{}'), 'utf16le')],
    ['that ends early', schedule('{}').slice(0, -1)],
    ['with a comment', schedule('{/* a */}')],
    ['with NaN', schedule('{"a":NaN}')],
    ['of two values', schedule('{}') + schedule('{}')],
    ['that begins many lists', '['.repeat(500_000)],
    ['that begins many objects', '{"a":'.repeat(200_000)],
  ])('%s is not JSON', async (_, body) => {
    expect(await post(body)).toMatchObject({ status: 400, body: { code: 'invalid_argument' } });
    expect(stage.gateway.peers.calls).toEqual([]);
  });
});

describe('JSON', () => {
  it.each([25, 1_000, 100_000])('that is nested %i deep is refused, wherever it stands', async (depth) => {
    for (const body of [
      schedule(nested(depth)),
      schedule(`{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`),
      nested(depth),
      '['.repeat(depth) + ']'.repeat(depth),
    ])
      expect(await post(body)).toMatchObject({ status: 400, body: { code: 'invalid_argument', detail: expect.stringContaining('deep') } });
    expect(stage.gateway.peers.calls).toEqual([]);
  });

  it('may hold brackets in its texts, and be as deep as anything needs', async () => {
    stage.gateway.peers.answers = { createSchedule: () => ({ schedule: jobsV1.Schedule.fromPartial({}) }) };
    const params = JSON.parse(nested(22)) as Record<string, unknown>;
    const text = `${'['.repeat(1_000)}\\"{${'{'.repeat(1_000)}\\\\`;
    expect((await post(schedule(`{"deep":${nested(22)},"text":"${text}"}`))).status).toBe(201);
    expect(stage.gateway.peers.calls.map(({ request }) => (request as { params: unknown }).params)).toEqual([
      { deep: params, text: JSON.parse(`"${text}"`) as string },
    ]);
  });

  it.each([
    ['__proto__ among the parameters', schedule('{"__proto__":{"admin":true}}')],
    ['__proto__ beside them', schedule('{}', ',"__proto__":{"admin":true}')],
    ['__proto__ written otherwise', schedule('{"\\u005f_proto__":{"admin":true}}')],
    ['a prototype by its constructor', schedule('{"constructor":{"prototype":{"admin":true}}}')],
  ])('with %s is refused', async (_, body) => {
    expect(await post(body)).toMatchObject({ status: 400, body: { code: 'invalid_argument' } });
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
    expect(stage.gateway.peers.calls).toEqual([]);
  });

  it.each([
    ['a number beyond all', '"weight":1e400,"endpoints":[]'],
    ['a number with many digits', `"weight":${'9'.repeat(100_000)},"endpoints":[]`],
    ['a fraction', '"weight":1.5,"endpoints":[]'],
    ['a number as text', '"weight":"1","endpoints":[]'],
    ['a very long text', `"state":"${'x'.repeat(500_000)}","endpoints":[]`],
    ['a very long list', `"endpoints":[${'{},'.repeat(100_000)}{}]`],
    ['a text with a zero byte', '"labels":{"a":"\\u0000"},"endpoints":[]'],
    ['half a character', '"labels":{"a":"\\ud800"},"endpoints":[]'],
  ])('with %s is refused where it does not belong', async (_, fields) => {
    const response = await fetch(`${stage.gateway.service.httpUrl}/admin/v1/shards/runner/x`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${stage.admin}`, 'content-type': 'application/json' },
      body: `{${fields}}`,
    });
    expect(response.status).toBe(400);
    expect((await response.text()).length).toBeLessThan(20_000);
    expect(stage.gateway.peers.calls).toEqual([]);
  });
});

describe('a request that does not end', () => {
  it('is given up after its time, in its headers and in its body', async () => {
    const answers = await Promise.all([
      exchange(port, `GET ${path} HTTP/1.1\r\nHost: x\r\nX-Slow: `),
      exchange(port, 'GET'),
      exchange(port, request('Content-Type: application/json', 'Content-Length: 20') + '{"a":'),
      exchange(port, request('Content-Type: application/json', 'Transfer-Encoding: chunked') + '5\r\n{"a":\r\n'),
    ]);
    for (const replies of answers) expect(problemOf(replies)).toMatchObject({ status: 408, code: 'deadline_exceeded' });
    expect(stage.gateway.peers.calls).toEqual([]);
  }, 150_000);
});
