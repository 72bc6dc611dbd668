// Real: Postgres, NATS, the gateway, and two OpenID providers that it signs people in at.
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { readLog } from '@fairlead/event-log';
import type { Answer } from '../testing/gateway.js';
import { startIdentityStage, type IdentityStage } from '../testing/identity.js';
import { clientId, clientSecret, startOpenIdProvider, type OpenIdProvider } from '../testing/openid-provider.js';

const publicUrl = 'http://fairlead.test';
let stage: IdentityStage;
let corp: OpenIdProvider;
let other: OpenIdProvider;

beforeAll(async () => {
  // What it has to say about a quick start.
  jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  [corp, other] = [await startOpenIdProvider([`${publicUrl}/sign-in/corp`]), await startOpenIdProvider([`${publicUrl}/sign-in/other`])];
  const settings = {
    client_id: clientId,
    client_secret: clientSecret,
    roles: { ops: ['operator'], bosses: ['admin'], helpers: ['helper'] },
  };
  const issuers = [
    { id: 'corp', name: 'Corp', issuer: corp.issuer, ...settings },
    { id: 'other', name: 'Other', issuer: other.issuer, ...settings },
    { id: 'gone', name: 'Gone', issuer: 'http://127.0.0.1:9', ...settings },
    { id: 'inside', name: 'Inside', issuer: 'http://169.254.169.254', ...settings },
  ];
  stage = await startIdentityStage({
    OIDC_ISSUERS: JSON.stringify(issuers),
    PUBLIC_URL: publicUrl,
    OUTBOUND_ALLOW_CIDRS: '127.0.0.0/8',
  });
}, 120_000);

afterAll(async () => {
  await stage.stop();
  await Promise.all([corp.stop(), other.stop()]);
});

const cookieOf = (answer: Answer, name: string) =>
  answer.headers.getSetCookie().flatMap((line) => new RegExp(`^${name}=[^;]+`).exec(line)?.[0] ?? [])[0] ?? '';
const post = (path: string, body?: unknown, cookie = '') =>
  stage.gateway.call('POST', `/admin/v1/auth/oidc/${path}`, { body, headers: { cookie, 'idempotency-key': '' } });
/** Begins a sign-in: where to go, and the cookie that the browser keeps. */
const begin = async (id = 'corp') => {
  const answer = await post(`${id}/start`);
  expect(answer.status).toBe(200);
  return { url: String(answer.body['authorization_url']), cookie: cookieOf(answer, 'fairlead_sign_in') };
};
const end = (id: string, { code, state, iss, error }: Record<string, string>, cookie: string) =>
  post(`${id}/callback`, { code, state, iss, error }, cookie);
const signIn = async (login: string) => {
  const { url, cookie } = await begin();
  return end('corp', await corp.visit(url, login), cookie);
};
const me = async (answer: Answer) =>
  (await stage.gateway.call('GET', '/admin/v1/auth/me', { token: String(answer.body['access_token']) })).body;
const refused = (answer: Answer) => [answer.status, answer.body['code'], cookieOf(answer, 'fairlead_session')];

describe('signing in at an issuer', () => {
  it('is offered by name', async () => {
    const { body } = await stage.gateway.call('GET', '/admin/v1/auth/oidc');
    expect((body['items'] as unknown[])[0]).toEqual({ id: 'corp', name: 'Corp' });
    expect(JSON.stringify(body)).not.toContain(clientSecret);
  });

  it('makes a user the first time, finds them again, and gives them the roles of their groups each time', async () => {
    corp.accounts.set('ann', { email: 'ann@corp.test', groups: ['ops', 'choir'] });
    const first = await signIn('ann');
    expect(first.status).toBe(200);
    const { user_id: id, roles, email } = await me(first);
    expect([roles, email]).toEqual([['operator'], expect.stringMatching(/^ann@corp\.test \(corp [0-9a-f]{6}\)$/)]);
    expect(cookieOf(first, 'fairlead_session')).toMatch(/^fairlead_session=ses_/);
    // Another e-mail address, the same person; other groups, other roles.
    corp.accounts.set('ann', { email: 'ann.married@corp.test', groups: ['bosses'] });
    const second = await me(await signIn('ann'));
    expect([second['user_id'], second['roles']]).toEqual([id, ['admin']]);
    const events = (await readLog(stage.database.db, { after: 0, limit: 1_000 })).filter(({ aggregateId }) => aggregateId === id);
    expect(events.map(({ type }) => type)).toEqual(['user_created', 'login_succeeded', 'user_changed', 'login_succeeded']);
    expect(events[1]).toMatchObject({ payload: { issuer: 'corp' }, meta: { principal: `user:${String(id)}` } });
  });

  it('never takes over a local user, or one of another issuer, by an e-mail address or a subject', async () => {
    const local = await stage.newUser('admin');
    corp.accounts.set('eve', { email: local.email, groups: ['ops'] });
    other.accounts.set('eve', { email: local.email, groups: ['ops'] });
    const atCorp = await me(await signIn('eve'));
    const { url, cookie } = await begin('other');
    const atOther = await me(await end('other', await other.visit(url, 'eve'), cookie));
    expect(new Set([atCorp['user_id'], atOther['user_id'], local.id]).size).toBe(3);
    expect([atCorp['roles'], atOther['roles']]).toEqual([['operator'], ['operator']]);
  });

  it('is refused to whoever has no role by their groups, and ends what they had', async () => {
    corp.accounts.set('bob', { email: 'bob@corp.test', groups: ['choir'] });
    expect(refused(await signIn('bob'))).toEqual([403, 'no_role', '']);
    corp.accounts.set('bob', { email: 'bob@corp.test', groups: ['ops'] });
    const held = await signIn('bob');
    corp.accounts.set('bob', { email: 'bob@corp.test', groups: [] });
    expect(refused(await signIn('bob'))).toEqual([403, 'no_role', '']);
    const cookie = cookieOf(held, 'fairlead_session');
    expect((await stage.gateway.call('POST', '/admin/v1/auth/refresh', { headers: { cookie } })).status).toBe(401);
  });

  it('gives roles of one’s own, as they are now, and none that there is not, which the log has told at start', async () => {
    const warned = stage.gateway.lines.filter((line) => line.includes('roles that there are not'));
    expect(warned.map((line) => (JSON.parse(line) as { roles: string[] }).roles)).toEqual([['helper']]);
    corp.accounts.set('hal', { email: 'hal@corp.test', groups: ['helpers'] });
    expect(refused(await signIn('hal'))).toEqual([403, 'no_role', '']);
    const asAdmin = (method: string, path: string, body?: unknown) =>
      stage.gateway.call(method, `/admin/v1${path}`, { token: stage.admin, body, headers: method === 'DELETE' ? { 'if-match': '*' } : {} });
    const role = { name: 'helper', description: 'Helps', permissions: ['job.read'] };
    expect((await asAdmin('POST', '/roles', role)).status).toBe(201);
    const held = await signIn('hal');
    const { user_id: id, roles, permissions } = await me(held);
    expect([roles, permissions]).toEqual([[], ['job.read', 'self']]);
    expect((await asAdmin('PATCH', '/roles/helper', { permissions: ['job.read', 'tenant.read'] })).status).toBe(200);
    expect((await me(await signIn('hal')))['permissions']).toEqual(['job.read', 'self', 'tenant.read']);
    expect((await asAdmin('DELETE', '/roles/helper')).body).toMatchObject({ code: 'role_in_use' });
    corp.accounts.set('hal', { email: 'hal@corp.test', groups: ['ops'] });
    expect((await me(await signIn('hal')))['roles']).toEqual(['operator']);
    expect((await asAdmin('DELETE', '/roles/helper')).status).toBe(204);
    const about = (event: { aggregateId: string; payload: Record<string, unknown> }) =>
      event.aggregateId === id || event.payload['principal'] === `user:${String(id)}`;
    const events = (await readLog(stage.database.db, { after: 0, limit: 1_000 })).filter(about);
    expect(events.map(({ type }) => type).filter((type) => type !== 'login_succeeded')).toEqual([
      ...['user_created', 'role_binding_created', 'user_changed', 'role_binding_deleted'],
    ]);
  });

  it('leaves a role of one’s own that an admin has given to them, and does so once', async () => {
    const asAdmin = async (method: string, path: string, body?: unknown) => {
      const answer = await stage.gateway.call(method, `/admin/v1${path}`, { token: stage.admin, body, headers: { 'if-match': '*' } });
      expect(answer.status).toBeLessThan(300);
      return answer.body;
    };
    corp.accounts.set('ida', { email: 'ida@corp.test', groups: ['ops'] });
    const { user_id: id } = await me(await signIn('ida'));
    await asAdmin('POST', '/roles', { name: 'helper', description: 'Helps', permissions: ['fleet.read'] });
    await asAdmin('POST', '/role-bindings', { principal: `user:${String(id)}`, role: 'helper', scope: '/' });
    corp.accounts.set('ida', { email: 'ida@corp.test', groups: ['helpers'] });
    await me(await signIn('ida'));
    const { revision } = await asAdmin('GET', `/users/${String(id)}`);
    await me(await signIn('ida'));
    expect((await asAdmin('GET', `/users/${String(id)}`))['revision']).toBe(revision);
    corp.accounts.set('ida', { email: 'ida@corp.test', groups: ['ops'] });
    await me(await signIn('ida'));
    const { items } = await asAdmin('GET', `/role-bindings?principal=user:${String(id)}`);
    const held = items as { binding_id: string; role: string }[];
    expect(held.map(({ role }) => role).sort()).toEqual(['helper', 'operator']);
    await asAdmin('DELETE', `/role-bindings/${held.find(({ role }) => role === 'helper')?.binding_id ?? ''}`);
    await asAdmin('DELETE', '/roles/helper');
  });

  it('binds nobody to a role that is deleted while they sign in', async () => {
    const asAdmin = (method: string, path: string, body?: unknown) =>
      stage.gateway.call(method, `/admin/v1${path}`, { token: stage.admin, body, headers: { 'if-match': '*' } });
    for (const name of ['jan', 'jim', 'joe']) {
      await asAdmin('POST', '/roles', { name: 'helper', description: 'Helps', permissions: ['job.read'] });
      corp.accounts.set(name, { email: `${name}@corp.test`, groups: ['helpers'] });
      const [signedIn, deleted] = await Promise.all([signIn(name), asAdmin('DELETE', '/roles/helper')]);
      const { items } = (await asAdmin('GET', '/role-bindings?role=helper')).body as { items: { binding_id: string }[] };
      // Whichever came first: the role is held and stays, or it is gone and gave nothing.
      if (deleted.status === 204) expect([refused(signedIn), items]).toEqual([[403, 'no_role', ''], []]);
      else expect([deleted.body['code'], signedIn.status, items.length]).toEqual(['role_in_use', 200, 1]);
      for (const { binding_id: id } of items) await asAdmin('DELETE', `/role-bindings/${id}`);
      await asAdmin('DELETE', '/roles/helper');
    }
  });

  it('is refused to a user who is disabled here', async () => {
    corp.accounts.set('dan', { email: 'dan@corp.test', groups: ['ops'] });
    const { user_id: id, email } = await me(await signIn('dan'));
    await stage.change({ id: String(id), email: String(email) }, { disabled: true });
    expect(refused(await signIn('dan'))).toEqual([401, 'sign_in_failed', '']);
  });
});

describe('an answer of an issuer is refused', () => {
  beforeAll(() => {
    corp.accounts.set('ann', { email: 'ann@corp.test', groups: ['ops'] });
    other.accounts.set('ann', { email: 'ann@corp.test', groups: ['ops'] });
  });
  const failed = [401, 'sign_in_failed', ''];

  it('with a forged state, or none, or in a browser that began nothing', async () => {
    const { url, cookie } = await begin();
    const back = await corp.visit(url, 'ann');
    expect(refused(await end('corp', { ...back, state: 'forged' }, cookie))).toEqual(failed);
    expect(refused(await post('corp/callback', { code: back['code'] }, cookie))).toEqual(failed);
    expect(refused(await end('corp', back, ''))).toEqual(failed);
    expect(refused(await end('corp', back, 'fairlead_sign_in=AAAA'))).toEqual(failed);
    expect(refused(await end('corp', back, (await begin()).cookie))).toEqual(failed);
    // The very same is taken where it belongs.
    expect((await end('corp', back, cookie)).status).toBe(200);
  });

  it('with another nonce than the sign-in’s, and with another challenge', async () => {
    for (const [name, value] of [
      ['nonce', 'another-nonce-than-that'],
      ['code_challenge', 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'],
    ] as const) {
      const { url, cookie } = await begin();
      const changed = new URL(url);
      changed.searchParams.set(name, value);
      expect([name, ...refused(await end('corp', await corp.visit(changed.href, 'ann'), cookie))]).toEqual([name, ...failed]);
    }
  });

  it('when its code was used already', async () => {
    const { url, cookie } = await begin();
    const back = await corp.visit(url, 'ann');
    expect((await end('corp', back, cookie)).status).toBe(200);
    expect(refused(await end('corp', back, cookie))).toEqual(failed);
  });

  it('when it is another issuer’s: by its name, by its sign-in, by its code', async () => {
    const atCorp = await begin();
    const back = await corp.visit(atCorp.url, 'ann');
    expect(refused(await end('corp', { ...back, iss: other.issuer }, atCorp.cookie))).toEqual(failed);
    expect(refused(await end('other', back, atCorp.cookie))).toEqual(failed);
    const atOther = await begin('other');
    const mixed = await other.visit(atOther.url, 'ann');
    expect(refused(await end('corp', { ...mixed, state: back['state'] ?? '', iss: corp.issuer }, atCorp.cookie))).toEqual(failed);
  });

  it('when its id token has expired, but not when a clock is a little off', async () => {
    corp.accounts.set('late', { email: 'late@corp.test', groups: ['ops'], clockSeconds: -80 });
    expect((await signIn('late')).status).toBe(200);
    corp.accounts.set('late', { email: 'late@corp.test', groups: ['ops'], clockSeconds: -180 });
    expect(refused(await signIn('late'))).toEqual(failed);
  });

  it('when it says that somebody was not let in', async () => {
    const { url, cookie } = await begin();
    const state = new URL(url).searchParams.get('state') ?? '';
    const answer = await end('corp', { error: 'access_denied', state }, cookie);
    expect([...refused(answer), answer.body['detail']]).toEqual([...failed, 'Corp did not let you in']);
  });
});

describe('an issuer', () => {
  it('that can’t be reached, or may not be called, is told in plain words', async () => {
    for (const [id, name] of [
      ['gone', 'Gone'],
      ['inside', 'Inside'],
    ]) {
      const answer = await post(`${String(id)}/start`);
      expect([answer.status, answer.body['code'], answer.body['detail']]).toEqual([
        503,
        'service_unreachable',
        `${String(name)} can't be reached at the moment; try again later`,
      ]);
    }
    expect((await post('nobody/start')).status).toBe(404);
  });

  it('is asked nothing by another site’s page', async () => {
    for (const path of ['start', 'callback']) {
      const headers = { origin: 'https://evil.example' };
      const answer = await stage.gateway.call('POST', `/admin/v1/auth/oidc/corp/${path}`, { body: {}, headers });
      expect([answer.status, answer.body['code']]).toEqual([403, 'cross_site_request']);
    }
  });

  it('has its secrets, codes and tokens in no log line and no event', async () => {
    const { url, cookie } = await begin();
    const back = await corp.visit(url, 'ann');
    const answer = await end('corp', back, cookie);
    const told = await stage.told();
    for (const secret of [clientSecret, back['code'], back['state'], cookie.split('=')[1], answer.body['access_token']])
      expect(told).not.toContain(String(secret));
  });
});
