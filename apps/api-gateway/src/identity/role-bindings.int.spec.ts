// Real: Postgres with the event log, NATS, the gateway's HTTP server. Placement is scripted.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { FairleadError, roles } from '@fairlead/contracts';
import { maxScopePaths } from '@fairlead/auth';
import type { Answer, TestGateway } from '../testing/gateway.js';
import { startIdentityStage, type IdentityStage, type TestUser } from '../testing/identity.js';

let stage: IdentityStage;
let gateway: TestGateway;
let user: TestUser;

beforeAll(async () => {
  stage = await startIdentityStage();
  gateway = stage.gateway;
}, 120_000);

afterAll(() => stage.stop());

beforeEach(async () => {
  gateway.peers.answers = {};
  user = await stage.newUser();
});

const bind = (who: TestUser, role: string, scope: string, token = stage.admin) =>
  gateway.call('POST', '/admin/v1/role-bindings', { token, body: { principal: `user:${who.id}`, role, scope } });
const unbind = (id: unknown, token = stage.admin) => gateway.call('DELETE', `/admin/v1/role-bindings/${String(id)}`, { token });
const list = async (query: string, token = stage.admin) =>
  (await gateway.call('GET', `/admin/v1/role-bindings?${query}`, { token })).body['items'] as Record<string, unknown>[];
const tokenOf = async (who: TestUser) => (await stage.login(who)).token;
const detail = (tenant: string, token: string): Promise<Answer> =>
  gateway.call('GET', `/admin/v1/tenants/${tenant}/jobs`, { token, headers: { 'x-tenant-id': tenant } });
const bindings = () => stage.database.db.query('select principal, role, scope from role_binding order by 1, 2, 3');
const events = (type: string) =>
  stage.database.db.query<{ payload: object }>('select payload from log.event where type = $1 order by position', [type]);

describe('a role binding', () => {
  it('gives a role on one tenant, at the next access token, and nowhere else', async () => {
    const bound = await bind(user, 'viewer', '/tenants/acme');
    expect(bound).toMatchObject({ status: 201, body: { principal: `user:${user.id}`, role: 'viewer', scope: '/tenants/acme' } });
    expect(Number(bound.headers.get('x-fairlead-position'))).toBeGreaterThan(0);
    const token = await tokenOf(user);
    expect((await detail('acme', token)).status).toBe(200);
    for (const tenant of ['globex', 'acme-2', 'acm'])
      expect(await detail(tenant, token)).toMatchObject({
        status: 403,
        body: { code: 'permission_denied', details: { permission: 'job.read', scope: `/tenants/${tenant}` } },
      });
    expect((await gateway.call('GET', '/admin/v1/fleet/snapshot', { token })).status).toBe(403);
    expect((await gateway.call('GET', '/admin/v1/auth/me', { token })).status).toBe(200);
  });

  it('on the platform is a role of the user, and the other way round', async () => {
    await bind(user, 'viewer', '/');
    const me = await gateway.call('GET', '/admin/v1/auth/me', { token: await tokenOf(user) });
    expect(me.body).toMatchObject({ roles: ['viewer'], permissions: [...roles.viewer].sort() });
    await stage.change(user, { roles: ['operator'] });
    expect(await list(`principal=user:${user.id}`)).toMatchObject([{ role: 'operator', scope: '/' }]);
  });

  it('is taken away again, and both are recorded', async () => {
    const { body } = await bind(user, 'operator', '/tenants/acme');
    const removed = await unbind(body['binding_id']);
    expect([removed.status, Number(removed.headers.get('x-fairlead-position')) > 0]).toEqual([204, true]);
    expect(await list(`principal=user:${user.id}`)).toEqual([]);
    expect(await unbind(body['binding_id'])).toMatchObject({ status: 404, body: { code: 'role_binding_not_found' } });
    const told = { payload: { principal: `user:${user.id}`, role: 'operator', scope: '/tenants/acme' } };
    for (const type of ['role_binding_created', 'role_binding_deleted']) expect((await events(type)).at(-1)).toEqual(told);
    expect((await detail('acme', await tokenOf(user))).status).toBe(403);
  });

  it('is made once', async () => {
    expect((await bind(user, 'viewer', '/tenants/acme')).status).toBe(201);
    expect(await bind(user, 'viewer', '/tenants/acme')).toMatchObject({ status: 409, body: { code: 'already_exists' } });
  });

  it('is answered the same for a repeat with its key', async () => {
    const send = () =>
      gateway.call('POST', '/admin/v1/role-bindings', {
        ...{
          token: stage.admin,
          body: { principal: `user:${user.id}`, role: 'viewer', scope: '/' },
          headers: { 'idempotency-key': user.id },
        },
      });
    const [first, again] = [await send(), await send()];
    expect([first.status, again.status, again.body]).toEqual([201, 201, first.body]);
  });

  it.each([
    ['principal', { principal: 'user:usr_nobody' }],
    ['principal', { principal: 'service:placement' }],
    ['role', { role: 'emperor' }],
    ['role', { role: 'constructor' }],
    ['scope', { scope: '/tenants/acme/' }],
    ['scope', { scope: 'tenants/acme' }],
    ['scope', { scope: '/orgs/org_1' }],
    ['scope', { scope: '/orgs/acme/projects/' }],
    ['scope', { scope: '/orgs/acme/tenants/acme' }],
  ])('is refused for a wrong %s, %j, and nothing changes', async (pointer, wrong) => {
    const before = await bindings();
    const body = { principal: `user:${user.id}`, role: 'viewer', scope: '/', ...wrong };
    expect(await gateway.call('POST', '/admin/v1/role-bindings', { token: stage.admin, body })).toMatchObject({
      status: 400,
      body: { code: 'invalid_argument', errors: [{ pointer: `/${pointer}` }] },
    });
    expect(await bindings()).toEqual(before);
  });

  it('is refused on a tenant that there is not', async () => {
    gateway.peers.answers['getTenant'] = () => {
      throw new FairleadError('tenant_not_found', 'There is no tenant nobody');
    };
    expect(await bind(user, 'viewer', '/tenants/nobody')).toMatchObject({ status: 404, body: { code: 'tenant_not_found' } });
  });

  it('is refused where an access token could not tell it any more', async () => {
    for (let n = 0; n < maxScopePaths; n++) expect((await bind(user, 'viewer', `/tenants/t${String(n)}`)).status).toBe(201);
    expect(await bind(user, 'viewer', '/tenants/one-too-many')).toMatchObject({ status: 409, body: { code: 'too_many_grants' } });
    expect(await list(`principal=user:${user.id}&limit=200`)).toHaveLength(maxScopePaths);
    expect((await detail('t7', await tokenOf(user))).status).toBe(200);
  });
});

describe('somebody who manages identity on one tenant', () => {
  let manager: string;
  beforeEach(async () => {
    const made = await stage.newUser();
    await bind(made, 'admin', '/tenants/acme');
    manager = await tokenOf(made);
  });

  it('binds on it, and neither on others nor on the platform', async () => {
    expect((await bind(user, 'operator', '/tenants/acme', manager)).status).toBe(201);
    for (const scope of ['/', '/tenants/globex'])
      expect(await bind(user, 'viewer', scope, manager)).toMatchObject({
        status: 403,
        body: { details: { permission: 'identity.manage' } },
      });
  });

  it('sees and takes away the bindings on it alone', async () => {
    const here = (await bind(user, 'viewer', '/tenants/acme')).body['binding_id'];
    const there = (await bind(user, 'viewer', '/tenants/globex')).body['binding_id'];
    const platform = (await bind(user, 'viewer', '/')).body['binding_id'];
    const seen = await list('limit=200', manager);
    expect(new Set(seen.map(({ scope }) => scope))).toEqual(new Set(['/tenants/acme']));
    for (const id of [there, platform]) expect((await unbind(id, manager)).status).toBe(403);
    expect((await unbind(here, manager)).status).toBe(204);
  });

  it('makes no users, and changes none', async () => {
    const body = { roles: ['admin'] };
    expect((await gateway.call('PATCH', `/admin/v1/users/${user.id}`, { token: manager, body })).status).toBe(403);
  });
});

describe('the last admin', () => {
  it('keeps the role, whichever way it is taken', async () => {
    const admins = await list('role=admin&scope=/');
    const [last, ...others] = admins;
    for (const other of others) expect((await unbind(other['binding_id'])).status).toBe(204);
    expect(await unbind(last?.['binding_id'])).toMatchObject({
      status: 400,
      body: { code: 'invalid_argument', detail: 'Nobody would be left who can administer users' },
    });
    expect(await list('role=admin&scope=/')).toEqual([last]);
  });
});

describe('an API token', () => {
  it('does what both its roles and its user’s bindings give, where they give it', async () => {
    await bind(user, 'operator', '/tenants/acme');
    const { body } = await gateway.call('POST', '/admin/v1/api-tokens', {
      token: await tokenOf(user),
      body: { name: 'ci', roles: ['viewer'] },
    });
    const token = String(body['token']);
    expect((await detail('acme', token)).status).toBe(200);
    expect((await detail('globex', token)).status).toBe(403);
    const [bound] = await list(`principal=user:${user.id}`);
    await unbind(bound?.['binding_id']);
    expect((await detail('acme', token)).status).toBe(403);
  });
});

describe('a binding that was taken away meanwhile', () => {
  it('lets its holder change nobody’s rights any more, though their access token still says so', async () => {
    const { body } = await bind(user, 'admin', '/tenants/acme');
    const token = await tokenOf(user);
    const other = await stage.newUser();
    await unbind(body['binding_id']);
    expect(await bind(other, 'viewer', '/tenants/acme', token)).toMatchObject({ status: 403, body: { code: 'permission_denied' } });
  });
});

describe('who may do what', () => {
  const explain = (query: Record<string, string>, token = stage.admin) =>
    gateway.call('GET', `/admin/v1/auth/explain?${new URLSearchParams(query).toString()}`, { token });

  it('is told to whoever asks about themselves', async () => {
    const { body: bound } = await bind(user, 'viewer', '/tenants/acme');
    const token = await tokenOf(user);
    const held = { binding_id: bound['binding_id'], role: 'viewer', scope: '/tenants/acme' };
    expect((await gateway.call('GET', '/admin/v1/auth/whoami', { token })).body).toEqual({
      ...{ principal: `user:${user.id}`, name: user.email, via: null, session_id: expect.stringMatching(/^ses_/), bindings: [held] },
      permissions: [
        { scope: '/', permissions: ['self'] },
        { scope: '/tenants/acme', permissions: [...roles.viewer].sort() },
      ],
    });
    const own = { principal: `user:${user.id}`, permission: 'job.read', scope: '/tenants/acme' };
    expect((await explain(own, token)).body).toEqual({ ...own, allowed: true, disabled: false, by: [held], would: null });
    expect((await explain({ ...own, scope: '/' }, token)).body).toMatchObject({
      ...{ allowed: false, by: [], would: { roles: ['viewer', 'operator', 'admin'], scopes: ['/'] } },
    });
  });

  it('is told about others to those who manage identity there, and to nobody else', async () => {
    const about = { principal: `user:${user.id}`, permission: 'tenant.migrate', scope: '/tenants/acme' };
    const manager = await stage.newUser();
    await bind(manager, 'admin', '/tenants/acme');
    const token = await tokenOf(manager);
    expect((await explain(about, token)).body).toMatchObject({ allowed: false, would: { scopes: ['/', '/tenants/acme'] } });
    for (const scope of ['/', '/tenants/globex']) expect((await explain({ ...about, scope }, token)).status).toBe(403);
    await bind(user, 'operator', '/');
    expect((await explain(about)).body).toMatchObject({ allowed: true, by: [{ role: 'operator', scope: '/' }] });
    await stage.change(user, { disabled: true });
    expect((await explain(about)).body).toMatchObject({ allowed: false, disabled: true, by: [{ role: 'operator' }] });
    expect((await explain({ ...about, principal: 'user:usr_nobody' })).status).toBe(404);
    expect(await explain({ ...about, permission: 'moon.land' })).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: '/permission' }] },
    });
  });
});
