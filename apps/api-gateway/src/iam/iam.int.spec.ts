// Real: Postgres, NATS, the gateway, an OpenID provider whose tokens it takes, and an IAM over HTTP that keeps the users.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { readLog } from '@fairlead/event-log';
import { RoleBindingsController } from '../http/role-bindings.js';
import { RolesController } from '../http/roles.js';
import { SessionsController } from '../http/sessions.js';
import { UsersController } from '../http/users.js';
import { routesOf } from '../openapi/routes.js';
import type { Answer } from '../testing/gateway.js';
import { startIam, type TestIam } from '../testing/iam.js';
import { startIdentityStage, type IdentityStage } from '../testing/identity.js';
import { startOpenIdProvider, type OpenIdProvider } from '../testing/openid-provider.js';

let stage: IdentityStage;
let issuer: OpenIdProvider;
let iam: TestIam;
let boss: string;

beforeAll(async () => {
  // What the provider has to say about a quick start.
  jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  issuer = await startOpenIdProvider(['http://fairlead.test/sign-in/iam']);
  iam = await startIam(['boss', 'ann']);
  const tokens = { id: 'iam', issuer: issuer.issuer, audience: 'fairlead', roles: { bosses: ['admin'], ops: ['operator'] } };
  stage = await startIdentityStage({
    ...{ TOKEN_ISSUER: JSON.stringify(tokens), IAM_URL: iam.url, IAM_TOKEN: iam.token, IAM_TIMEOUT_MS: '1500' },
    OUTBOUND_ALLOW_CIDRS: '127.0.0.0/8',
  });
  issuer.accounts.set('boss', { email: 'boss@corp.test', groups: ['bosses'] });
  issuer.accounts.set('ann', { email: 'ann@corp.test', groups: ['ops'] });
}, 120_000);

afterAll(async () => {
  await stage.stop();
  await Promise.all([issuer.stop(), iam.stop()]);
});

beforeEach(async () => {
  iam.mood = 'well';
  iam.calls.length = 0;
  boss = (await issuer.tokens('boss')).access_token;
});

const call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  stage.gateway.call(method, `/admin/v1${path}`, { token: boss, body, headers });
const routes = routesOf([UsersController, SessionsController, RolesController, RoleBindingsController]);
const bodies: Readonly<Record<string, unknown>> = {
  'users.create': { email: 'new@corp.test', password: 'a-secret-to-nobody-else', roles: [] },
  'users.change': { disabled: false },
  'users.resetTotp': { reason: 'lost it' },
  'roles.create': { name: 'ops', description: 'Operations', permissions: ['job.read'] },
  'roles.change': { description: 'Operations' },
  'roleBindings.create': { principal: 'user:ann', role: 'viewer', scope: '/' },
};
const newUser = (more: object = {}) => ({
  email: `${randomUUID()}@example.com`,
  password: 'a-secret-to-nobody-else',
  roles: ['viewer'],
  ...more,
});
const told = ({ status, body }: Answer) => [status, body['code'], body['detail']];
const changes = async () =>
  (await readLog(stage.database.db, { after: 0, limit: 1_000 })).filter(({ aggregateType }) => aggregateType === 'iam_change');
/** The events of the last change. */
const lastChange = async () => {
  const all = await changes();
  return all.filter(({ aggregateId }) => aggregateId === all.at(-1)?.aggregateId).map(({ type, payload }) => [type, payload]);
};

describe('with an external IAM', () => {
  it('users are read from there, in the form of here', async () => {
    const list = await call('GET', '/users?limit=1');
    expect([list.status, (list.body['items'] as unknown[]).length]).toEqual([200, 1]);
    expect((await call('GET', '/users/ann')).body).toMatchObject({ user_id: 'ann', email: 'ann@corp.test' });
    expect(told(await call('GET', '/users/nobody'))).toEqual([404, 'iam_refused', 'Nobody is called nobody']);
    for (const path of ['/roles', '/auth/sessions']) expect((await call('GET', path)).body).toEqual({ items: [], next_cursor: null });
    const [first] = iam.calls;
    expect([first?.path, first?.headers['x-on-behalf-of']]).toEqual(['/iam/users?limit=1', 'boss']);
    expect(await changes()).toEqual([]);
  });

  it('a change is recorded before it is sent and after, without its secrets', async () => {
    const body = newUser();
    const made = await call('POST', '/users', body);
    expect([made.status, made.body['email'], made.headers.get('etag')]).toEqual([201, body.email, '"1"']);
    expect(iam.calls.at(-1)?.body).toEqual(body);
    const asked = { method: 'POST', path: '/iam/users' };
    expect(await lastChange()).toEqual([
      ['change_requested', { ...asked, change: { email: body.email, roles: ['viewer'] } }],
      ['change_succeeded', { ...asked, status: 201 }],
    ]);
    expect((await changes())[0]?.meta.principal).toMatch(/^user:usr_/);
    const text = await stage.told();
    for (const secret of [body.password, iam.token, boss]) expect(text).not.toContain(secret);
  });

  it('the intent is in the log before the IAM hears of it', async () => {
    iam.mood = 'slow';
    const before = (await changes()).length;
    const answering = call('POST', '/users', newUser());
    while (iam.calls.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    expect((await changes()).slice(before).map(({ type }) => type)).toEqual(['change_requested']);
    expect((await answering).status).toBe(504);
  });

  it('keys and preconditions go on to it, keys as each caller’s own', async () => {
    const headers = { 'idempotency-key': 'once' };
    const body = newUser();
    const [first, again] = [await call('POST', '/users', body, headers), await call('POST', '/users', body, headers)];
    expect([first.status, again.status, again.body['user_id']]).toEqual([201, 201, first.body['user_id']]);
    expect(iam.calls.at(-1)?.headers['idempotency-key']).toMatch(/^[0-9a-f]{64}$/);
    const id = String(first.body['user_id']);
    expect(told(await call('PATCH', `/users/${id}`, { roles: [] }, { 'if-match': '"9"' }))).toEqual([
      412,
      'iam_refused',
      'It has changed since',
    ]);
    const changed = await call('PATCH', `/users/${id}`, { roles: [] }, { 'if-match': '"1"' });
    expect([changed.status, changed.headers.get('etag')]).toEqual([200, '"2"']);
    expect((await call('DELETE', '/role-bindings/b1')).status).toBe(204);
  });

  it('its refusals keep status and text, and are recorded', async () => {
    const body = newUser({ email: 'ann@corp.test' });
    expect(told(await call('POST', '/users', body))).toEqual([409, 'iam_refused', 'There is a user ann@corp.test already']);
    expect((await lastChange()).at(-1)).toEqual([
      'change_failed',
      { method: 'POST', path: '/iam/users', cause: 'iam_refused', status: 409 },
    ]);
    iam.mood = 'tells-the-password';
    expect(told(await call('POST', '/users', newUser()))).toEqual([422, 'iam_refused', 'the password … is too weak']);
  });

  it.each([
    ['slow', 504, 'iam_timeout', undefined],
    ['half', 502, 'iam_answer_invalid', undefined],
    ['broken', 500, 'iam_failed', 500],
    ['redirect', 502, 'iam_answer_invalid', undefined],
    ['html', 503, 'iam_failed', 503],
    ['unknown-to-it', 502, 'iam_failed', 401],
  ] as const)('one that is %s is told as a problem, and asked once', async (mood, status, code, answered) => {
    iam.mood = mood;
    const before = iam.calls.length;
    const answer = await call('POST', '/users', newUser());
    expect([answer.status, answer.body['code'], answer.headers.get('content-type')]).toEqual([
      ...[status, code, 'application/problem+json; charset=utf-8'],
    ]);
    expect(iam.calls.length - before).toBe(1);
    const [, outcome] = (await lastChange()).at(-1) ?? [];
    expect(outcome).toEqual({ method: 'POST', path: '/iam/users', cause: code, ...(answered === undefined ? {} : { status: answered }) });
    const read = await call('GET', '/users');
    expect([read.status, read.body['code']]).toEqual([status, code]);
  });

  it.each(['not-json', 'other-form'] as const)('an answer that is %s is used for nothing', async (mood) => {
    iam.mood = mood;
    for (const path of ['/users', '/users/ann', '/roles'])
      expect((await call('GET', path)).body).toMatchObject({ status: 502, code: 'iam_answer_invalid' });
    // The IAM said that it was made: so does the trail.
    expect((await call('POST', '/users', newUser())).status).toBe(502);
    expect((await lastChange()).at(-1)?.[0]).toBe('change_succeeded');
  });

  it('what is not valid, or not permitted here, never reaches it', async () => {
    const { access_token: ann } = await issuer.tokens('ann');
    const by = (token: string, method: string, path: string, body?: unknown) =>
      stage.gateway.call(method, `/admin/v1${path}`, { token, body });
    expect((await by(boss, 'POST', '/users', newUser({ email: 'none' }))).status).toBe(400);
    expect((await by(boss, 'POST', '/users', newUser({ more: 1 }))).status).toBe(400);
    expect((await by(boss, 'GET', '/users/..%2f..%2fadmin')).status).toBe(400);
    expect((await by(ann, 'GET', '/users')).status).toBe(403);
    expect((await by(ann, 'POST', '/users', newUser())).status).toBe(403);
    expect(iam.calls).toEqual([]);
  });

  it('whom it disables is refused here from the next request on', async () => {
    const { access_token: ann } = await issuer.tokens('ann');
    const me = () => stage.gateway.call('GET', '/admin/v1/auth/me', { token: ann });
    expect((await me()).status).toBe(200);
    expect((await call('PATCH', '/users/ann', { disabled: true })).status).toBe(200);
    expect((await me()).status).toBe(401);
    expect((await call('PATCH', '/users/ann', { disabled: false })).status).toBe(200);
    expect((await me()).status).toBe(200);
  });

  it.each(routes.map((route) => [route.operationId, route] as const))('%s is answered by it, once all is valid', async (id, route) => {
    const method = route.method.toUpperCase();
    const path = route.path.replace('/admin/v1', '').replaceAll(/\{\w+\}/g, 'ann');
    const ask = async (body: unknown, headers: Record<string, string>) => (await call(method, path, body, headers)).status;
    const all = { 'idempotency-key': randomUUID(), 'if-match': '*' };
    if (route.body !== undefined) expect(await ask({ no: 'such field' }, all)).toBe(400);
    if (route.takesIdempotencyKey) expect(await ask(bodies[id], { ...all, 'idempotency-key': '' })).toBe(400);
    if (route.ifMatch === 'required') expect(await ask(bodies[id], { ...all, 'if-match': '' })).toBe(428);
    if (route.query !== undefined) expect((await call(method, `${path}?no=such`, bodies[id], all)).status).toBe(400);
    expect(iam.calls).toEqual([]);
    await ask(bodies[id], all);
    expect(iam.calls.map((made) => [made.method, made.path])).toEqual([[method, `/iam${path}`]]);
  });

  it('one that is down leaves the rest as it is, the break-glass admin too', async () => {
    const gateway = await stage.gateway.another({ IAM_URL: 'http://127.0.0.1:9' });
    try {
      const ask = async (path: string, token: string) => {
        const answer = await fetch(`${gateway.httpUrl}/admin/v1${path}`, { headers: { authorization: `Bearer ${token}` } });
        return [answer.status, ((await answer.json()) as Record<string, unknown>)['code']];
      };
      expect(await ask('/users', boss)).toEqual([503, 'iam_unreachable']);
      expect(await ask('/auth/me', boss)).toEqual([200, undefined]);
      expect(await ask('/auth/me', stage.admin)).toEqual([200, undefined]);
      expect(await ask('/auth/sessions', stage.admin)).toEqual([200, undefined]);
    } finally {
      await gateway.stop();
    }
  });
});
