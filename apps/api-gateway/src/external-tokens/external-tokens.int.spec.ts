// Real: Postgres, NATS, the gateway, and an OpenID provider whose access tokens it takes.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { changesV1 } from '@fairlead/contracts';
import { readLog } from '@fairlead/event-log';
import { createRpcClient } from '@fairlead/rpc';
import type { Answer } from '../testing/gateway.js';
import { password, startIdentityStage, type IdentityStage } from '../testing/identity.js';
import { startOpenIdProvider, type OpenIdProvider } from '../testing/openid-provider.js';

const redirect = 'http://fairlead.test/sign-in/iam';
const breakGlass = 'admin@fairlead.local';
let stage: IdentityStage;
let iam: OpenIdProvider;

/** The setting for a provider. */
const tokenIssuer = (issuer: string, more: Record<string, unknown> = {}) =>
  JSON.stringify({
    ...{ id: 'iam', issuer, audience: 'fairlead' },
    roles: { ops: ['operator'], bosses: ['admin'], acme: ['operator@/tenants/acme'], helpers: ['helper', 'helper@/tenants/acme'] },
    ...more,
  });

beforeAll(async () => {
  // What it has to say about a quick start.
  jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  iam = await startOpenIdProvider([redirect]);
  stage = await startIdentityStage({ TOKEN_ISSUER: tokenIssuer(iam.issuer), OUTBOUND_ALLOW_CIDRS: '127.0.0.0/8' });
}, 120_000);

afterAll(async () => {
  await stage.stop();
  await iam.stop();
});

const call = (token: string, method = 'GET', path = '/admin/v1/auth/me', body?: unknown) =>
  stage.gateway.call(method, path, { token, body });
/** Sets who somebody is there, and answers an access token that says so; always of another second than the one before. */
const tokenOf = async (login: string, ...groups: string[]) => {
  iam.accounts.set(login, { email: `${login}@corp.test`, groups });
  const second = Math.floor(Date.now() / 1_000);
  while (Math.floor(Date.now() / 1_000) === second) await new Promise((resolve) => setTimeout(resolve, 20));
  return (await iam.tokens(login)).access_token;
};
const refused = (answer: Answer) => [answer.status, answer.body['code']];
const eventsOf = async (userId: unknown) =>
  (await readLog(stage.database.db, { after: 0, limit: 1_000 })).filter(
    ({ aggregateId, payload }) => aggregateId === userId || payload['principal'] === `user:${String(userId)}`,
  );

describe('an access token of the external issuer', () => {
  it('makes its user the first time and finds them again, with the roles that the newest token gives', async () => {
    const first = await call(await tokenOf('ann', 'ops', 'choir'));
    expect([first.status, first.body]).toMatchObject([
      200,
      { email: expect.stringMatching(/^ann@corp\.test \(iam [0-9a-f]{6}\)$/), roles: ['operator'], via: null },
    ]);
    const id = first.body['user_id'];
    const second = await call(await tokenOf('ann', 'bosses', 'acme'));
    expect([second.body['user_id'], second.body['roles']]).toEqual([id, ['admin']]);
    const events = await eventsOf(id);
    expect(events.map(({ type }) => type)).toEqual(['user_created', 'user_changed', 'role_binding_created']);
    expect(events[0]).toMatchObject({ payload: { issuer: 'iam', roles: ['operator'] }, meta: { principal: `user:${String(id)}` } });
    expect(events[2]).toMatchObject({ payload: { role: 'operator', scope: '/tenants/acme' } });
    // What the token says again changes nothing.
    await call(await tokenOf('ann', 'bosses', 'acme'));
    expect(await eventsOf(id)).toHaveLength(3);
  });

  it('gives roles of one’s own, as they are now, and none that there is not', async () => {
    const token = await tokenOf('hal', 'helpers');
    expect(refused(await call(token))).toEqual([403, 'no_role']);
    const role = { name: 'helper', description: 'Helps', permissions: ['job.read'] };
    expect((await call(stage.admin, 'POST', '/admin/v1/roles', role)).status).toBe(201);
    const first = await call(token);
    expect([first.body['roles'], first.body['permissions']]).toEqual([[], ['job.read', 'self']]);
    expect((await call(stage.admin, 'PATCH', '/admin/v1/roles/helper', { permissions: ['job.read', 'tenant.read'] })).status).toBe(200);
    expect((await call(token)).body['permissions']).toEqual(['job.read', 'self', 'tenant.read']);
    expect((await call(await tokenOf('hal', 'ops'))).body['roles']).toEqual(['operator']);
    // What is older gives nothing back.
    expect((await call(token)).body['permissions']).toEqual(['job.read', 'self', 'tenant.read']);
    expect((await eventsOf(first.body['user_id'])).map(({ type }) => type)).toEqual([
      ...['user_created', 'role_binding_created', 'role_binding_created', 'user_changed', 'role_binding_deleted', 'role_binding_deleted'],
    ]);
  });

  it('is what services behind the gateway go by, though none of them knows the issuer', async () => {
    const token = await tokenOf('olga', 'ops');
    const answer = await call(token, 'GET', '/admin/v1/tenants');
    const [asked] = stage.gateway.peers.calls.filter(({ method }) => method === 'listTenants');
    expect([answer.status, asked]).toMatchObject([200, { method: 'listTenants' }]);
    expect(refused(await call(token, 'GET', '/admin/v1/users'))).toEqual([403, 'permission_denied']);
  });

  it('opens the change stream over gRPC', async () => {
    const token = await tokenOf('olga', 'ops');
    for (const [bearer, code] of [
      [token, undefined],
      [`${token.slice(0, -8)}AAAAAAAA`, 'unauthenticated'],
    ] as const) {
      const address = stage.gateway.service.grpcAddress ?? '';
      const client = createRpcClient(changesV1.ChangeStreamServiceService, { address, token: () => bearer });
      const messages = client.watch(changesV1.WatchRequest.fromPartial({ cursor: '0' }));
      try {
        const first = messages.next();
        if (code === undefined) expect((await first).done).toBe(false);
        else await expect(first).rejects.toMatchObject({ code });
      } finally {
        await messages.return();
        client.close();
      }
    }
  });

  it('that is older gives nothing back that a newer one took', async () => {
    const older = await tokenOf('bob', 'bosses');
    expect((await call(older)).body['roles']).toEqual(['admin']);
    const newer = await tokenOf('bob', 'ops');
    expect((await call(newer)).body['roles']).toEqual(['operator']);
    expect((await call(older)).body['roles']).toEqual(['operator']);
    expect(refused(await call(older, 'GET', '/admin/v1/users'))).toEqual([403, 'permission_denied']);
    expect((await call(newer)).body['roles']).toEqual(['operator']);
  });

  it('that gives no role is refused, and takes what its user had', async () => {
    expect(refused(await call(await tokenOf('carl', 'choir')))).toEqual([403, 'no_role']);
    const held = await tokenOf('carl', 'ops');
    expect((await call(held)).status).toBe(200);
    expect(refused(await call(await tokenOf('carl')))).toEqual([403, 'no_role']);
    expect(refused(await call(held, 'GET', '/admin/v1/tenants'))).toEqual([403, 'permission_denied']);
  });

  it('is refused at once when its user is disabled here', async () => {
    const token = await tokenOf('dan', 'ops');
    const { user_id: id, email } = (await call(token)).body;
    await stage.change({ id: String(id), email: String(email) }, { disabled: true });
    expect(refused(await call(token))).toEqual([401, 'unauthenticated']);
    expect(refused(await call(await tokenOf('dan', 'bosses')))).toEqual([401, 'unauthenticated']);
  });

  it('stands in no log line and no event', async () => {
    const token = await tokenOf('ann', 'bosses');
    await call(token);
    await call(`${token.slice(0, -8)}AAAAAAAA`);
    const told = await stage.told();
    for (const part of token.split('.').slice(1)) expect(told).not.toContain(part);
  });
});

describe('where access tokens come from an issuer', () => {
  it('nobody gets any here but the break-glass admin', async () => {
    const user = await stage.newUser('admin');
    const login = (email: string) =>
      stage.gateway.call('POST', '/admin/v1/auth/login', { body: { email, password }, headers: { 'idempotency-key': '' } });
    const answer = await login(user.email);
    expect([...refused(answer), answer.body['detail']]).toEqual([
      403,
      'sign_in_elsewhere',
      `Access tokens come from ${iam.issuer}; only the break-glass admin gets any here`,
    ]);
    expect(refused(await login('nobody@example.com'))).toEqual([403, 'sign_in_elsewhere']);
    // Stage and specs signed in as the first admin, who is the one.
    expect(refused(await login(breakGlass))).toEqual([401, 'login_failed']);
    expect((await call(stage.admin)).body['email']).toBe(breakGlass);
    const token = await tokenOf('ann', 'bosses');
    const make = (bearer: string) => call(bearer, 'POST', '/admin/v1/api-tokens', { name: randomUUID(), roles: ['viewer'] });
    expect(refused(await make(token))).toEqual([403, 'sign_in_elsewhere']);
    expect((await make(stage.admin)).status).toBe(201);
  });

  it('sessions and API tokens from before give nothing any more', async () => {
    const before = await startIdentityStage();
    try {
      const user = await before.newUser('operator');
      const { cookie, token } = await before.login(user);
      const made = await before.gateway.call('POST', '/admin/v1/api-tokens', { token, body: { name: 'ci', roles: ['viewer'] } });
      const now = await before.gateway.another({ TOKEN_ISSUER: tokenIssuer(iam.issuer), OUTBOUND_ALLOW_CIDRS: '127.0.0.0/8' });
      try {
        const [refreshed, read] = await Promise.all([
          fetch(`${now.httpUrl}/admin/v1/auth/refresh`, { method: 'POST', headers: { cookie } }),
          fetch(`${now.httpUrl}/admin/v1/auth/me`, { headers: { authorization: `Bearer ${String(made.body['token'])}` } }),
        ]);
        for (const answer of [refreshed, read])
          expect([answer.status, await answer.json()]).toMatchObject([403, { code: 'sign_in_elsewhere' }]);
      } finally {
        await now.stop();
      }
    } finally {
      await before.stop();
    }
  });

  it('people can’t sign in here through an issuer as well', async () => {
    const own = { issuer: iam.issuer, client_id: 'x', roles: { ops: ['operator'] } };
    const both = { OIDC_ISSUERS: JSON.stringify([{ id: 'iam', name: 'IAM', ...own }]), PUBLIC_URL: 'http://fairlead.test' };
    await expect(stage.gateway.another(both)).rejects.toThrow('exclude each other');
  });
});
