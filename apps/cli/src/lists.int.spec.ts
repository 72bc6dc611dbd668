import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { exitCodes } from './exit.js';
import { startStage, job, type Stage } from './gateway.fixture.js';

let stage: Stage;
let gateway: Stage['gateway'];
let run: Stage['run'];
let url: Stage['url'];

beforeEach(async () => {
  stage = await startStage();
  ({ gateway, run, url } = stage);
});

afterEach(() => stage.stop());

describe('lists', () => {
  const tenant = (n: number) => ({ tenant_id: `t${n}`, name: `T${n}`, placement: {}, created_at: null });

  it('reads page after page up to the limit, and tells how to go on', async () => {
    gateway.on('GET /admin/v1/tenants', ({ query }) => {
      const start = Number(query.get('cursor') ?? 0);
      const size = Math.min(Number(query.get('limit')), 200);
      return { body: { items: Array.from({ length: size }, (_, n) => tenant(start + n)), next_cursor: String(start + size) } };
    });
    const { out, err } = await run(['tenant', 'list', '--limit', '450']);
    expect(out.split('\n')).toHaveLength(452);
    expect(err).toBe('there are more: --cursor 450\n');
    expect(gateway.seen.map(({ query }) => [query.get('limit'), query.get('cursor')])).toEqual([
      ['200', null],
      ['200', '200'],
      ['50', '400'],
    ]);
    expect(JSON.parse((await run(['tenant', 'list', '--limit', '1', '-o', 'json'])).out)).toEqual({ items: [tenant(0)], next_cursor: '1' });
  });

  it('passes every filter of the trail and of jobs', async () => {
    gateway.on('GET /admin/v1/audit', { body: { items: [], next_cursor: null } });
    gateway.on('GET /admin/v1/jobs', { body: { items: [job('running')], next_cursor: null } });
    const filters = [
      '--from',
      '2026-11-01T00:00:00Z',
      '--principal',
      'user:usr_1',
      '--tenant',
      'acme',
      '--action',
      'job',
      '--request-id',
      'r',
      '--correlation-id',
      'c',
      '--trace-id',
      't',
      '--job',
      'job_1',
    ];
    expect((await run(['audit', 'list', ...filters])).exitCode).toBe(exitCodes.ok);
    expect(Object.fromEntries(gateway.seen[0]?.query ?? [])).toEqual({
      from: '2026-11-01T00:00:00.000Z',
      principal: 'user:usr_1',
      tenant: 'acme',
      action: 'job',
      request_id: 'r',
      correlation_id: 'c',
      trace_id: 't',
      job_id: 'job_1',
      limit: '100',
    });
    expect((await run(['job', 'list', '--status', 'running', '--kind', 'tenant-migrate', '--tenant', 'acme'])).out).toContain('job_1');
    expect(Object.fromEntries(gateway.of('GET /admin/v1/jobs')[0]?.query ?? [])).toEqual({
      status: 'running',
      kind: 'tenant-migrate',
      tenant: 'acme',
      limit: '100',
    });
  });
});

describe('wrong usage and absent gateways', () => {
  it.each([
    [['tenant', 'migrate', 'acme', '--to', 'r2']],
    [['tenant', 'migrate', 'acme', '--reason', 'x']],
    [['tenant', 'frobnicate']],
    [['job', 'list', '--status', 'asleep']],
    [['tenant', 'list', '-o', 'yaml']],
    [['tenant', 'list', '--limit', '0']],
    [['fleet', 'reload', 'nonsense', 's', '--reason', 'x']],
    [[]],
  ])('%j ends with the usage code and asks nobody', async (args) => {
    const { exitCode, err } = await run(args);
    expect(exitCode).toBe(exitCodes.usage);
    expect(err).not.toBe('');
    expect(gateway.seen).toEqual([]);
  });

  it('answers --help and --version everywhere', async () => {
    for (const args of [[], ['tenant'], ['tenant', 'migrate'], ['job', 'watch'], ['audit', 'list'], ['login']]) {
      const { exitCode, out } = await run([...args, '--help']);
      expect(exitCode).toBe(exitCodes.ok);
      expect(out).toContain('--url <url>');
    }
    expect((await run(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('tells when nobody is logged in, no gateway answers, or it is something else', async () => {
    expect(await run(['tenant', 'list'], { anonymous: true })).toMatchObject({
      exitCode: exitCodes.auth,
      err: expect.stringContaining('fairlead login --url http://127.0.0.1:7400'),
    });
    expect((await run(['tenant', 'list', '--url', 'ftp://x'])).exitCode).toBe(exitCodes.usage);
    gateway.on('GET /admin/v1/tenants', { body: '<html>', headers: { 'content-type': 'text/html' } });
    expect(await run(['tenant', 'list'])).toMatchObject({
      exitCode: exitCodes.failed,
      err: expect.stringContaining('does not answer like a Fairlead gateway'),
    });
    gateway.on('GET /admin/v1/tenants', { status: 302, headers: { location: 'http://127.0.0.1:1/' } });
    expect((await run(['tenant', 'list'])).exitCode).toBe(exitCodes.failed);
    await gateway.stop();
    expect(await run(['tenant', 'list'])).toMatchObject({
      exitCode: exitCodes.failed,
      err: `error: ${url} can't be reached (ECONNREFUSED)\n`,
    });
  });
});
