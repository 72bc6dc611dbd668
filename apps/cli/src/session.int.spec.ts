import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { exitCodes } from './exit.js';
import { job, problem, startStage, type Answer, type RunOptions, type Stage } from './gateway.fixture.js';

const cookie = 'fairlead_session=ses_1.secret';
const access = (token: string): Answer => ({ body: { access_token: token, token_type: 'Bearer', expires_in: 300 } });

let stage: Stage;
let gateway: Stage['gateway'];
let url: string;

const file = () => join(stage.dir, 'session.json');
const stored = () => JSON.parse(readFileSync(file(), 'utf8')) as Record<string, string>;
/** As whoever has logged in; six minutes later unless it says otherwise. */
const later = (args: string[], options: RunOptions = {}) => stage.run(args, { anonymous: true, now: '2026-11-01T10:06:00Z', ...options });
const tokens = (route: string) => gateway.of(route).map(({ headers }) => headers.authorization);

beforeEach(async () => {
  stage = await startStage();
  ({ gateway, url } = stage);
  gateway.on('POST /admin/v1/auth/login', { ...access('token-1'), headers: { 'set-cookie': `${cookie}; HttpOnly` } });
  gateway.on('POST /admin/v1/auth/refresh', access('token-2'));
  gateway.on('GET /admin/v1/auth/me', { body: { principal: 'user:usr_1', email: 'a@b.org', roles: [] } });
  await stage.run(['login', '--url', url, '--email', 'a@b.org', '--password-stdin'], { anonymous: true, input: 'x' });
});

afterEach(() => stage.stop());

describe('an access token', () => {
  it('that has ended is refreshed, and kept for the next command', async () => {
    expect((await later(['whoami'])).exitCode).toBe(exitCodes.ok);
    expect(gateway.of('POST /admin/v1/auth/refresh').map(({ headers }) => headers.cookie)).toEqual([cookie]);
    expect(stored()).toEqual({
      url,
      access_token: 'token-2',
      expires_at: '2026-11-01T10:11:00.000Z',
      email: 'a@b.org',
      session_cookie: cookie,
    });
    await later(['whoami']);
    expect(tokens('GET /admin/v1/auth/me')).toEqual(['Bearer token-2', 'Bearer token-2']);
    expect(gateway.of('POST /admin/v1/auth/refresh')).toHaveLength(1);
  });

  it('that is refused is refreshed once, and the request sent again, also one that is not repeated otherwise', async () => {
    gateway.on('POST /admin/v1/auth/password', ({ headers }) =>
      headers.authorization === 'Bearer token-2' ? { status: 204 } : problem(401, 'unauthenticated', 'The token has expired'),
    );
    const options = { now: '2026-11-01T10:01:00Z', input: 'old\nnew\n' };
    expect((await later(['password', '--password-stdin'], options)).exitCode).toBe(exitCodes.ok);
    expect(tokens('POST /admin/v1/auth/password')).toEqual(['Bearer token-1', 'Bearer token-2']);

    gateway.on('POST /admin/v1/auth/password', problem(401, 'unauthenticated', 'The user is gone'));
    expect((await later(['password', '--password-stdin'], options)).exitCode).toBe(exitCodes.auth);
    expect(gateway.of('POST /admin/v1/auth/password')).toHaveLength(4);
  });

  it('that ends while a job is watched does not end the watching', async () => {
    let opened = 0;
    gateway.on('GET /admin/v1/jobs/job_1', () => ({ body: job(opened < 2 ? 'running' : 'succeeded') }));
    gateway.on('GET /admin/v1/jobs/job_1/events', ({ headers }) => {
      if (headers.authorization !== 'Bearer token-2') return problem(401, 'unauthenticated', 'The token has expired');
      opened++;
      return { body: ': nothing new\n\n', headers: { 'content-type': 'text/event-stream' } };
    });
    expect((await later(['job', 'watch', 'job_1'], { now: '2026-11-01T10:01:00Z' })).exitCode).toBe(exitCodes.ok);
    expect(tokens('GET /admin/v1/jobs/job_1/events')).toEqual(['Bearer token-1', 'Bearer token-2', 'Bearer token-2']);
  });

  it('that several requests find ended is refreshed by one of them', async () => {
    gateway.on('GET /admin/v1/shards', { body: { items: [{ kind: 'runner', shard_id: 'runner-2' }] } });
    gateway.on('GET /admin/v1/tenants/acme', { body: { tenant_id: 'acme', placement: { runner: { shard: 'runner-1' } } } });
    gateway.on('POST /admin/v1/plan/tenant-migrate', problem(404, 'tenant_not_found', 'There is no tenant acme'));
    const { exitCode } = await later(['tenant', 'migrate', 'acme', '--to', 'runner-2', '--reason', 'test']);
    expect(exitCode).toBe(exitCodes.notFound);
    expect(gateway.of('POST /admin/v1/auth/refresh')).toHaveLength(1);
  });

  it('that another command has refreshed meanwhile is taken from the file', async () => {
    gateway.on('GET /admin/v1/auth/me', ({ headers }) => {
      if (headers.authorization === 'Bearer token-9') return { body: { principal: 'user:usr_1' } };
      writeFileSync(file(), JSON.stringify({ ...stored(), access_token: 'token-9' }));
      return problem(401, 'unauthenticated', 'The token has expired');
    });
    expect((await later(['whoami'], { now: '2026-11-01T10:01:00Z' })).exitCode).toBe(exitCodes.ok);
    expect(gateway.of('POST /admin/v1/auth/refresh')).toEqual([]);
  });
});

describe('a session', () => {
  it('that has ended is told, with how to begin another one', async () => {
    gateway.on('POST /admin/v1/auth/refresh', problem(401, 'session_expired', 'The session has ended; log in again'));
    const { exitCode, err } = await later(['whoami']);
    expect([exitCode, err]).toEqual([exitCodes.auth, `error: the session has expired; run: fairlead login --url ${url} --email a@b.org\n`]);
    expect(gateway.of('GET /admin/v1/auth/me')).toEqual([]);
  });

  it('is not brought back by a refresh when somebody logged out meanwhile', async () => {
    gateway.on('POST /admin/v1/auth/refresh', () => {
      writeFileSync(file(), '');
      return access('token-2');
    });
    expect((await later(['whoami'])).exitCode).toBe(exitCodes.ok);
    expect(readFileSync(file(), 'utf8')).toBe('');
  });

  it('goes to no other gateway', async () => {
    const elsewhere = await later(['whoami', '--url', url.replace('127.0.0.1', 'localhost')]);
    expect([elsewhere.exitCode, elsewhere.err]).toEqual([exitCodes.auth, expect.stringContaining('not at http://localhost')]);
    expect(gateway.seen).toHaveLength(1);
  });

  it('ends with a logout, here and at the gateway', async () => {
    gateway.on('POST /admin/v1/auth/logout', { status: 204 });
    expect(await later(['logout'])).toMatchObject({ exitCode: exitCodes.ok, out: 'logged out\n' });
    expect(gateway.of('POST /admin/v1/auth/logout').map(({ headers }) => headers.cookie)).toEqual([cookie]);
    expect(existsSync(file())).toBe(false);
    expect(await later(['logout'])).toMatchObject({ exitCode: exitCodes.ok, out: 'nobody was logged in\n' });
    expect((await later(['whoami', '--url', url])).exitCode).toBe(exitCodes.auth);
  });

  it('is forgotten when the gateway can not be told, and that is said', async () => {
    await gateway.stop();
    const { exitCode, err } = await later(['logout']);
    expect([exitCode, err]).toEqual([exitCodes.failed, expect.stringContaining('the gateway could not be told')]);
    expect(existsSync(file())).toBe(false);
  });

  it('is told to nobody', async () => {
    gateway.on('POST /admin/v1/auth/logout', { status: 204 });
    for (const args of [
      ['whoami', '-o', 'json'],
      ['login', '--url', url, '--email', 'a@b.org', '--password-stdin', '-o', 'json'],
      ['logout'],
    ]) {
      const { out, err } = await later(args, { input: 'x' });
      expect(out + err).not.toMatch(/secret|token-/);
    }
  });
});

describe('API tokens', () => {
  const id = `flt_${'0'.repeat(32)}`;
  const token = {
    ...{ token_id: id, user_id: 'usr_1', name: 'ci', roles: ['viewer', 'operator'] },
    ...{ created_at: '2026-11-01T10:00:00.000Z', expires_at: '2026-12-01T10:00:00.000Z', last_used_at: null, revoked_at: null },
  };

  it('are made, and shown this once', async () => {
    gateway.on('POST /admin/v1/api-tokens', { status: 201, body: { ...token, token: `${id}_secret` } });
    const made = await later(['token', 'create', 'ci', '--role', 'viewer,operator', '--days', '30']);
    expect(made.out).toBe(`token    ${id}_secret\nid       ${id}\nroles    viewer, operator\nexpires  2026-12-01T10:00:00.000Z\n`);
    expect(JSON.parse((await later(['token', 'create', 'ci', '--role', 'viewer', '-o', 'json'])).out)).toMatchObject({
      token: `${id}_secret`,
    });
    expect(gateway.of('POST /admin/v1/api-tokens').map(({ body }) => body)).toEqual([
      { name: 'ci', roles: ['viewer', 'operator'], expires_in_days: 30 },
      { name: 'ci', roles: ['viewer'] },
    ]);
    expect((await later(['token', 'create', 'ci'])).exitCode).toBe(exitCodes.usage);
  });

  it('are kept to tenants and nodes, and say so', async () => {
    const scope = { tenants: ['acme', 'globex'], nodes: ['node-1'] };
    gateway.on('POST /admin/v1/api-tokens', { status: 201, body: { ...token, scope, token: `${id}_secret` } });
    const args = ['token', 'create', 'ci', '--role', 'viewer', '--tenant', 'acme,globex', '--node', 'node-1'];
    expect((await later(args)).out).toContain('only     tenant acme, tenant globex, node node-1\n');
    expect(gateway.of('POST /admin/v1/api-tokens').at(-1)?.body).toEqual({ name: 'ci', roles: ['viewer'], scope });
    gateway.on('GET /admin/v1/api-tokens', { body: { items: [{ ...token, scope }], next_cursor: null } });
    expect((await later(['token', 'list'])).out).toContain('tenant acme, tenant globex, node node-1');
  });

  it('are listed: the own, those of another user, everybody’s', async () => {
    gateway.on('GET /admin/v1/api-tokens', { body: { items: [token], next_cursor: null } });
    const { out } = await later(['token', 'list']);
    expect(out.split('\n')[1]).toMatch(
      new RegExp(`^${id} +ci +usr_1 +viewer, operator +all +2026-11-01T10:00:00.000Z +2026-12-01T10:00:00.000Z`),
    );
    await later(['token', 'list', '--user', 'usr_2']);
    await later(['token', 'list', '--all']);
    expect(gateway.of('GET /admin/v1/api-tokens').map(({ query }) => query.get('user_id'))).toEqual([null, 'usr_2', 'all']);
    expect((await later(['token', 'list', '--all', '--user', 'usr_2'])).exitCode).toBe(exitCodes.usage);
  });

  it('are revoked by their id, never by the token itself', async () => {
    gateway.on(`DELETE /admin/v1/api-tokens/${id}`, { status: 204 });
    expect(await later(['token', 'revoke', id])).toMatchObject({ exitCode: exitCodes.ok, out: `${id} is revoked\n` });
    const sent = gateway.seen.length;
    const pasted = await later(['token', 'revoke', `${id}_secret`]);
    expect([pasted.exitCode, pasted.err.includes('secret'), gateway.seen.length]).toEqual([exitCodes.usage, false, sent]);
  });

  it('are rotated by their id; the new one is shown this once', async () => {
    const rotated = { ...token, rotated_at: '2026-11-02T10:00:00.000Z', previous_until: '2026-11-03T10:00:00.000Z' };
    gateway.on(`POST /admin/v1/api-tokens/${id}/rotate`, { body: { ...rotated, token: `${id}_fresh` } });
    expect((await later(['token', 'rotate', id])).out).toBe(
      `token    ${id}_fresh\nid       ${id}\nbefore   works until 2026-11-03T10:00:00.000Z\nexpires  2026-12-01T10:00:00.000Z\n`,
    );
    await later(['token', 'rotate', id, '--overlap', '0']);
    expect(gateway.of(`POST /admin/v1/api-tokens/${id}/rotate`).map(({ body }) => body)).toEqual([{}, { overlap_hours: 0 }]);
    const sent = gateway.seen.length;
    for (const args of [[`${id}_secret`], [id, '--overlap', '169'], [id, '--overlap', '-1']])
      expect((await later(['token', 'rotate', ...args])).exitCode).toBe(exitCodes.usage);
    expect(gateway.seen.length).toBe(sent);
  });

  it('are used instead of the session, and not refreshed', async () => {
    const env = { FAIRLEAD_TOKEN: `${id}_secret` };
    gateway.on('GET /admin/v1/auth/me', { body: { principal: 'user:usr_1', via: `api-token:${id}`, email: 'a@b.org', roles: ['viewer'] } });
    expect((await later(['whoami'], { env })).out).toContain(`via        api-token:${id}\n`);
    gateway.on('GET /admin/v1/auth/me', problem(401, 'unauthenticated', 'The API token is not valid, has expired or was revoked'));
    expect((await later(['whoami'], { env })).exitCode).toBe(exitCodes.auth);
    expect(tokens('GET /admin/v1/auth/me')).toEqual([`Bearer ${id}_secret`, `Bearer ${id}_secret`]);
    expect(gateway.of('POST /admin/v1/auth/refresh')).toEqual([]);
  });

  it('of another form are not sent, and no URL with a password is taken', async () => {
    const sent = gateway.seen.length;
    const broken = await later(['whoami'], { env: { FAIRLEAD_TOKEN: 'flt_1\nsecret' } });
    expect([broken.exitCode, broken.err]).toEqual([exitCodes.auth, 'error: FAIRLEAD_TOKEN is not an API token\n']);
    const told = await later(['whoami'], { env: { FAIRLEAD_URL: 'http://user:pw-1@127.0.0.1:1' } });
    expect([told.exitCode, told.err.includes('pw-1'), gateway.seen.length]).toEqual([exitCodes.usage, false, sent]);
  });
});
