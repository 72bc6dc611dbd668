// Real: Postgres, NATS, the gateway's HTTP server with every route it has; what is sent are bytes, as no HTTP client sends them.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { testDatabase, testFolder, testMessaging, type TestDatabase, type TestMessaging } from '@fairlead/testing';
import { migrations } from '../index.js';
import { startGateway, type TestGateway } from '../testing/gateway.js';
import { exchange, head, problemOf } from './raw.fixture.js';

const canary = 'what no file of the UI holds';
const page = '<!doctype html><title>the page</title>';

let database: TestDatabase;
let nats: TestMessaging;
let gateway: TestGateway;
let token: string;
let port: number;

beforeAll(async () => {
  const folder = testFolder('attacks');
  mkdirSync(join(folder, 'ui'));
  writeFileSync(join(folder, 'ui', 'index.html'), page);
  for (const name of ['canary.html', 'canary.json']) writeFileSync(join(folder, name), canary);
  [database, nats] = await Promise.all([testDatabase({ service: 'api-gateway', migrations }), testMessaging()]);
  gateway = await startGateway({ database, nats }, { ADMIN_UI_DIR: join(folder, 'ui') });
  token = await gateway.token('admin');
  port = Number(new URL(gateway.service.httpUrl).port);
}, 120_000);

afterAll(async () => {
  await gateway.stop();
  await Promise.all([database.drop(), nats.close()]);
});

// Whatever was sent, the gateway goes on, has asked nobody anything on its behalf, and has not failed.
afterEach(async () => {
  expect((await gateway.call('GET', '/admin/v1/users', { token })).status).toBe(200);
  expect(gateway.peers.calls).toEqual([]);
  expect(gateway.lines.splice(0).filter((line) => line.includes('"level":"error"'))).toEqual([]);
});

const send = (...parts: (string | Buffer)[]) => exchange(port, ...parts);
const get = (path: string, ...headers: string[]) => head(`GET ${path} HTTP/1.1`, 'Host: x', ...headers);
const bearer = () => `Authorization: Bearer ${token}`;
/** What an attacker would have somebody else's connection ask. */
const smuggled = () => get('/admin/v1/users?limit=7', bearer());
const post = (...headers: string[]) =>
  head('POST /admin/v1/tenants HTTP/1.1', 'Host: x', bearer(), 'Content-Type: application/json', 'Idempotency-Key: k', ...headers);

describe('a request within a request', () => {
  it.each<[string, () => string]>([
    ['a length and chunks', () => post('Content-Length: 4', 'Transfer-Encoding: chunked') + '0\r\n\r\n'],
    ['chunks and a length', () => post('Transfer-Encoding: chunked', 'Content-Length: 4') + '0\r\n\r\n'],
    ['two lengths', () => post('Content-Length: 2', 'Content-Length: 40') + '{}'],
    ['a list of lengths', () => post('Content-Length: 2, 40') + '{}'],
    ['a negative length', () => post('Content-Length: -1') + '{}'],
    ['a signed length', () => post('Content-Length: +2') + '{}'],
    ['a hexadecimal length', () => post('Content-Length: 0x2') + '{}'],
    ['a length too large to count', () => post('Content-Length: 99999999999999999999999') + '{}'],
    ['an unknown coding last', () => post('Transfer-Encoding: chunked, identity') + '0\r\n\r\n'],
    ['a coding that is none', () => post('Transfer-Encoding: xchunked') + '0\r\n\r\n'],
    ['a space before the colon', () => post('Transfer-Encoding : chunked') + '0\r\n\r\n'],
    ['a size that is none', () => post('Transfer-Encoding: chunked') + 'zz\r\n{}\r\n0\r\n\r\n'],
    ['a size too large to count', () => post('Transfer-Encoding: chunked') + 'fffffffffffffffff\r\n{}\r\n0\r\n\r\n'],
    ['a line feed alone after a size', () => post('Transfer-Encoding: chunked') + '2\n{}\r\n0\r\n\r\n'],
  ])('with %s is refused, and nobody is answered for it', async (_, text) => {
    const replies = await send(text() + smuggled());
    expect(problemOf(replies)).toMatchObject({ status: 400, code: 'invalid_argument' });
    expect(replies[0]?.head).toContain('connection: close');
  });
});

describe('headers', () => {
  it.each<[string, string]>([
    ['a name with a space', 'X Header: a'],
    ['no colon', 'XHeader'],
    ['a zero byte', 'X-Header: a\0b'],
    ['a carriage return alone', 'X-Header: a\rSet-Cookie: b'],
    ['a control character in a name', 'X-\u0001: a'],
  ])('with %s are refused', async (_, header) => {
    expect(problemOf(await send(get('/admin/v1/users', bearer(), header, 'Connection: close')))).toMatchObject({ status: 400 });
  });

  it('that are too many or too large are refused', async () => {
    const many = Array.from({ length: 1_000 }, (_, n) => `x-${String(n)}: ${'y'.repeat(20)}`);
    for (const headers of [many, [`x-big: ${'y'.repeat(20_000)}`], [`cookie: ${'a=b; '.repeat(5_000)}`]])
      expect(problemOf(await send(get('/admin/v1/users', bearer(), ...headers)))).toMatchObject({ status: 431, code: 'too_large' });
    expect(problemOf(await send(get(`/admin/v1/${'x'.repeat(20_000)}`, bearer())))).toMatchObject({ status: 431 });
  });

  it.each(['a%0d%0aset-cookie:%20x=y', 'a\tb', 'a"b', 'x'.repeat(129), 'a\u00ffb', '<script>', 'a\r\n set-cookie: x=y'])(
    'are not sent back as they came: %j',
    async (value) => {
      const [reply] = await send(
        Buffer.from(get('/health', `X-Request-Id: ${value}`, `X-Correlation-Id: ${value}`, 'Connection: close'), 'latin1'),
      );
      expect([200, 400]).toContain(reply?.status);
      expect(reply?.head).toMatch(/\r\nx-request-id: req_[0-9a-f]{32}\r\n/);
      expect(reply?.head).not.toContain('set-cookie');
      expect(reply?.head).not.toContain(value);
    },
  );

  it('that would make a request another one are ignored', async () => {
    const others = [
      'X-HTTP-Method-Override: DELETE',
      'X-Original-URL: /metrics',
      'X-Rewrite-URL: /metrics',
      'X-Forwarded-Host: evil.example',
    ];
    const [reply] = await send(get('/admin/v1/users', bearer(), ...others, 'Connection: close'));
    expect([reply?.status, reply?.head.includes('evil'), reply?.body.includes('items')]).toEqual([200, false, true]);
  });

  it('with a token in a cookie, a query or twice tell nobody who calls', async () => {
    for (const [path, ...headers] of [
      ['/admin/v1/users', 'Authorization: Bearer x', bearer()],
      ['/admin/v1/users', `Cookie: fairlead_session=${token}; authorization=${token}`],
      [`/admin/v1/users?access_token=${token}`],
    ] as const)
      expect(problemOf(await send(get(path, ...headers, 'Connection: close')))).toMatchObject({ status: 401 });
    expect(gateway.lines.join('')).not.toContain(token);
  });
});

describe('paths that lead elsewhere', () => {
  it.each([
    '/../canary.html',
    '/..%2fcanary.html',
    '/%2e%2e/canary.html',
    '/%2e%2e%2fcanary.html',
    '/..%5ccanary.html',
    '/..\\canary.html',
    '/assets/../../canary.json',
    '/assets/..%2f..%2fcanary.json',
    '/%252e%252e%252fcanary.html',
    '//canary.html',
    '/..;/canary.html',
    '/canary.html%00.html',
    '/%c0%ae%c0%ae/canary.html',
    '/index.html/../../canary.html',
    'http://x/../canary.html',
    'file:///etc/passwd',
    '/etc/passwd',
    '*',
  ])('give nothing away: %s', async (path) => {
    for (const accept of ['*/*', 'text/html']) {
      const [reply, more] = await send(get(path, `Accept: ${accept}`, 'Connection: close'));
      expect(more).toBeUndefined();
      expect([200, 400, 404]).toContain(reply?.status);
      expect(reply?.body).not.toMatch(/what no file|root:/);
      if (reply?.status === 200) expect(reply.body).toContain(page);
      else expect(reply?.head).toContain('application/problem+json');
    }
  });

  it.each(['..', '%2e%2e', '..%2fusers', 'x%2f..%2f..%2fusers', '%2e%2e%2fusers', 'x%00', 'x%0d%0aset-cookie:x', '%', '%zz'])(
    'are no tenant: %s',
    async (name) => {
      expect([400, 404]).toContain(
        problemOf(await send(get(`/admin/v1/tenants/${name}`, bearer(), 'X-Tenant-Id: x', 'Connection: close')))['status'],
      );
    },
  );
});
