// Real: Postgres with the event log, NATS, the gateway's HTTP server. Placement is scripted.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { roles } from '@fairlead/contracts';
import { eventually } from '@fairlead/testing';
import type { TestGateway } from '../testing/gateway.js';
import { startIdentityStage, type IdentityStage, type TestUser } from '../testing/identity.js';

let stage: IdentityStage;
let gateway: TestGateway;
let user: TestUser;
let made = 0;

beforeAll(async () => {
  stage = await startIdentityStage();
  gateway = stage.gateway;
}, 120_000);

afterAll(() => stage.stop());

beforeEach(async () => {
  user = await stage.newUser();
});

const newName = () => `role-${String(++made)}`;
const create = (name: string, permissions: readonly string[], token = stage.admin) =>
  gateway.call('POST', '/admin/v1/roles', { token, body: { name, description: 'for a test', permissions } });
const change = (name: string, body: object, token = stage.admin, revision = '*') =>
  gateway.call('PATCH', `/admin/v1/roles/${name}`, { token, body, headers: { 'if-match': revision } });
const remove = (name: string, token = stage.admin, revision = '*') =>
  gateway.call('DELETE', `/admin/v1/roles/${name}`, { token, headers: { 'if-match': revision } });
const bind = (who: TestUser, role: string, scope = '/', token = stage.admin) =>
  gateway.call('POST', '/admin/v1/role-bindings', { token, body: { principal: `user:${who.id}`, role, scope } });
const unbind = (id: unknown) => gateway.call('DELETE', `/admin/v1/role-bindings/${String(id)}`, { token: stage.admin });
const tokenOf = async (who: TestUser) => (await stage.login(who)).token;
const jobsOf = (tenant: string, token: string) =>
  gateway.call('GET', `/admin/v1/tenants/${tenant}/jobs`, { token, headers: { 'x-tenant-id': tenant } });
const stored = (name: string) => stage.database.db.query('select permissions, revision from role where name = $1', [name]);
const told = (name: string) =>
  stage.database.db.query<{ type: string; payload: Record<string, unknown> }>(
    `select type, payload from log.event where aggregate_type = 'role' and aggregate_id = $1 order by position`,
    [name],
  );
const denied = (permission: string) => ({ status: 403, body: { code: 'permission_denied', details: { permission } } });

/** Who manages identity everywhere with a role of their own, and may do nothing but these. */
async function managerWith(...permissions: string[]): Promise<{ who: TestUser; role: string; token: string }> {
  const role = newName();
  expect((await create(role, ['identity.manage', ...permissions])).status).toBe(201);
  const who = await stage.newUser();
  expect((await bind(who, role)).status).toBe(201);
  return { who, role, token: await tokenOf(who) };
}

describe('a custom role', () => {
  it('is made, told and listed among those of the product', async () => {
    const name = newName();
    const { status, body, headers } = await create(name, ['tenant.read', 'job.read', 'tenant.read']);
    expect([status, headers.get('etag'), Number(headers.get('x-fairlead-position')) > 0]).toEqual([201, '"1"', true]);
    expect(body).toMatchObject({ name, built_in: false, description: 'for a test', permissions: ['job.read', 'tenant.read'], revision: 1 });
    expect((await gateway.call('GET', `/admin/v1/roles/${name}`, { token: stage.admin })).body).toEqual(body);
    const pages: Record<string, unknown>[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const path = `/admin/v1/roles?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`;
      const page = (await gateway.call('GET', path, { token: stage.admin })).body as {
        items: Record<string, unknown>[];
        next_cursor: string | null;
      };
      pages.push(...page.items);
      cursor = page.next_cursor;
    }
    const names = pages.map((role) => String(role['name']));
    expect(names).toEqual([...new Set(names)].sort());
    expect(names).toEqual(expect.arrayContaining([name, ...Object.keys(roles)]));
    expect(pages.find((role) => role['name'] === 'viewer')).toMatchObject({ built_in: true, revision: null });
    expect(await told(name)).toMatchObject([{ type: 'role_created', payload: { name, permissions: ['job.read', 'tenant.read'] } }]);
  });

  it('is held like any other, and named to those who ask why', async () => {
    const name = newName();
    await create(name, ['job.read']);
    const { body: bound } = await bind(user, name, '/tenants/acme');
    const token = await tokenOf(user);
    expect([(await jobsOf('acme', token)).status, (await jobsOf('globex', token)).status]).toEqual([200, 403]);
    const held = { binding_id: bound['binding_id'], role: name, scope: '/tenants/acme' };
    expect((await gateway.call('GET', '/admin/v1/auth/whoami', { token })).body).toMatchObject({ bindings: [held] });
    const why = (scope: string) =>
      gateway.call('GET', `/admin/v1/auth/explain?principal=user:${user.id}&permission=job.read&scope=${scope}`, { token: stage.admin });
    expect((await why('/tenants/acme')).body).toMatchObject({ allowed: true, by: [held], would: null });
    expect((await why('/tenants/globex')).body).toMatchObject({
      allowed: false,
      would: { roles: expect.arrayContaining(['viewer', 'operator', 'admin', name]) },
    });
  });

  it('gives and takes by a change, at the next access token', async () => {
    const name = newName();
    await create(name, ['tenant.read']);
    await bind(user, name, '/tenants/acme');
    expect((await jobsOf('acme', await tokenOf(user))).status).toBe(403);
    const changed = await change(name, { permissions: ['job.read'] }, stage.admin, '"1"');
    expect([changed.status, changed.headers.get('etag'), changed.body['permissions']]).toEqual([200, '"2"', ['job.read']]);
    expect((await jobsOf('acme', await tokenOf(user))).status).toBe(200);
    expect((await told(name)).at(-1)).toEqual({
      type: 'role_changed',
      payload: {
        ...{ name, before: { description: 'for a test', permissions: ['tenant.read'] } },
        after: { description: 'for a test', permissions: ['job.read'] },
      },
    });
  });

  it('is changed by who has read it as it is, and by a repeat not at all', async () => {
    const name = newName();
    await create(name, ['tenant.read']);
    expect((await change(name, { description: 'other' }, stage.admin, '"1"')).body['revision']).toBe(2);
    for (const send of [() => change(name, { description: 'mine' }, stage.admin, '"1"'), () => remove(name, stage.admin, '"1"')])
      expect(await send()).toMatchObject({ status: 412, body: { code: 'revision_mismatch', details: { revision: 2 } } });
    const again = await change(name, { description: 'other', permissions: ['tenant.read'] });
    expect([again.status, again.body['revision'], again.headers.get('x-fairlead-position')]).toEqual([200, 2, null]);
    expect(await told(name)).toHaveLength(2);
  });

  it('is deleted once nobody holds it', async () => {
    const name = newName();
    await create(name, ['tenant.read']);
    const { body } = await bind(user, name, '/tenants/acme');
    expect(await remove(name)).toMatchObject({ status: 409, body: { code: 'role_in_use', details: { bindings: 1 } } });
    await unbind(body['binding_id']);
    expect((await remove(name, stage.admin, '"1"')).status).toBe(204);
    for (const gone of [
      await remove(name),
      await change(name, { description: 'x' }),
      await gateway.call('GET', `/admin/v1/roles/${name}`, { token: stage.admin }),
    ])
      expect(gone).toMatchObject({ status: 404, body: { code: 'role_not_found' } });
    expect(await bind(user, name)).toMatchObject({ status: 400, body: { errors: [{ pointer: '/role' }] } });
    expect((await told(name)).map(({ type }) => type)).toEqual(['role_created', 'role_deleted']);
  });

  it('is made once, and is answered the same for a repeat with its key', async () => {
    const name = newName();
    const send = () =>
      gateway.call('POST', '/admin/v1/roles', {
        ...{ token: stage.admin, body: { name, description: 'x', permissions: ['job.read'] }, headers: { 'idempotency-key': name } },
      });
    const [first, again] = [await send(), await send()];
    expect([first.status, again.status, again.body]).toEqual([201, 201, first.body]);
    expect(await create(name, ['job.read'])).toMatchObject({ status: 409, body: { code: 'already_exists' } });
    expect(await told(name)).toHaveLength(1);
  });

  it.each([
    ['name', { name: 'No Name' }],
    ['name', { name: '__proto__' }],
    ['description', { description: '' }],
    ['permissions', { permissions: [] }],
    ['permissions/0', { permissions: ['moon.land'] }],
    ['permissions/0', { permissions: ['admin'] }],
    ['', { roles: ['admin'] }],
  ])('is refused for a wrong %s, %j', async (pointer, wrong) => {
    const body = { name: newName(), description: 'x', permissions: ['job.read'], ...wrong };
    expect(await gateway.call('POST', '/admin/v1/roles', { token: stage.admin, body })).toMatchObject({
      status: 400,
      body: { code: 'invalid_argument', errors: [{ pointer: pointer === '' ? expect.any(String) : `/${pointer}` }] },
    });
    expect(await stored(body.name)).toEqual([]);
  });

  it('is refused where an access token could not tell any more what somebody holds', async () => {
    const names = Array.from({ length: 24 }, newName);
    for (const [n, name] of names.entries()) {
      await create(name, ['tenant.read', ...(n % 2 === 0 ? ['job.read'] : [])]);
      for (const m of [0, 1]) expect((await bind(user, name, `/tenants/${'t'.repeat(58)}-${String(n * 2 + m)}`)).status).toBe(201);
    }
    const many = [...roles.admin].filter((permission) => !['self', 'tenant.read', 'job.read'].includes(permission));
    let refused: number | undefined;
    for (const [n, name] of names.entries()) {
      const before = await stored(name);
      const answer = await change(name, { permissions: many.filter((_, m) => m !== n % many.length) });
      if (answer.status === 200) continue;
      expect(answer).toMatchObject({ status: 409, body: { code: 'too_many_grants' } });
      expect(await stored(name)).toEqual(before);
      refused = n;
      break;
    }
    expect(refused).toBeGreaterThan(0);
    expect((await stage.login(user)).token).not.toBe('');
  }, 60_000);
});

describe('a role of the product', () => {
  it.each(Object.keys(roles))('%s stays as it is', async (name) => {
    const body = { code: 'role_built_in' };
    expect(await create(name, ['job.read'])).toMatchObject({ status: 409, body });
    expect(await change(name, { permissions: ['job.read'] })).toMatchObject({ status: 409, body });
    expect(await remove(name)).toMatchObject({ status: 409, body });
    expect(await stored(name)).toEqual([]);
  });
});

describe('nobody reaches more than they have', () => {
  it('by making a role of it', async () => {
    const { token } = await managerWith('job.read');
    const name = newName();
    expect(await create(name, ['job.read', 'tenant.write'], token)).toMatchObject(denied('tenant.write'));
    expect(await stored(name)).toEqual([]);
    expect((await create(name, ['job.read'], token)).status).toBe(201);
  });

  it('by a role that they hold', async () => {
    const { role, token } = await managerWith('job.read');
    const before = await stored(role);
    expect(await change(role, { permissions: ['identity.manage', 'job.read', 'tenant.write'] }, token)).toMatchObject(
      denied('tenant.write'),
    );
    expect(await stored(role)).toEqual(before);
    expect((await change(role, { permissions: ['identity.manage'] }, token)).status).toBe(200);
    // What is given up is gone: it can't be taken back.
    expect(await change(role, { permissions: ['identity.manage', 'job.read'] }, token)).toMatchObject(denied('job.read'));
  });

  it('by a role that somebody else holds, wherever that is', async () => {
    const { token } = await managerWith('job.read');
    for (const scope of ['/', '/tenants/acme']) {
      const name = newName();
      await create(name, ['job.read', 'tenant.write']);
      await bind(user, name, scope);
      expect(await change(name, { permissions: ['job.read', 'tenant.write', 'placement.write'] }, token)).toMatchObject(
        denied('placement.write'),
      );
      // They may word it, and take from it what they do not have themselves.
      expect((await change(name, { description: 'worded' }, token)).status).toBe(200);
      expect((await change(name, { permissions: ['job.read'] }, token)).status).toBe(200);
    }
  });

  it('by binding a role that could do more, to themselves or to others', async () => {
    const { who, token } = await managerWith('job.read');
    const name = newName();
    await create(name, ['job.read', 'tenant.write']);
    for (const whom of [who, user])
      for (const scope of ['/', '/tenants/acme']) expect(await bind(whom, name, scope, token)).toMatchObject(denied('tenant.write'));
  });

  it('from one tenant on: roles are the whole platform’s', async () => {
    const manager = await stage.newUser();
    await bind(manager, 'admin', '/tenants/acme');
    const token = await tokenOf(manager);
    const name = newName();
    await create(name, ['job.read']);
    await bind(user, name);
    expect(await create(newName(), ['job.read'], token)).toMatchObject(denied('identity.manage'));
    expect(await change(name, { permissions: ['job.read', 'tenant.write'] }, token)).toMatchObject(denied('identity.manage'));
    expect(await remove(name, token)).toMatchObject(denied('identity.manage'));
    // They see what there is to bind, and bind it on their tenant alone.
    expect((await gateway.call('GET', `/admin/v1/roles/${name}`, { token })).status).toBe(200);
    expect((await bind(user, name, '/tenants/acme', token)).status).toBe(201);
    expect((await bind(user, name, '/tenants/globex', token)).status).toBe(403);
  });

  it('by an access token from before they lost it', async () => {
    const { role, token } = await managerWith('job.read');
    await change(role, { permissions: ['identity.manage'] });
    expect(await create(newName(), ['job.read'], token)).toMatchObject(denied('job.read'));
    await change(role, { permissions: ['job.read'] });
    expect(await create(newName(), ['job.read'], token)).toMatchObject(denied('identity.manage'));
    expect(await bind(user, role, '/', token)).toMatchObject(denied('identity.manage'));
  });
});

describe('two operators at once', () => {
  /** Sends both while the users are locked, the first one first, and answers what both are told. */
  async function inTurn<A, B>(first: () => Promise<A>, second: () => Promise<B>): Promise<[A, B]> {
    const { db } = stage.database;
    const waiting = (n: number) =>
      eventually(
        async () => {
          const rows = await db.query(
            `select 1 from pg_locks where relation = 'users'::regclass and not granted and mode = 'ShareRowExclusiveLock'`,
          );
          return rows.length === n ? true : undefined;
        },
        { what: `${String(n)} to wait`, timeoutMs: 20_000 },
      );
    const sent: [Promise<A>?, Promise<B>?] = [];
    await db.transaction(async (tx) => {
      await tx.query('lock table users in share row exclusive mode');
      sent[0] = first();
      await waiting(1);
      sent[1] = second();
      await waiting(2);
    });
    return Promise.all([sent[0] as Promise<A>, sent[1] as Promise<B>]);
  }

  it('change and bind a role: who lacks what is new in it does not bind it', async () => {
    const { token } = await managerWith('job.read');
    const name = newName();
    await create(name, ['job.read']);
    const widen = () => change(name, { permissions: ['job.read', 'tenant.write'] });
    const [widened, bound] = await inTurn(widen, () => bind(user, name, '/', token));
    expect(widened.status).toBe(200);
    expect(bound).toMatchObject(denied('tenant.write'));
  });

  it('bind and change a role: what was bound before the change was theirs to give', async () => {
    const { token } = await managerWith('job.read');
    const name = newName();
    await create(name, ['job.read']);
    const widen = () => change(name, { permissions: ['job.read', 'tenant.write'] }, token);
    const [bound, widened] = await inTurn(() => bind(user, name), widen);
    expect(bound.status).toBe(201);
    expect(widened).toMatchObject(denied('tenant.write'));
  });

  it('take a permission away and give it on: it is gone', async () => {
    const { role, token } = await managerWith('job.read');
    const name = newName();
    await create(name, ['fleet.read']);
    const [taken, given] = await inTurn(
      () => change(role, { permissions: ['identity.manage'] }),
      () => change(name, { permissions: ['fleet.read', 'job.read'] }, token),
    );
    expect(taken.status).toBe(200);
    expect(given).toMatchObject(denied('job.read'));
    expect(await stored(name)).toMatchObject([{ permissions: ['fleet.read'] }]);
  });

  it('change the same role: the slower one is told', async () => {
    const name = newName();
    await create(name, ['job.read']);
    const [first, second] = await inTurn(
      () => change(name, { description: 'one' }, stage.admin, '"1"'),
      () => change(name, { description: 'two' }, stage.admin, '"1"'),
    );
    expect([first.status, second.status]).toEqual([200, 412]);
  });

  it('delete and bind a role: it is held by nobody, or it stays', async () => {
    const name = newName();
    await create(name, ['job.read']);
    const [deleted, late] = await inTurn(
      () => remove(name),
      () => bind(user, name),
    );
    expect([deleted.status, late.status]).toEqual([204, 400]);
    await create(name, ['job.read']);
    const [bound, refused] = await inTurn(
      () => bind(user, name),
      () => remove(name),
    );
    expect([bound.status, refused.status]).toEqual([201, 409]);
  });
});
