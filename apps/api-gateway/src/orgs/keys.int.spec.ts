// Real: Postgres with the event log, NATS, the gateway's HTTP server. Keys with which programs act as a project.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { roles } from '@fairlead/contracts';
import type { Answer } from '../testing/gateway.js';
import { startIdentityStage, type IdentityStage } from '../testing/identity.js';
import { keyCalls, namesOf, orgCalls } from '../testing/orgs.js';

let stage: IdentityStage;
let calls: ReturnType<typeof orgCalls>;
let keys: ReturnType<typeof keyCalls>;
/** A fresh one with the project `web`, for each test. */
let org: string;

beforeAll(async () => {
  stage = await startIdentityStage();
  [calls, keys] = [orgCalls(stage), keyCalls(stage)];
}, 120_000);

afterAll(() => stage.stop());

beforeEach(async () => {
  org = await calls.newOrg('web', 'api');
});

const whoami = (key: string) => stage.gateway.call('GET', '/admin/v1/auth/whoami', { token: key });
const sql = <Row extends object>(text: string, params: unknown[] = []) => stage.database.db.query<Row>(text, params);
const told = async (projectId: unknown) =>
  (await sql<{ type: string }>('select type from log.event where aggregate_id = $1 order by position', [projectId])).map(
    ({ type }) => type,
  );
const bindingsOf = async (principal: unknown) =>
  sql<{ role: string; scope: string }>('select role, scope from role_binding where principal = $1 order by role', [principal]);
/** As the database's clock has gone on. */
const endOverlap = (keyId: string) => sql(`update api_token set previous_until = now() - interval '1 second' where token_id = $1`, [keyId]);
const tooMany = { status: 409, body: { code: 'too_many_keys' } };
const unauthenticated = { status: 401, body: { code: 'unauthenticated' } };

describe('a key', () => {
  it('acts as its project, with its role there and nowhere else', async () => {
    const made = await keys.create(org, 'web', 'admin');
    const project = (await calls.get(org, 'web')).body;
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ name: 'ci', role: 'admin', last_used_at: null, previous_until: null });
    const { key } = made;
    expect((await whoami(key)).body).toMatchObject({
      ...{ principal: project['principal'], name: `${org}/web (project)`, via: `api-token:${made.id}` },
      bindings: [{ role: 'admin', scope: `/orgs/${org}/projects/web` }],
      permissions: [
        { scope: '/', permissions: ['self'] },
        { scope: `/orgs/${org}/projects/web`, permissions: [...roles.admin].sort() },
      ],
    });
    expect(project['principal']).toBe(`project:${String(project['project_id'])}`);
    expect((await calls.change(org, 'web', 'By its own key', key)).status).toBe(200);
    const [changed] = await sql<{ principal: string; via: string }>(
      `select meta ->> 'principal' as principal, meta ->> 'via' as via from log.event where type = 'project_changed' and aggregate_id = $1`,
      [project['project_id']],
    );
    expect(changed).toEqual({ principal: project['principal'], via: `api-token:${made.id}` });
    for (const answer of [await calls.get(org, 'api', key), await calls.get(org, undefined, key), await calls.change(org, 'api', 'x', key)])
      expect(answer).toMatchObject({ status: 403, body: { code: 'permission_denied' } });
    for (const path of ['/admin/v1/users', '/admin/v1/fleet/snapshot', '/admin/v1/auth/sessions', '/admin/v1/api-tokens'])
      expect((await stage.gateway.call('GET', path, { token: key })).status).toBe(403);
    expect(namesOf(await calls.list('', key))).toEqual([]);
  });

  it('is told by its list, without the secret, with its last use', async () => {
    const { key, id } = await keys.create(org, 'web', 'viewer');
    await whoami(key);
    const [listed] = await keys.list(org, 'web');
    expect(listed).toMatchObject({ key_id: id, name: 'ci', role: 'viewer', revoked_at: null });
    expect(listed?.['last_used_at']).not.toBeNull();
    expect(JSON.stringify(listed)).not.toContain(key.slice(-20));
    expect(await stage.told()).not.toContain(key.slice(-20));
    expect(await keys.list(org, 'api')).toEqual([]);
    const all = await stage.gateway.call('GET', '/admin/v1/api-tokens?user_id=all&limit=200', { token: stage.admin });
    expect(JSON.stringify(all.body)).not.toContain(id);
    expect((await stage.gateway.call('DELETE', `/admin/v1/api-tokens/${id}`, { token: stage.admin })).status).toBe(404);
  });

  it('is answered again for its idempotency key, and another request with that is refused', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const first = await keys.create(org, 'web', 'viewer', { headers });
    expect((await keys.create(org, 'web', 'viewer', { headers })).body).toEqual(first.body);
    expect(await keys.create(org, 'web', 'operator', { headers })).toMatchObject({ status: 409, body: { code: 'idempotency_key_reused' } });
    expect(await keys.list(org, 'web')).toHaveLength(1);
  });

  it.each([
    ['role', { name: 'ci', role: 'emperor' }],
    ['role', { name: 'ci' }],
    ['name', { role: 'viewer' }],
    ['expires_in_days', { name: 'ci', role: 'viewer', expires_in_days: 366 }],
  ])('with a wrong %s is refused, %j', async (pointer, body) => {
    const path = `/platform/v1/orgs/${org}/projects/web/keys`;
    const answer = await stage.gateway.call('POST', path, { token: stage.admin, body });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ pointer: `/${pointer}` }] } });
    expect(await keys.list(org, 'web')).toEqual([]);
  });

  it('is of a project that there is', async () => {
    expect(await keys.create(org, 'nothing', 'viewer')).toMatchObject({ status: 404, body: { code: 'project_not_found' } });
    const { id } = await keys.create(org, 'web', 'viewer');
    for (const answer of [await keys.rotate(org, 'api', id), await keys.revoke(org, 'api', id), await keys.rotate(org, 'web', 'flt_x')])
      expect(answer).toMatchObject({ status: 404, body: { code: 'project_key_not_found' } });
  });

  it('is worth nothing once it has expired', async () => {
    const { key, id } = await keys.create(org, 'web', 'viewer');
    await sql(`update api_token set expires_at = now() - interval '1 second' where token_id = $1`, [id]);
    expect(await whoami(key)).toMatchObject(unauthenticated);
    expect((await keys.rotate(org, 'web', id)).status).toBe(404);
    // It takes nobody's place any more.
    for (const expected of [201, 201]) expect((await keys.create(org, 'web', 'viewer')).status).toBe(expected);
  });
});

describe('a rotation', () => {
  it('gives a new secret, beside which the one before works until the overlap ends', async () => {
    const { key, id } = await keys.create(org, 'web', 'viewer');
    const rotated = await keys.rotate(org, 'web', id);
    expect([rotated.status, rotated.id]).toEqual([200, id]);
    const left = Date.parse(String(rotated.body['previous_until'])) - Date.parse(String(rotated.body['rotated_at']));
    expect(left).toBe(24 * 3_600_000);
    for (const one of [key, rotated.key]) expect((await whoami(one)).status).toBe(200);
    await endOverlap(id);
    expect([(await whoami(key)).status, (await whoami(rotated.key)).status]).toEqual([401, 200]);
  });

  it('without an overlap ends the one before at once', async () => {
    const { key, id } = await keys.create(org, 'web', 'viewer');
    const rotated = await keys.rotate(org, 'web', id, 0);
    expect([(await whoami(key)).status, (await whoami(rotated.key)).status]).toEqual([401, 200]);
  });

  it.each([-1, 169, 1.5])('with an overlap of %d hours is refused', async (hours) => {
    const { key, id } = await keys.create(org, 'web', 'viewer');
    expect(await keys.rotate(org, 'web', id, hours)).toMatchObject({ status: 400, body: { errors: [{ pointer: '/overlap_hours' }] } });
    expect((await whoami(key)).status).toBe(200);
  });

  it('leaves two secrets valid at most: a second one in a row ends the first', async () => {
    const { key, id } = await keys.create(org, 'web', 'viewer');
    const [second, third] = [await keys.rotate(org, 'web', id), await keys.rotate(org, 'web', id)];
    const statuses = [];
    for (const one of [key, second.key, third.key]) statuses.push((await whoami(one)).status);
    expect(statuses).toEqual([401, 200, 200]);
  });

  it('gives none beside another key and an overlap, whichever way round', async () => {
    const [one, other] = [await keys.create(org, 'web', 'viewer'), await keys.create(org, 'web', 'operator')];
    expect(await keys.create(org, 'web', 'viewer')).toMatchObject(tooMany);
    expect(await keys.rotate(org, 'web', one.id)).toMatchObject(tooMany);
    const rotated = await keys.rotate(org, 'web', one.id, 0);
    expect([(await whoami(rotated.key)).status, (await whoami(other.key)).status]).toEqual([200, 200]);
    await keys.revoke(org, 'web', other.id);
    expect((await keys.rotate(org, 'web', one.id)).status).toBe(200);
    expect(await keys.create(org, 'web', 'viewer')).toMatchObject(tooMany);
    await endOverlap(one.id);
    expect((await keys.create(org, 'web', 'viewer')).status).toBe(201);
  });

  it('and new keys at once never come to three', async () => {
    const { id, key: first } = await keys.create(org, 'web', 'viewer');
    const answers = await Promise.all([
      ...[1, 2, 3].map(() => keys.create(org, 'web', 'viewer')),
      ...[1, 2, 3].map(() => keys.rotate(org, 'web', id)),
    ]);
    for (const { status } of answers) expect([200, 201, 409]).toContain(status);
    const secrets = [first, ...answers.filter(({ status }) => status < 300).map(({ key }) => key)];
    const works = await Promise.all(secrets.map(whoami));
    expect(works.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(2);
    expect(works.some(({ status }) => status === 200)).toBe(true);
  });
});

describe('what ends', () => {
  it('is refused at once when a key is revoked, and its role goes with it', async () => {
    const [one, other] = [await keys.create(org, 'web', 'admin'), await keys.create(org, 'web', 'viewer')];
    const { principal } = (await calls.get(org, 'web')).body;
    expect((await calls.change(org, 'web', 'Before', one.key)).status).toBe(200);
    expect((await keys.revoke(org, 'web', one.id)).status).toBe(204);
    expect(await calls.change(org, 'web', 'After', one.key)).toMatchObject(unauthenticated);
    expect(await calls.get(org, 'web', one.key)).toMatchObject(unauthenticated);
    expect(await bindingsOf(principal)).toEqual([{ role: 'viewer', scope: `/orgs/${org}/projects/web` }]);
    expect((await calls.get(org, 'web', other.key)).status).toBe(200);
    const again = await keys.revoke(org, 'web', one.id);
    expect([again.status, again.headers.get('x-fairlead-position')]).toEqual([204, null]);
    expect((await keys.rotate(org, 'web', one.id)).status).toBe(404);
    expect((await keys.list(org, 'web')).find(({ key_id: id }) => id === one.id)?.['revoked_at']).not.toBeNull();
  });

  it('is not the role of another key that has it too', async () => {
    const [one, other] = [await keys.create(org, 'web', 'viewer'), await keys.create(org, 'web', 'viewer')];
    await keys.revoke(org, 'web', one.id);
    expect((await calls.get(org, 'web', other.key)).status).toBe(200);
    await keys.revoke(org, 'web', other.id);
    expect(await bindingsOf((await calls.get(org, 'web')).body['principal'])).toEqual([]);
  });

  it('is every key of a project that is deleted, at once and for good', async () => {
    const { principal, project_id: projectId } = (await calls.get(org, 'web')).body;
    const { key, id } = await keys.create(org, 'web', 'admin');
    const before = (await keys.rotate(org, 'web', id)).key;
    expect((await calls.remove(org, 'web')).status).toBe(204);
    expect((await calls.createProject(org, 'web')).status).toBe(201);
    for (const one of [key, before]) {
      expect(await whoami(one)).toMatchObject(unauthenticated);
      expect(await calls.change(org, 'web', 'Mine', one)).toMatchObject(unauthenticated);
    }
    expect(await bindingsOf(principal)).toEqual([]);
    expect(await keys.list(org, 'web')).toEqual([]);
    expect(await told(projectId)).toEqual([
      ...['project_created', 'project_key_created', 'project_key_rotated', 'project_key_revoked', 'project_deleted'],
    ]);
  });

  it('is what a key may do, once its role is taken from the project', async () => {
    const { key } = await keys.create(org, 'web', 'viewer');
    const { principal } = (await calls.get(org, 'web')).body;
    const held = await stage.gateway.call('GET', `/admin/v1/role-bindings?principal=${String(principal)}`, { token: stage.admin });
    const [binding] = held.body['items'] as { binding_id: string }[];
    expect(
      (await stage.gateway.call('DELETE', `/admin/v1/role-bindings/${String(binding?.binding_id)}`, { token: stage.admin })).status,
    ).toBe(204);
    expect((await calls.get(org, 'web', key)).status).toBe(403);
  });
});

describe('nobody reaches further by a key', () => {
  const manager = async (...held: [role: string, scope: string][]) => {
    const who = await stage.newUser();
    for (const [role, scope] of held) expect((await calls.bind(who, role, scope)).status).toBe(201);
    return (await stage.login(who)).token;
  };
  const roleOf = async (...permissions: string[]) => {
    const body = { name: calls.newName('role'), description: 'for a test', permissions };
    expect((await stage.gateway.call('POST', '/admin/v1/roles', { token: stage.admin, body })).status).toBe(201);
    return body.name;
  };
  const refused = (answer: Answer, details: object) => {
    expect(answer).toMatchObject({ status: 403, body: { code: 'permission_denied', details } });
  };

  it('than they do on the project: not by its role, nor by another’s key that they rotate', async () => {
    const scope = `/orgs/${org}/projects/web`;
    const token = await manager([await roleOf('project.read', 'project.manage'), scope]);
    refused(await keys.create(org, 'web', 'viewer', { token }), { role: 'viewer', scope });
    const strong = await keys.create(org, 'web', 'operator');
    refused(await keys.rotate(org, 'web', strong.id, 0, { token }), { role: 'operator', scope });
    expect((await whoami(strong.key)).status).toBe(200);
    const own = await keys.create(org, 'web', await roleOf('project.read'), { token });
    expect(own.status).toBe(201);
    expect((await calls.get(org, 'web', own.key)).status).toBe(200);
    refused(await calls.remove(org, 'web', own.key), { permission: 'project.manage' });
  });

  it('of another org or project, or with a role that only reads', async () => {
    const other = await calls.newOrg('web');
    const { id } = await keys.create(other, 'web', 'viewer');
    const token = await manager(['admin', `/orgs/${org}`], ['viewer', `/orgs/${other}`]);
    expect((await keys.create(org, 'web', 'admin', { token })).status).toBe(201);
    const permission = 'project.manage';
    for (const answer of [
      await keys.create(other, 'web', 'viewer', { token }),
      await keys.rotate(other, 'web', id, 0, { token }),
      await keys.revoke(other, 'web', id, token),
    ])
      refused(answer, { permission, scope: `/orgs/${other}/projects/web` });
    // Theirs can't be reached through a project that they manage.
    expect((await keys.revoke(org, 'web', id, token)).status).toBe(404);
    expect((await keys.list(other, 'web', token)).map(({ key_id: one }) => one)).toEqual([id]);
  });

  it('that does as another key of the project: each gives its own role', async () => {
    await keys.create(org, 'web', 'admin');
    const { key } = await keys.create(org, 'web', 'viewer');
    refused(await calls.change(org, 'web', 'x', key), { permission: 'project.manage' });
    expect((await calls.get(org, 'web', key)).status).toBe(200);
  });

  it('which makes and rotates none, nor API tokens', async () => {
    const { key, id } = await keys.create(org, 'web', 'admin');
    const body = { name: 'more', roles: ['viewer'] };
    for (const answer of [
      await keys.create(org, 'web', 'viewer', { token: key }),
      await keys.rotate(org, 'web', id, 0, { token: key }),
      await stage.gateway.call('POST', '/admin/v1/api-tokens', { token: key, body }),
    ])
      expect(answer).toMatchObject({ status: 403, body: { code: 'permission_denied' } });
  });

  it('as whom nobody is bound elsewhere, under no name', async () => {
    const { project_id: id } = (await calls.get(org, 'web')).body;
    for (const principal of [`project:${String(id)}`, `user:${String(id)}`]) {
      const body = { principal, role: 'admin', scope: '/' };
      expect((await stage.gateway.call('POST', '/admin/v1/role-bindings', { token: stage.admin, body })).status).toBe(400);
    }
    for (const path of [`/admin/v1/users/${String(id)}`, `/admin/v1/service-accounts/${String(id)}`])
      expect((await stage.gateway.call('GET', path, { token: stage.admin })).status).toBe(404);
    const accounts = await stage.gateway.call('GET', '/admin/v1/service-accounts?limit=200', { token: stage.admin });
    expect(JSON.stringify(accounts.body)).not.toContain(String(id));
  });

  it('is explained, to those who manage identity there', async () => {
    await keys.create(org, 'web', 'viewer');
    const { principal } = (await calls.get(org, 'web')).body;
    const scope = `/orgs/${org}/projects/web`;
    const query = new URLSearchParams({ principal: String(principal), permission: 'project.read', scope });
    const path = `/admin/v1/auth/explain?${query.toString()}`;
    expect((await stage.gateway.call('GET', path, { token: stage.admin })).body).toMatchObject({
      allowed: true,
      by: [{ role: 'viewer', scope }],
    });
    expect((await stage.gateway.call('GET', path, { token: await manager(['viewer', `/orgs/${org}`]) })).status).toBe(403);
  });
});
