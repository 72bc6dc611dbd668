// Real: Postgres with the event log, NATS, the gateway's HTTP server. Placement is scripted: every tenant is there.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TestGateway } from '../testing/gateway.js';
import { password, startIdentityStage, type IdentityStage, type TestUser } from '../testing/identity.js';

const path = '/admin/v1/service-accounts';
let stage: IdentityStage;
let gateway: TestGateway;
let made = 0;

beforeAll(async () => {
  stage = await startIdentityStage();
  gateway = stage.gateway;
  gateway.peers.answers = {
    getTenant: () => ({ tenant: { tenantId: 'acme', name: 'Acme', createdAt: '2026-01-01T00:00:00Z', assignments: [] } }),
  };
}, 120_000);

afterAll(() => stage.stop());

const newName = () => `program-${String(++made)}`;
const create = (name = newName(), token = stage.admin) => gateway.call('POST', path, { token, body: { name } });
const account = async () => String((await create()).body['service_account_id']);
const change = (id: string, disabled: boolean, token = stage.admin, revision = '*') =>
  gateway.call('PATCH', `${path}/${id}`, { token, body: { disabled }, headers: { 'if-match': revision } });
const remove = (id: string, token = stage.admin, revision = '*') =>
  gateway.call('DELETE', `${path}/${id}`, { token, headers: { 'if-match': revision } });
const newToken = (id: string, roles: readonly string[], token = stage.admin, headers: Record<string, string> = {}) =>
  gateway.call('POST', `${path}/${id}/tokens`, { token, body: { name: 'ci', roles }, headers });
const rotate = (id: string, tokenId: unknown, token = stage.admin) =>
  gateway.call('POST', `${path}/${id}/tokens/${String(tokenId)}/rotate`, { token, body: { overlap_hours: 0 } });
const bind = (principal: string, role: string, scope = '/', token = stage.admin) =>
  gateway.call('POST', '/admin/v1/role-bindings', { token, body: { principal: `user:${principal}`, role, scope } });
const whoami = (token: unknown) => gateway.call('GET', '/admin/v1/auth/whoami', { token: String(token) });
const users = (token: unknown) => gateway.call('GET', '/admin/v1/users', { token: String(token) });
const told = (id: string) =>
  stage.database.db.query<{ type: string; payload: Record<string, unknown> }>(
    `select type, payload from log.event where aggregate_id = $1 order by position`,
    [id],
  );
const denied = (permission: string) => ({ status: 403, body: { code: 'permission_denied', details: { permission } } });

/** Somebody who manages identity on the whole platform, and may do nothing else but these. */
async function managerWith(...permissions: string[]): Promise<{ who: TestUser; token: string }> {
  const role = newName();
  const body = { name: role, description: 'for a test', permissions: ['identity.manage', ...permissions] };
  expect((await gateway.call('POST', '/admin/v1/roles', { token: stage.admin, body })).status).toBe(201);
  const who = await stage.newUser();
  expect((await bind(who.id, role)).status).toBe(201);
  return { who, token: (await stage.login(who)).token };
}

describe('a service account', () => {
  it('is made, told, listed and holds roles as users do, and is none of them', async () => {
    const name = newName();
    const { status, body, headers } = await create(name);
    const id = String(body['service_account_id']);
    expect([status, headers.get('etag'), id.slice(0, 4)]).toEqual([201, '"1"', 'sva_']);
    expect(body).toMatchObject({ name, principal: `user:${id}`, disabled: false, revision: 1 });
    expect((await gateway.call('GET', `${path}/${id}`, { token: stage.admin })).body).toEqual(body);
    expect((await gateway.call('GET', `${path}?limit=200`, { token: stage.admin })).body['items']).toContainEqual(body);
    expect(await create(name)).toMatchObject({ status: 409, body: { code: 'already_exists' } });
    expect((await bind(id, 'viewer', '/tenants/acme')).status).toBe(201);
    expect(JSON.stringify((await users(stage.admin)).body)).not.toContain(id);
    expect((await gateway.call('GET', `/admin/v1/users/${id}`, { token: stage.admin })).status).toBe(404);
    const asUser = { token: stage.admin, body: { roles: ['admin'] } };
    expect((await gateway.call('PATCH', `/admin/v1/users/${id}`, asUser)).status).toBe(404);
    expect(await told(id)).toMatchObject([{ type: 'user_created', payload: { service_account: name, roles: [] } }]);
  });

  it('is signed in as by nobody, and has no password to change', async () => {
    const name = newName();
    const id = String((await create(name)).body['service_account_id']);
    for (const email of [name, `${name} (service account)`, id])
      expect((await gateway.call('POST', '/admin/v1/auth/login', { body: { email, password } })).status).toBe(400);
    await bind(id, 'admin');
    const { token } = (await newToken(id, ['admin'])).body;
    const asked = { token: String(token), body: { current_password: '', new_password: 'correct horse battery' } };
    expect((await gateway.call('POST', '/admin/v1/auth/password', asked)).status).toBe(400);
    const guessed = { ...asked, body: { ...asked.body, current_password: password } };
    expect((await gateway.call('POST', '/admin/v1/auth/password', guessed)).status).toBeGreaterThanOrEqual(400);
  });

  it('calls with its tokens, which do what both they and it may', async () => {
    const id = await account();
    await bind(id, 'viewer', '/tenants/acme');
    const { status, body } = await newToken(id, ['operator']);
    expect([status, body['user_id']]).toEqual([201, id]);
    expect((await whoami(body['token'])).body).toMatchObject({
      principal: `user:${id}`,
      via: `api-token:${String(body['token_id'])}`,
      bindings: [{ role: 'viewer', scope: '/tenants/acme' }],
    });
    const jobs = (tenant: string) =>
      gateway.call('GET', `/admin/v1/tenants/${tenant}/jobs`, { token: String(body['token']), headers: { 'x-tenant-id': tenant } });
    expect((await jobs('acme')).status).not.toBe(403);
    expect(await jobs('globex')).toMatchObject(denied('job.read'));
    const asked = `/admin/v1/auth/explain?principal=user:${id}&permission=job.cancel&scope=/tenants/acme`;
    expect((await gateway.call('GET', asked, { token: stage.admin })).body).toMatchObject({ allowed: false });
    const listed = await gateway.call('GET', `/admin/v1/api-tokens?user_id=${id}`, { token: stage.admin });
    const [entry] = listed.body['items'] as Record<string, unknown>[];
    expect([entry?.['token_id'], entry?.['last_used_at'] === null]).toEqual([body['token_id'], false]);
    expect(JSON.stringify(listed.body)).not.toContain(String(body['token']));
    expect(await stage.told()).not.toContain(String(body['token']).slice(-20));
  });

  it('answers a token again for its key, and another request with the key is refused', async () => {
    const id = await account();
    const key = { 'idempotency-key': randomUUID() };
    const first = await newToken(id, ['viewer'], stage.admin, key);
    expect((await newToken(id, ['viewer'], stage.admin, key)).body).toEqual(first.body);
    expect(await newToken(id, ['operator'], stage.admin, key)).toMatchObject({ status: 409, body: { code: 'idempotency_key_reused' } });
  });

  it('has its tokens rotated, and no one else’s', async () => {
    const [id, other] = [await account(), await account()];
    await bind(id, 'viewer');
    const { body } = await newToken(id, ['viewer']);
    expect((await rotate(other, body['token_id'])).status).toBe(404);
    expect((await whoami(body['token'])).status).toBe(200);
    const rotated = await rotate(id, body['token_id']);
    expect([rotated.status, (await whoami(body['token'])).status, (await whoami(rotated.body['token'])).status]).toEqual([200, 401, 200]);
    const revoked = await gateway.call('DELETE', `/admin/v1/api-tokens/${String(body['token_id'])}`, { token: stage.admin });
    expect([revoked.status, (await whoami(rotated.body['token'])).status]).toEqual([204, 401]);
  });

  it('is disabled, which its tokens feel at once, and enabled', async () => {
    const id = await account();
    await bind(id, 'viewer');
    const { token } = (await newToken(id, ['viewer'])).body;
    expect((await whoami(token)).status).toBe(200);
    const stale = await change(id, true, stage.admin, '"99"');
    expect([stale.status, (await whoami(token)).status]).toEqual([412, 200]);
    expect((await change(id, true)).body).toMatchObject({ disabled: true });
    expect((await whoami(token)).status).toBe(401);
    expect((await change(id, false)).body).toMatchObject({ disabled: false });
    expect((await whoami(token)).status).toBe(200);
  });

  it('is deleted with its roles and tokens, and its name may be taken again', async () => {
    const name = newName();
    const id = String((await create(name)).body['service_account_id']);
    await bind(id, 'viewer');
    const { token } = (await newToken(id, ['viewer'])).body;
    expect([(await remove(id, stage.admin, '"1"')).status, (await whoami(token)).status]).toEqual([412, 200]);
    expect([(await remove(id)).status, (await whoami(token)).status]).toEqual([204, 401]);
    for (const answer of [await remove(id), await change(id, false), await newToken(id, ['viewer']), await rotate(id, 'flt_x')])
      expect(answer).toMatchObject({ status: 404, body: { code: 'service_account_not_found' } });
    expect((await bind(id, 'viewer')).status).toBe(400);
    const held = await gateway.call('GET', `/admin/v1/role-bindings?principal=user:${id}`, { token: stage.admin });
    expect(held.body['items']).toEqual([]);
    const types = (await told(id)).map(({ type }) => type);
    expect(types).toEqual(['user_created', 'api_token_created', 'api_token_revoked', 'user_changed', 'user_deleted']);
    expect((await create(name)).status).toBe(201);
  });
});

describe('nobody reaches further by a service account', () => {
  it('than they do themselves: not by its roles, its tokens, or another’s token that they rotate', async () => {
    const { token } = await managerWith('tenant.read');
    const own = await create(newName(), token);
    expect(own.status).toBe(201);
    const id = String(own.body['service_account_id']);
    expect(await bind(id, 'operator', '/', token)).toMatchObject({ status: 403, body: { code: 'permission_denied' } });
    expect(await newToken(id, ['viewer'], token)).toMatchObject({ status: 403, body: { details: { role: 'viewer' } } });
    // Nor of one that holds more already, or will.
    const strong = await account();
    await bind(strong, 'admin');
    expect(await newToken(strong, ['operator'], token)).toMatchObject({ status: 403, body: { details: { role: 'operator' } } });
    const { body } = await newToken(strong, ['admin']);
    expect(await rotate(strong, body['token_id'], token)).toMatchObject({ status: 403, body: { details: { role: 'admin' } } });
    expect((await whoami(body['token'])).status).toBe(200);
    const tokens = await gateway.call('GET', `/admin/v1/api-tokens?user_id=${id}`, { token: stage.admin });
    expect(tokens.body['items']).toEqual([]);
  });

  it('than it holds: a token of more than its account’s roles does no more than these', async () => {
    const id = await account();
    await bind(id, 'viewer');
    const { token } = (await newToken(id, ['admin'])).body;
    expect(await users(token)).toMatchObject(denied('identity.manage'));
    expect(await create(newName(), String(token))).toMatchObject(denied('identity.manage'));
  });

  it('with a token: it makes and rotates none, not even as an admin', async () => {
    const id = await account();
    await bind(id, 'admin');
    const { token, token_id: tokenId } = (await newToken(id, ['admin'])).body;
    for (const answer of [await newToken(id, ['viewer'], String(token)), await rotate(id, tokenId, String(token))])
      expect(answer).toMatchObject({ status: 403, body: { code: 'permission_denied' } });
    const forItself = { token: String(token), body: { name: 'more', roles: ['viewer'] } };
    expect((await gateway.call('POST', '/admin/v1/api-tokens', forItself)).status).toBe(403);
  });

  it('where they manage identity on one tenant alone, or no more', async () => {
    const part = await stage.newUser();
    await bind(part.id, 'admin', '/tenants/acme');
    const { token } = await stage.login(part);
    const id = await account();
    for (const answer of [await create(newName(), token), await change(id, true, token), await newToken(id, ['viewer'], token)])
      expect(answer).toMatchObject(denied('identity.manage'));
    expect((await bind(id, 'viewer', '/', token)).status).toBe(403);
    expect((await bind(id, 'operator', '/tenants/acme', token)).status).toBe(201);
    // An access token outlives the role that it tells of.
    const former = await stage.newUser('admin');
    const held = await stage.login(former);
    await stage.change(former, { roles: ['viewer'] });
    for (const answer of [await create(newName(), held.token), await newToken(id, ['viewer'], held.token), await remove(id, held.token)])
      expect(answer.status).toBe(403);
  });

  it('and no admin is left by one: it counts as nobody who could administer', async () => {
    const id = await account();
    await bind(id, 'admin');
    const admins = (await users(stage.admin)).body['items'] as { user_id: string; roles: string[] }[];
    const still = admins.filter(({ roles }) => roles.includes('admin')).map(({ user_id }) => user_id);
    const answers = [];
    for (const one of still)
      answers.push((await gateway.call('PATCH', `/admin/v1/users/${one}`, { token: stage.admin, body: { roles: ['viewer'] } })).status);
    expect(answers).toContain(400);
  });
});
