// The UI's files from a real folder through a real HTTP server.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTokenVerifier, generateSigningKey } from '@fairlead/auth';
import { createLogger, createMetrics } from '@fairlead/telemetry';
import { ProblemFilter } from './problems.js';
import { createEdge } from './server.js';
import { loadUi, serveUi } from './ui.js';

@Module({})
class Nothing {}

const html = '<!doctype html><title>Fairlead</title>';
const script = `export const answer = ${'1 + '.repeat(100)} 1;`;
let folder: string;
const running: NestFastifyApplication[] = [];

async function start(uiFolder: string): Promise<string> {
  const { publicJwk } = await generateSigningKey('api-gateway');
  const logger = createLogger({ service: 'api-gateway', level: 'silent' });
  const registry = createMetrics({ service: 'api-gateway', version: '0', gitSha: 'x', processMetrics: false });
  const verifier = createTokenVerifier({ jwks: { keys: [publicJwk] } });
  const adapter = createEdge({
    logger,
    registry,
    verifier,
    exchange: (bearer) => Promise.resolve(bearer),
    callersNow: (signed) => Promise.resolve(signed),
    auditGate: { check: () => Promise.resolve() },
    recordRead: () => Promise.resolve(),
  });
  const app = await NestFactory.create<NestFastifyApplication>(Nothing, adapter, { logger: false, abortOnError: false });
  app.useGlobalFilters(new ProblemFilter(logger));
  serveUi(app.getHttpAdapter().getInstance(), await loadUi(uiFolder));
  await app.listen(0, '127.0.0.1');
  running.push(app);
  const { port } = app.getHttpServer().address() as { port: number };
  return `http://127.0.0.1:${port}`;
}

interface Raw {
  status: number;
  headers: Record<string, string | undefined>;
  body: Buffer;
}

/** Sends a path as it is, and leaves the answer as it came. */
function send(url: string, path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Raw> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    request({ hostname, port, path, headers, method }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers as Raw['headers'], body: Buffer.concat(chunks) });
      });
    })
      .once('error', reject)
      .end();
  });
}

const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
let url: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ui-'));
  const dist = join(folder, 'dist');
  mkdirSync(join(dist, 'assets'), { recursive: true });
  writeFileSync(join(folder, 'secret.js'), 'outside');
  writeFileSync(join(dist, 'index.html'), html);
  writeFileSync(join(dist, '.stamp'), 'stamp');
  writeFileSync(join(dist, 'assets/index-1a2b.js'), script);
  writeFileSync(join(dist, 'assets/index-1a2b.js.gz'), gzipSync(script));
  writeFileSync(join(dist, 'assets/index-1a2b.js.br'), brotliCompressSync(script));
  url = await start(dist);
});

afterAll(async () => {
  await Promise.all(running.map((app) => app.close()));
  rmSync(folder, { recursive: true });
});

describe('the admin UI', () => {
  it.each(['/', '/tenants', '/tenants/acme?dialog=migrate', '/administration'])('is the page at %s, for a browser', async (path) => {
    const { status, headers, body } = await send(url, path, browser);
    expect([status, headers['content-type'], headers['cache-control']]).toEqual([200, 'text/html; charset=utf-8', 'no-cache']);
    expect(body.toString()).toBe(html);
    expect(headers['content-security-policy']).toContain("default-src 'self'");
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(headers['content-security-policy']).not.toContain('unsafe');
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  it('sends hashed files for ever, in the smallest form that is taken', async () => {
    const path = '/assets/index-1a2b.js';
    const forms: [string, string | undefined, (body: Buffer) => Buffer][] = [
      ['gzip, deflate, br', 'br', brotliDecompressSync],
      ['gzip;q=0.8, br;q=0', 'gzip', gunzipSync],
      ['identity', undefined, (body) => body],
    ];
    for (const [taken, encoding, decode] of forms) {
      const { status, headers, body } = await send(url, path, { 'accept-encoding': taken });
      expect([status, headers['content-encoding'], decode(body).toString()]).toEqual([200, encoding, script]);
      expect(headers).toMatchObject({
        'content-type': 'text/javascript; charset=utf-8',
        'cache-control': 'public, max-age=31536000, immutable',
        vary: 'accept-encoding',
      });
    }
  });

  it('answers that nothing has changed, with the headers it would send, and HEAD without a body', async () => {
    const { headers } = await send(url, '/', browser);
    const etag = headers['etag'] ?? '';
    // Of the content, however it is compressed.
    expect(etag).toMatch(/^W\/"[\w-]{22}"$/);
    for (const known of [etag, etag.slice(2), `"other", ${etag}`, '*']) {
      const again = await send(url, '/', { ...browser, 'if-none-match': known });
      expect([known, again.status, again.body.length]).toEqual([known, 304, 0]);
      for (const name of ['etag', 'vary', 'cache-control', 'content-security-policy', 'x-content-type-options']) {
        expect([name, again.headers[name]]).toEqual([name, headers[name]]);
      }
    }
    for (const other of ['"other"', `"x${etag.slice(3)}`, `${etag.slice(2, -1)}x"`]) {
      expect((await send(url, '/', { ...browser, 'if-none-match': other })).status).toBe(200);
    }
    const head = await send(url, '/', browser, 'HEAD');
    expect([head.status, head.body.length]).toEqual([200, 0]);
  });

  it('names all forms of a file alike', async () => {
    const etags = await Promise.all(
      ['br', 'gzip', 'identity'].map(
        async (taken) => (await send(url, '/assets/index-1a2b.js', { 'accept-encoding': taken })).headers['etag'],
      ),
    );
    expect(new Set(etags).size).toBe(1);
    expect(etags[0]).toMatch(/^W\//);
  });

  it.each(['/admin/v1/nowhere', '/admin', '/platform/v1/nowhere', '/assets/gone-1a2b.js', '/.well-known/nowhere'])(
    'is not what a browser gets at %s',
    async (path) => {
      const { status, headers, body } = await send(url, path, browser);
      expect([status, headers['content-type']]).toEqual([404, 'application/problem+json; charset=utf-8']);
      expect(JSON.parse(body.toString())).toMatchObject({ code: 'not_found' });
    },
  );

  it('is not what a program gets, nor a POST', async () => {
    expect((await send(url, '/tenants', { accept: '*/*' })).status).toBe(404);
    expect((await send(url, '/tenants', browser, 'POST')).status).toBe(404);
  });

  it.each([
    '/../secret.js',
    '/assets/../../secret.js',
    '/..%2fsecret.js',
    '/assets/%2e%2e/%2e%2e/secret.js',
    '/.stamp',
    '/index.html%00.js',
  ])('gives nothing else away at %s', async (path) => {
    const { status, body } = await send(url, path);
    expect([path, status]).toEqual([path, 404]);
    expect(body.toString()).not.toMatch(/outside|^stamp/);
  });

  it('says so when it is not built, where a page is asked for', async () => {
    const bare = await start(join(folder, 'nowhere'));
    const { status, body } = await send(bare, '/', browser);
    expect(status).toBe(503);
    expect(JSON.parse(body.toString())).toMatchObject({ code: 'unavailable', detail: expect.stringContaining('not built') });
    expect((await send(bare, '/nowhere')).status).toBe(404);
  });
});
