// Real: Postgres with the event log, NATS, the gateway's HTTP server. What roles on orgs and projects let their holders do, and no more.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { roles } from '@fairlead/contracts';
import type { Answer } from '../testing/gateway.js';
import { startIdentityStage, type IdentityStage, type TestUser } from '../testing/identity.js';
import { namesOf, orgCalls } from '../testing/orgs.js';

let stage: IdentityStage;
let calls: ReturnType<typeof orgCalls>;

beforeAll(async () => {
  stage = await startIdentityStage();
  calls = orgCalls(stage);
}, 120_000);

afterAll(() => stage.stop());

/** Somebody who holds these roles, each on a scope. */
async function holding(...held: [role: string, scope: string][]): Promise<{ who: TestUser; token: string }> {
  const who = await stage.newUser();
  for (const [role, scope] of held) expect((await calls.bind(who, role, scope)).status).toBe(201);
  return { who, token: (await stage.login(who)).token };
}

/** A role of these permissions; answers its name. */
async function roleOf(...permissions: string[]): Promise<string> {
  const body = { name: calls.newName('role'), description: 'for a test', permissions };
  expect((await stage.gateway.call('POST', '/admin/v1/roles', { token: stage.admin, body })).status).toBe(201);
  return body.name;
}

const refused = (answer: Answer, permission: string, scope?: string) => {
  const details = { permission, ...(scope === undefined ? {} : { scope }) };
  expect(answer).toMatchObject({ status: 403, body: { code: 'permission_denied', details } });
};

describe('a role on an org', () => {
  it('holds for it and its projects, and for no other', async () => {
    const [own, other] = [await calls.newOrg('web'), await calls.newOrg('web')];
    const { token } = await holding(['admin', `/orgs/${own}`]);
    expect((await calls.get(own, undefined, token)).status).toBe(200);
    expect((await calls.createProject(own, 'api', token)).status).toBe(201);
    expect((await calls.change(own, 'web', 'Mine', token)).status).toBe(200);
    expect((await calls.change(own, undefined, 'Mine', token)).status).toBe(200);
    expect((await calls.remove(own, 'api', token)).status).toBe(204);
    refused(await calls.get(other, undefined, token), 'org.read', `/orgs/${other}`);
    refused(await calls.get(other, 'web', token), 'project.read', `/orgs/${other}/projects/web`);
    refused(await calls.listProjects(other, '', token), 'project.read', `/orgs/${other}`);
    refused(await calls.createProject(other, 'api', token), 'project.manage', `/orgs/${other}`);
    refused(await calls.change(other, 'web', 'Mine', token), 'project.manage', `/orgs/${other}/projects/web`);
    refused(await calls.remove(other, undefined, token), 'org.manage', `/orgs/${other}`);
    // Whether it is there is not told.
    refused(await calls.get('nowhere', undefined, token), 'org.read', '/orgs/nowhere');
    refused(await calls.create(calls.newName(), token), 'org.manage');
  });

  it('shows its holder what is theirs alone, and looks at nothing else of the platform', async () => {
    const [own, other] = [await calls.newOrg('web', 'api'), await calls.newOrg('web')];
    const { token } = await holding(['viewer', `/orgs/${own}`], ['viewer', `/orgs/${other}/projects/web`]);
    expect(namesOf(await calls.list('limit=200', token))).toEqual([own]);
    expect(namesOf(await calls.listProjects(own, '', token))).toEqual(['api', 'web']);
    expect((await calls.createProject(other, 'api')).status).toBe(201);
    expect(namesOf(await calls.listProjects(other, '', token))).toEqual(['web']);
    refused(await calls.change(own, 'web', 'x', token), 'project.manage');
    for (const path of ['/admin/v1/fleet/snapshot', '/admin/v1/users', '/admin/v1/log/events'])
      expect((await stage.gateway.call('GET', path, { token })).status).toBe(403);
    // Lists that show what the caller may read have nothing for them.
    stage.gateway.peers.calls.length = 0;
    expect((await stage.gateway.call('GET', '/admin/v1/tenants', { token })).status).toBe(200);
    expect(
      stage.gateway.peers.calls.map(({ principal }) => [principal.grants.has('tenant.read'), principal.grantsOn?.has('tenant.read')]),
    ).toEqual([[false, true]]);
  });

  it('is told by whoami, and explained', async () => {
    const org = await calls.newOrg('web');
    const { who, token } = await holding(['viewer', `/orgs/${org}`]);
    const whoami = await stage.gateway.call('GET', '/admin/v1/auth/whoami', { token });
    expect(whoami.body).toMatchObject({
      bindings: [{ role: 'viewer', scope: `/orgs/${org}` }],
      permissions: [
        { scope: '/', permissions: ['self'] },
        { scope: `/orgs/${org}`, permissions: [...roles.viewer].sort() },
      ],
    });
    const explain = async (permission: string) => {
      const query = new URLSearchParams({ principal: `user:${who.id}`, permission, scope: `/orgs/${org}/projects/web` });
      return (await stage.gateway.call('GET', `/admin/v1/auth/explain?${query.toString()}`, { token })).body;
    };
    expect(await explain('project.read')).toMatchObject({ allowed: true, by: [{ role: 'viewer', scope: `/orgs/${org}` }], would: null });
    expect(await explain('project.manage')).toMatchObject({
      ...{ allowed: false, would: { roles: ['admin'], scopes: ['/', `/orgs/${org}`, `/orgs/${org}/projects/web`] } },
    });
  });

  it('is refused where there is no such org or project', async () => {
    const [org, user] = [await calls.newOrg('web'), await stage.newUser()];
    expect(await calls.bind(user, 'viewer', '/orgs/nowhere')).toMatchObject({ status: 404, body: { code: 'org_not_found' } });
    for (const scope of [`/orgs/${org}/projects/nothing`, '/orgs/nowhere/projects/web'])
      expect(await calls.bind(user, 'viewer', scope)).toMatchObject({ status: 404, body: { code: 'project_not_found' } });
    const held = await stage.gateway.call('GET', `/admin/v1/role-bindings?principal=user:${user.id}`, { token: stage.admin });
    expect(held.body['items']).toEqual([]);
  });
});

describe('a role on a project', () => {
  it('is none on its org, nor on another project', async () => {
    const org = await calls.newOrg('web', 'api');
    const { token } = await holding(['admin', `/orgs/${org}/projects/web`]);
    expect((await calls.change(org, 'web', 'Mine', token)).status).toBe(200);
    expect(namesOf(await calls.list('limit=200', token))).toEqual([]);
    refused(await calls.get(org, undefined, token), 'org.read', `/orgs/${org}`);
    refused(await calls.get(org, 'api', token), 'project.read', `/orgs/${org}/projects/api`);
    refused(await calls.createProject(org, 'new', token), 'project.manage', `/orgs/${org}`);
    refused(await calls.remove(org, undefined, token), 'org.manage', `/orgs/${org}`);
  });

  it('may be a custom one', async () => {
    const org = await calls.newOrg('web');
    const { token } = await holding([await roleOf('project.read'), `/orgs/${org}/projects/web`]);
    expect((await calls.get(org, 'web', token)).status).toBe(200);
    refused(await calls.remove(org, 'web', token), 'project.manage');
  });
});

describe('nobody reaches further by a role on an org', () => {
  it('than it: they bind on it and below, and neither elsewhere nor above', async () => {
    const [own, other] = [await calls.newOrg('web'), await calls.newOrg('web')];
    const { who, token } = await holding(['admin', `/orgs/${own}`]);
    const user = await stage.newUser();
    expect((await calls.bind(user, 'operator', `/orgs/${own}`, token)).status).toBe(201);
    expect((await calls.bind(user, 'admin', `/orgs/${own}/projects/web`, token)).status).toBe(201);
    for (const scope of ['/', `/orgs/${other}`, `/orgs/${other}/projects/web`, '/tenants/acme'])
      for (const subject of [user, who]) refused(await calls.bind(subject, 'viewer', scope, token), 'identity.manage');
    const seen = await stage.gateway.call('GET', '/admin/v1/role-bindings?limit=200', { token });
    const scopes = (seen.body['items'] as { scope: string }[]).map(({ scope }) => scope);
    expect(new Set(scopes)).toEqual(new Set([`/orgs/${own}`, `/orgs/${own}/projects/web`]));
  });

  it('than their role says: no role that could do more there, and no role of their own making', async () => {
    const org = await calls.newOrg('web');
    const { token } = await holding([await roleOf('identity.manage', 'project.read'), `/orgs/${org}`]);
    const user = await stage.newUser();
    refused(await calls.bind(user, 'viewer', `/orgs/${org}/projects/web`, token), 'tenant.read');
    expect((await calls.bind(user, await roleOf('project.read'), `/orgs/${org}/projects/web`, token)).status).toBe(201);
    const body = { name: calls.newName('role'), description: 'more', permissions: ['project.manage'] };
    refused(await stage.gateway.call('POST', '/admin/v1/roles', { token, body }), 'identity.manage');
    const account = { email: 'more@example.com', password: 'correct horse battery', roles: [] };
    refused(await stage.gateway.call('POST', '/admin/v1/users', { token, body: account }), 'identity.manage');
  });

  it('once they have lost it, though their access token still says so', async () => {
    const org = await calls.newOrg('web');
    const { who, token } = await holding(['admin', `/orgs/${org}`]);
    const held = await stage.gateway.call('GET', `/admin/v1/role-bindings?principal=user:${who.id}`, { token: stage.admin });
    const [binding] = held.body['items'] as { binding_id: string }[];
    await stage.gateway.call('DELETE', `/admin/v1/role-bindings/${String(binding?.binding_id)}`, { token: stage.admin });
    for (const answer of [
      await calls.createProject(org, 'api', token),
      await calls.remove(org, 'web', token),
      await calls.change(org, undefined, 'Mine', token),
      await calls.bind(await stage.newUser(), 'viewer', `/orgs/${org}`, token),
    ])
      expect(answer.status).toBe(403);
    expect(namesOf(await calls.listProjects(org))).toEqual(['web']);
  });

  it('with a token that is kept to tenants', async () => {
    const org = await calls.newOrg('web');
    const { token } = await holding(['admin', `/orgs/${org}`], ['viewer', '/']);
    const body = { name: 'kept', roles: ['viewer'], scope: { tenants: ['acme'] } };
    const kept = String((await stage.gateway.call('POST', '/admin/v1/api-tokens', { token, body })).body['token']);
    for (const answer of [await calls.list('', kept), await calls.get(org, 'web', kept), await calls.listProjects(org, '', kept)])
      expect(answer.status).toBe(403);
  });

  it('by deleting: an org that others hold roles on goes with these alone', async () => {
    const [own, other] = [await calls.newOrg(), await calls.newOrg()];
    const { token } = await holding(['admin', `/orgs/${own}`]);
    const member = await holding(['viewer', `/orgs/${own}`], ['viewer', `/orgs/${other}`]);
    expect((await calls.remove(own, undefined, token)).status).toBe(204);
    expect(namesOf(await calls.list('limit=200', (await stage.login(member.who)).token))).toEqual([other]);
    expect((await calls.get(other, undefined, member.token)).status).toBe(200);
  });
});
