// Real: Postgres with the event log, NATS, the gateway's HTTP server. Access tokens that are out when their caller loses what they give.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Answer, TestGateway } from '../testing/gateway.js';
import { password, startIdentityStage, type Held, type IdentityStage, type TestUser } from '../testing/identity.js';

let stage: IdentityStage;
let gateway: TestGateway;
/** An admin who is about to lose it. */
let user: TestUser;
let held: Held;
/** Somebody whom admins act on. */
let other: TestUser;
let othersTokenId: string;
let made = 0;

const newUserBody = () => ({ email: `made-${++made}@example.com`, password, roles: ['admin'] });
const makeToken = (token: string, roles: string[]) => gateway.call('POST', '/admin/v1/api-tokens', { token, body: { name: 'ci', roles } });
const refused = { status: 401, body: { code: 'unauthenticated' } };
const denied = { status: 403, body: { code: 'permission_denied', details: { permission: 'identity.manage' } } };

/** All that needs `identity.manage` and changes who may do what. */
const manage: Readonly<Record<string, (token: string) => Promise<Answer>>> = {
  'creates a user': (token) => gateway.call('POST', '/admin/v1/users', { token, body: newUserBody() }),
  'gives another user a role': (token) => gateway.call('PATCH', `/admin/v1/users/${other.id}`, { token, body: { roles: ['admin'] } }),
  'enables and promotes themselves': (token) =>
    gateway.call('PATCH', `/admin/v1/users/${user.id}`, { token, body: { disabled: false, roles: ['admin'] } }),
};

/** What every user may change of their own. */
const own: Readonly<Record<string, (token: string) => Promise<Answer>>> = {
  'makes an API token': (token) => makeToken(token, ['viewer']),
  'revokes an API token': (token) => gateway.call('DELETE', `/admin/v1/api-tokens/${othersTokenId}`, { token }),
  'revokes a session': (token) => gateway.call('DELETE', `/admin/v1/auth/sessions/${held.id}`, { token }),
  'sets the password': (token) =>
    gateway.call('POST', '/admin/v1/auth/password', {
      token,
      body: { current_password: password, new_password: 'a much better passphrase' },
    }),
};

/** All that these tests could change, to see that nothing did. */
const state = () =>
  Promise.all([
    stage.database.db.query('select user_id, disabled, password_hash from users order by user_id'),
    stage.database.db.query('select principal, role, scope from role_binding order by 1, 2, 3'),
    stage.database.db.query('select session_id, revoked_at from session order by session_id'),
    stage.database.db.query('select token_id, revoked_at from api_token order by token_id'),
  ]);

beforeAll(async () => {
  stage = await startIdentityStage();
  gateway = stage.gateway;
}, 120_000);

afterAll(() => stage.stop());

beforeEach(async () => {
  [user, other] = [await stage.newUser('admin'), await stage.newUser('operator')];
  held = await stage.login(user);
  othersTokenId = String((await makeToken((await stage.login(other)).token, ['viewer'])).body['token_id']);
});

/** Sends each request and expects each to be refused, with nothing changed. */
async function expectRefused(requests: Readonly<Record<string, (token: string) => Promise<Answer>>>, token: string, answer: object) {
  const before = await state();
  for (const [name, send] of Object.entries(requests)) expect([name, await send(token)]).toMatchObject([name, answer]);
  expect(await state()).toEqual(before);
}

const logout = ({ cookie }: Held) => gateway.call('POST', '/admin/v1/auth/logout', { headers: { cookie } });

describe('with an access token that is still out', () => {
  it('an admin who is one does all of it', async () => {
    for (const [name, send] of Object.entries({ ...manage, ...own })) {
      const { status } = await send(held.token);
      expect([name, status < 300]).toEqual([name, true]);
      if (name === 'revokes a session') held = await stage.login(user);
    }
  });

  it('a disabled admin changes nothing', async () => {
    await stage.change(user, { disabled: true });
    await expectRefused({ ...manage, ...own }, held.token, refused);
  });

  it('neither does one who was enabled again: that brought no session back', async () => {
    await stage.change(user, { disabled: true });
    await stage.change(user, { disabled: false });
    await expectRefused({ ...manage, ...own }, held.token, refused);
  });

  it('an admin who is none any more does what users may, and no more', async () => {
    const mine = String((await makeToken(held.token, ['viewer'])).body['token_id']);
    await stage.change(user, { roles: ['viewer'] });
    await expectRefused(manage, held.token, denied);
    expect(await makeToken(held.token, ['operator'])).toMatchObject({ status: 403, body: { details: { role: 'operator' } } });
    const revoke = (id: string) => gateway.call('DELETE', `/admin/v1/api-tokens/${id}`, { token: held.token });
    expect((await revoke(othersTokenId)).status).toBe(404);
    expect((await revoke(mine)).status).toBe(204);
  });

  it('nobody changes anything after a logout, or in a session that was revoked', async () => {
    const second = await stage.login(user);
    await logout(held);
    await expectRefused({ ...manage, ...own }, held.token, refused);
    held = await stage.login(user);
    expect((await gateway.call('DELETE', `/admin/v1/auth/sessions/${second.id}`, { token: held.token })).status).toBe(204);
    await expectRefused({ ...manage, ...own }, second.token, refused);
  });
});

describe('an API token that was revoked', () => {
  it('has no use left for the access token that stood for it', async () => {
    const { body } = await makeToken(held.token, ['admin']);
    const tokenId = String(body['token_id']);
    const exchanged = await gateway.signer.signUser({ userId: user.id, email: user.email, roles: ['admin'], apiTokenId: tokenId }, 60);
    expect((await manage['creates a user']?.(exchanged))?.status).toBe(201);
    await gateway.call('DELETE', `/admin/v1/api-tokens/${tokenId}`, { token: held.token });
    await expectRefused(manage, exchanged, refused);
  });
});

describe('at the same moment', () => {
  it('an admin is disabled, and creates users: none after that', async () => {
    const creations = Array.from({ length: 8 }, () => gateway.call('POST', '/admin/v1/users', { token: held.token, body: newUserBody() }));
    const disabled = await gateway.call('PATCH', `/admin/v1/users/${user.id}`, { token: stage.admin, body: { disabled: true } });
    expect(disabled.status).toBe(200);
    const position = ({ headers }: Answer) => Number(headers.get('x-fairlead-position'));
    for (const answer of await Promise.all(creations)) {
      if (answer.status === 201) expect(position(answer)).toBeLessThan(position(disabled));
      else expect(answer).toMatchObject(refused);
    }
  });

  it('two admins disable each other: one of them does', async () => {
    const rival = await stage.newUser('admin');
    const rivalHeld = await stage.login(rival);
    const disable = (token: string, { id }: TestUser) =>
      gateway.call('PATCH', `/admin/v1/users/${id}`, { token, body: { disabled: true } });
    const answers = await Promise.all([disable(held.token, rival), disable(rivalHeld.token, user)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401]);
  });

  it('passwords, roles and API tokens of one admin change, and nobody waits for ever', async () => {
    const answers = await Promise.all([
      own['sets the password']?.(held.token),
      manage['gives another user a role']?.(held.token),
      own['makes an API token']?.(held.token),
      gateway.call('PATCH', `/admin/v1/users/${user.id}`, { token: stage.admin, body: { roles: ['admin', 'viewer'] } }),
      manage['creates a user']?.(held.token),
      own['makes an API token']?.(held.token),
      own['revokes an API token']?.(held.token),
    ]);
    expect(answers.map((answer) => answer?.status)).toEqual([204, 200, 201, 200, 201, 201, 204]);
  });
});
