// Real: Postgres with the event log, NATS, the gateway's HTTP server. API tokens with roles that are not the product's.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Permission } from '@fairlead/contracts';
import type { Answer } from '../testing/gateway.js';
import { startIdentityStage, type IdentityStage, type TestUser } from '../testing/identity.js';
import { keyCalls, orgCalls } from '../testing/orgs.js';

let stage: IdentityStage;
let orgs: ReturnType<typeof orgCalls>;

beforeAll(async () => {
  stage = await startIdentityStage();
  orgs = orgCalls(stage);
}, 120_000);

afterAll(() => stage.stop());

const call = (by: string, method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  stage.gateway.call(method, `/admin/v1${path}`, { token: by, body, headers });
const done = async (answering: Promise<Answer>, status: number) => {
  const answer = await answering;
  expect({ status: answer.status, body: answer.body }).toMatchObject({ status });
  return answer;
};
/** Makes a role of these permissions, as the first admin. */
async function roleOf(...permissions: Permission[]): Promise<string> {
  const name = `role-${randomUUID().slice(0, 8)}`;
  await done(call(stage.admin, 'POST', '/roles', { name, description: 'for a test', permissions }), 201);
  return name;
}
const changeRole = (name: string, ...permissions: Permission[]) => done(call(stage.admin, 'PATCH', `/roles/${name}`, { permissions }), 200);
const bind = (principal: string, role: string) => done(call(stage.admin, 'POST', '/role-bindings', { principal, role, scope: '/' }), 201);
/** Somebody who holds nothing but these, and their access token. */
async function holder(...names: string[]): Promise<{ user: TestUser; session: string }> {
  const user = await stage.newUser();
  for (const name of names) await bind(`user:${user.id}`, name);
  return { user, session: (await stage.login(user)).token };
}
const made = async (by: string, path: string, ...roles: string[]) => {
  const { body } = await done(call(by, 'POST', path, { name: 'ci', roles }), 201);
  return { id: String(body['token_id']), token: String(body['token']) };
};
/** What a token may do. */
const mayDo = async (token: string) => {
  const { status, body } = await call(token, 'GET', '/auth/me');
  return status === 200 ? (body['permissions'] as string[]).filter((permission) => permission !== 'self').sort() : status;
};
const denied = { status: 403, body: { code: 'permission_denied' } };

describe('an API token with a role that is not the product’s', () => {
  it('does what the role gives, as far as its user may, and its event tells what that was', async () => {
    const [wide, narrow] = [await roleOf('job.read', 'tenant.read', 'schedule.manage'), await roleOf('job.read', 'fleet.read')];
    const { user, session } = await holder(wide, narrow);
    const { id, token } = await made(session, '/api-tokens', narrow);
    expect(await mayDo(token)).toEqual(['fleet.read', 'job.read']);
    expect((await call(token, 'GET', '/jobs')).status).toBe(200);
    expect(await call(token, 'GET', '/tenants')).toMatchObject(denied);
    expect(await stage.events(user, 'api_token_created')).toMatchObject([
      { schemaVersion: 2, payload: { token_id: id, roles: [narrow], permissions: { [narrow]: ['fleet.read', 'job.read'] } } },
    ]);
    expect((await call(session, 'GET', '/api-tokens')).body['items']).toMatchObject([
      { permissions: { [narrow]: ['fleet.read', 'job.read'] } },
    ]);
    const both = await made(session, '/api-tokens', narrow, wide);
    expect(await mayDo(both.token)).toEqual(['fleet.read', 'job.read', 'schedule.manage', 'tenant.read']);
  });

  it('does it where its user holds it, and nowhere else', async () => {
    const [name, scope] = [await roleOf('org.read'), `/orgs/${await orgs.newOrg()}`];
    const { user, session } = await holder(await roleOf('job.read'));
    await done(call(stage.admin, 'POST', '/role-bindings', { principal: `user:${user.id}`, role: name, scope }), 201);
    const { token } = await made(session, '/api-tokens', name);
    expect((await call(token, 'GET', '/auth/whoami')).body['permissions']).toEqual([
      { scope: '/', permissions: ['self'] },
      { scope, permissions: ['org.read', 'self'] },
    ]);
  });

  it('is not made of a role that there is not, or that gives more than its maker may do', async () => {
    const { session } = await holder(await roleOf('job.read'));
    const more = await roleOf('job.read', 'identity.manage');
    expect(await call(session, 'POST', '/api-tokens', { name: 'ci', roles: [more] })).toMatchObject({
      ...denied,
      body: { details: { role: more, permission: 'identity.manage' } },
    });
    for (const name of ['no-such-role', 'Viewer', 'constructor'])
      expect(await call(session, 'POST', '/api-tokens', { name: 'ci', roles: ['viewer', name] })).toMatchObject({
        status: 400,
        body: { errors: [{ pointer: '/roles/1' }] },
      });
    const many = Array.from({ length: 11 }, (_, index) => `role-${String(index)}`);
    for (const roles of [[], many])
      expect(await call(session, 'POST', '/api-tokens', { name: 'ci', roles })).toMatchObject({
        status: 400,
        body: { errors: [{ pointer: '/roles' }] },
      });
    expect((await call(session, 'GET', '/api-tokens')).body['items']).toEqual([]);
  });

  it('may be called what every object has', async () => {
    const body = { name: 'constructor', description: 'for a test', permissions: ['job.read'] };
    await done(call(stage.admin, 'POST', '/roles', body), 201);
    const { session } = await holder('constructor');
    const { token } = await made(session, '/api-tokens', 'constructor', 'constructor');
    expect(await mayDo(token)).toEqual(['job.read']);
    await changeRole('constructor', 'tenant.read');
    expect(await mayDo(token)).toBe(403);
  });

  it('keeps each of several to what it gave itself: none makes up for another', async () => {
    const [one, other] = [await roleOf('job.read'), await roleOf('tenant.read')];
    const { session } = await holder(one, other);
    const { token } = await made(session, '/api-tokens', one, other);
    await changeRole(one, 'fleet.read');
    await changeRole(other, 'tenant.read', 'job.read');
    expect(await mayDo(session)).toContain('job.read');
    expect(await mayDo(token)).toEqual(['tenant.read']);
  });

  it('gives no more than the role does afterwards when that is narrowed while it is made', async () => {
    const name = await roleOf('job.read', 'tenant.read');
    const { session } = await holder(name, await roleOf('job.read', 'tenant.read'));
    const making = Array.from({ length: 4 }, () => call(session, 'POST', '/api-tokens', { name: 'ci', roles: [name] }));
    const [, ...answers] = await Promise.all([changeRole(name, 'job.read'), ...making]);
    for (const { status, body } of answers) {
      expect(status).toBe(201);
      expect(await mayDo(String(body['token']))).toEqual(['job.read']);
    }
  });

  it('gets no further when the role is widened, and less when it is narrowed, taken away or deleted', async () => {
    const name = await roleOf('job.read', 'tenant.read');
    const { user, session } = await holder(name);
    const { token } = await made(session, '/api-tokens', name);
    await changeRole(name, 'job.read', 'tenant.read', 'identity.manage', 'data.browse');
    expect(await mayDo(session)).toContain('identity.manage');
    expect(await mayDo(token)).toEqual(['job.read', 'tenant.read']);
    expect(await call(token, 'GET', '/users')).toMatchObject(denied);
    // One that is made now is another matter.
    expect(await mayDo((await made(session, '/api-tokens', name)).token)).toContain('identity.manage');
    await changeRole(name, 'tenant.read', 'fleet.read');
    expect(await mayDo(token)).toEqual(['tenant.read']);
    const { body } = await call(stage.admin, 'GET', `/role-bindings?principal=user:${user.id}`);
    const [binding] = body['items'] as { binding_id: string }[];
    await done(call(stage.admin, 'DELETE', `/role-bindings/${binding?.binding_id ?? ''}`), 204);
    expect(await mayDo(token)).toBe(403);
    await done(call(stage.admin, 'DELETE', `/roles/${name}`, undefined, { 'if-match': '*' }), 204);
    await bind(`user:${user.id}`, 'admin');
    expect(await mayDo(token)).toBe(403);
    // Nor does it get what another role of that name gives.
    await done(call(stage.admin, 'POST', '/roles', { name, description: 'another', permissions: ['tenant.read', 'identity.manage'] }), 201);
    expect(await mayDo(token)).toEqual(['tenant.read']);
  });
});

describe('an API token that somebody makes for a service account', () => {
  it('never comes to do more than they could when they made it, whatever becomes of the role and the account', async () => {
    const lesser = await roleOf('identity.manage', 'job.read');
    const { session } = await holder(lesser);
    const { body: account } = await done(call(stage.admin, 'POST', '/service-accounts', { name: `bot-${randomUUID().slice(0, 8)}` }), 201);
    await bind(String(account['principal']), 'admin');
    const path = `/service-accounts/${String(account['service_account_id'])}/tokens`;
    const name = await roleOf('job.read');
    expect(await call(session, 'POST', path, { name: 'ci', roles: [await roleOf('job.read', 'data.browse')] })).toMatchObject(denied);
    const { id, token } = await made(session, path, name);
    expect(await mayDo(token)).toEqual(['job.read']);
    await changeRole(name, 'job.read', 'data.browse', 'audit.export');
    expect(await mayDo(token)).toEqual(['job.read']);
    // With what it has come to give, they make no other, and a new secret for this one gives no more than the one before.
    expect(await call(session, 'POST', path, { name: 'ci', roles: [name] })).toMatchObject(denied);
    const rotated = await done(call(session, 'POST', `${path}/${id}/rotate`, {}), 200);
    expect(await mayDo(String(rotated.body['token']))).toEqual(['job.read']);
  });

  it('gets no new secret from somebody who lacks what its role gave when it was made, though it is narrow for a while', async () => {
    const { session } = await holder(await roleOf('identity.manage', 'job.read'));
    const { body: account } = await done(call(stage.admin, 'POST', '/service-accounts', { name: `bot-${randomUUID().slice(0, 8)}` }), 201);
    await bind(String(account['principal']), 'admin');
    const path = `/service-accounts/${String(account['service_account_id'])}/tokens`;
    const name = await roleOf('job.read', 'data.browse');
    const { id } = await made(stage.admin, path, name);
    await changeRole(name, 'job.read');
    // Whoever had it then would have `data.browse` once the role gives it again.
    expect(await call(session, 'POST', `${path}/${id}/rotate`, {})).toMatchObject({
      ...denied,
      body: { details: { role: name, permission: 'data.browse' } },
    });
    await done(call(stage.admin, 'POST', `${path}/${id}/rotate`, {}), 200);
  });
});

describe('a key of a project with a role that is not the product’s', () => {
  it('keeps to what the role gave when it was made, as API tokens do', async () => {
    const keys = keyCalls(stage);
    const org = await orgs.newOrg('web');
    const scope = `/orgs/${org}/projects/web`;
    const keyMayDo = async (token: string) => {
      const { body } = await stage.gateway.call('GET', '/admin/v1/auth/whoami', { token });
      const given = (body['permissions'] as { scope: string; permissions: string[] }[] | undefined)?.find((one) => one.scope === scope);
      return given?.permissions.filter((permission) => permission !== 'self') ?? [];
    };
    const name = await roleOf('project.read');
    const { key, id } = await keys.create(org, 'web', name);
    expect(await keyMayDo(key)).toEqual(['project.read']);
    const [told] = await stage.database.db.query<{ payload: unknown }>(
      `select payload from log.event where type = 'project_key_created' and payload ->> 'key_id' = $1`,
      [id],
    );
    expect(told?.payload).toMatchObject({ role: name, permissions: ['project.read'] });
    await changeRole(name, 'project.read', 'project.manage');
    expect(await keyMayDo(key)).toEqual(['project.read']);
    expect(await orgs.change(org, 'web', 'By its own key', key)).toMatchObject(denied);
    const wide = await keys.create(org, 'web', name);
    expect(await keyMayDo(wide.key)).toEqual(['project.manage', 'project.read']);
    await changeRole(name, 'project.manage');
    expect([await keyMayDo(key), await keyMayDo(wide.key)]).toEqual([[], ['project.manage']]);
    expect((await keys.list(org, 'web')).map(({ permissions }) => permissions)).toEqual([
      ['project.manage', 'project.read'],
      ['project.read'],
    ]);
    // Nor does somebody get its secret who could not have made it.
    const { user, session } = await holder();
    const lesser = await roleOf('project.manage');
    await done(call(stage.admin, 'POST', '/role-bindings', { principal: `user:${user.id}`, role: lesser, scope }), 201);
    expect(await keys.rotate(org, 'web', id, 0, { token: session })).toMatchObject(denied);
  });
});
