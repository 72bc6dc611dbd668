// Real: Postgres with the event log, NATS, the gateway's HTTP server.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startIdentityStage, type IdentityStage } from '../testing/identity.js';
import { namesOf, orgCalls } from '../testing/orgs.js';

let stage: IdentityStage;
let calls: ReturnType<typeof orgCalls>;

beforeAll(async () => {
  stage = await startIdentityStage();
  calls = orgCalls(stage);
}, 120_000);

afterAll(() => stage.stop());

const told = (id: unknown) =>
  stage.database.db.query<{ type: string; payload: Record<string, unknown> }>(
    `select type, payload from log.event where aggregate_id = $1 order by position`,
    [id],
  );
const countOf = async (table: 'org' | 'project' | 'role_binding', where = 'true') =>
  (await stage.database.db.query<{ n: number }>(`select count(*)::int as n from ${table} where ${where}`))[0]?.n;
const key = () => ({ 'idempotency-key': randomUUID() });

describe('an org', () => {
  it('is made, told, changed and deleted, and the log tells of all', async () => {
    const name = calls.newName();
    const made = await calls.create(name);
    expect([made.status, made.headers.get('etag'), made.headers.get('location')]).toEqual([201, '"1"', `/platform/v1/orgs/${name}`]);
    expect(made.body).toMatchObject({ name, display_name: `The org ${name}`, scope: `/orgs/${name}`, revision: 1 });
    expect(String(made.body['org_id'])).toMatch(/^org_[0-9a-f]{32}$/);
    expect(Number(made.headers.get('x-fairlead-position'))).toBeGreaterThan(0);
    const read = await calls.get(name);
    expect([read.body, read.headers.get('etag')]).toEqual([made.body, '"1"']);
    const changed = await calls.change(name, undefined, 'Another', stage.admin, '"1"');
    expect([changed.status, changed.headers.get('etag')]).toEqual([200, '"2"']);
    expect(changed.body).toMatchObject({ name, display_name: 'Another', revision: 2, created_at: made.body['created_at'] });
    expect((await calls.remove(name, undefined, stage.admin, '"2"')).status).toBe(204);
    for (const answer of [await calls.get(name), await calls.remove(name), await calls.change(name, undefined, 'x')])
      expect(answer).toMatchObject({ status: 404, body: { code: 'org_not_found' } });
    expect(await told(made.body['org_id'])).toEqual([
      { type: 'org_created', payload: { name, display_name: `The org ${name}` } },
      { type: 'org_changed', payload: { name, before: { display_name: `The org ${name}` }, after: { display_name: 'Another' } } },
      { type: 'org_deleted', payload: { name, display_name: 'Another' } },
    ]);
  });

  it('is listed by name, page after page', async () => {
    const names = await Promise.all(['b', 'a', 'c'].map(() => calls.newOrg()));
    const seen: string[] = [];
    for (let cursor = ''; ;) {
      const answer = await calls.list(`limit=2${cursor}`);
      seen.push(...namesOf(answer));
      const next = answer.body['next_cursor'];
      if (typeof next !== 'string') break;
      cursor = `&cursor=${next}`;
    }
    expect(seen).toEqual([...seen].sort());
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual(expect.arrayContaining(names));
    expect(await calls.list('cursor=x')).toMatchObject({ status: 400, body: { errors: [{ pointer: '/cursor' }] } });
  });

  it('is not changed or deleted by one who has read an earlier one, or says nothing of what they read', async () => {
    const org = await calls.newOrg();
    await calls.change(org, undefined, 'Second');
    for (const answer of [
      await calls.change(org, undefined, 'Third', stage.admin, '"1"'),
      await calls.remove(org, undefined, stage.admin, '"1"'),
    ])
      expect(answer).toMatchObject({ status: 412, body: { code: 'revision_mismatch', details: { revision: 2 } } });
    for (const answer of [
      await calls.change(org, undefined, 'Third', stage.admin, ''),
      await calls.remove(org, undefined, stage.admin, ''),
    ])
      expect(answer).toMatchObject({ status: 428, body: { code: 'if_match_required' } });
    expect((await calls.get(org)).body).toMatchObject({ display_name: 'Second', revision: 2 });
    // A change that changes nothing is none.
    const same = await calls.change(org, undefined, 'Second');
    expect([same.status, same.headers.get('x-fairlead-position'), same.body['revision']]).toEqual([200, null, 2]);
  });

  it.each([
    ['name', { name: 'No Name', display_name: 'x' }],
    ['name', { name: 'org_1', display_name: 'x' }],
    ['name', { name: 'a/b', display_name: 'x' }],
    ['name', { display_name: 'x' }],
    ['display_name', { name: 'fine', display_name: '' }],
    ['display_name', { name: 'fine' }],
  ])('with a wrong %s is refused, %j, and nothing is made', async (pointer, body) => {
    const before = await countOf('org');
    const { gateway, admin: token } = stage;
    expect(await gateway.call('POST', '/platform/v1/orgs', { token, body })).toMatchObject({
      status: 400,
      body: { code: 'invalid_argument', errors: [{ pointer: `/${pointer}` }] },
    });
    expect(await countOf('org')).toBe(before);
  });

  it('is made once by whoever asks twice, also at the same time', async () => {
    const [name, headers] = [calls.newName(), key()];
    const answers = await Promise.all([1, 2, 3].map(() => calls.create(name, stage.admin, headers)));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(new Set(answers.map(({ body }) => body['org_id'])).size).toBe(1);
    expect((await told(answers[0]?.body['org_id'])).length).toBe(1);
    expect(await calls.create(calls.newName(), stage.admin, headers)).toMatchObject({
      status: 409,
      body: { code: 'idempotency_key_reused' },
    });
    // The answer that was lost is given again, also when it is not there any more.
    await calls.remove(name);
    expect((await calls.create(name, stage.admin, headers)).body).toEqual(answers[0]?.body);
    expect((await calls.get(name)).status).toBe(404);
  });

  it('has a name that one alone gets of many who want it', async () => {
    const name = calls.newName();
    const answers = await Promise.all(Array.from({ length: 6 }, () => calls.create(name)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409]);
    expect(answers.find(({ status }) => status === 409)?.body['code']).toBe('already_exists');
  });

  it('takes one of two changes of the same revision', async () => {
    const org = await calls.newOrg();
    const answers = await Promise.all(['One', 'Two', 'Three'].map((name) => calls.change(org, undefined, name, stage.admin, '"1"')));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412]);
  });
});

describe('a project', () => {
  it('is made in an org, told, changed and deleted, and the log tells of all', async () => {
    const org = await calls.newOrg();
    const made = await calls.createProject(org, 'web');
    expect([made.status, made.headers.get('etag'), made.headers.get('location')]).toEqual([
      ...[201, '"1"', `/platform/v1/orgs/${org}/projects/web`],
    ]);
    expect(made.body).toMatchObject({ org, name: 'web', scope: `/orgs/${org}/projects/web`, revision: 1 });
    expect(String(made.body['project_id'])).toMatch(/^prj_[0-9a-f]{32}$/);
    expect((await calls.get(org, 'web')).body).toEqual(made.body);
    expect(await calls.createProject(org, 'web')).toMatchObject({ status: 409, body: { code: 'already_exists' } });
    expect((await calls.change(org, 'web', 'Site', stage.admin, '"1"')).body).toMatchObject({ display_name: 'Site', revision: 2 });
    expect((await calls.change(org, 'web', 'Shop', stage.admin, '"1"')).status).toBe(412);
    expect((await calls.remove(org, 'web', stage.admin, '"1"')).status).toBe(412);
    expect((await calls.remove(org, 'web', stage.admin, '"2"')).status).toBe(204);
    for (const answer of [await calls.get(org, 'web'), await calls.remove(org, 'web'), await calls.change(org, 'web', 'x')])
      expect(answer).toMatchObject({ status: 404, body: { code: 'project_not_found' } });
    expect(await told(made.body['project_id'])).toEqual([
      { type: 'project_created', payload: { org, name: 'web', display_name: 'The project web' } },
      {
        type: 'project_changed',
        payload: { org, name: 'web', before: { display_name: 'The project web' }, after: { display_name: 'Site' } },
      },
      { type: 'project_deleted', payload: { org, name: 'web', display_name: 'Site' } },
    ]);
  });

  it('has its name within its org alone, and is listed there', async () => {
    const [one, other] = [await calls.newOrg('web', 'api'), await calls.newOrg('web')];
    expect(namesOf(await calls.listProjects(one))).toEqual(['api', 'web']);
    expect(namesOf(await calls.listProjects(other))).toEqual(['web']);
    expect((await calls.get(one, 'web')).body['project_id']).not.toBe((await calls.get(other, 'web')).body['project_id']);
    const first = await calls.listProjects(one, 'limit=1');
    const second = await calls.listProjects(one, `limit=1&cursor=${String(first.body['next_cursor'])}`);
    expect([namesOf(first), namesOf(second), second.body['next_cursor']]).toEqual([['api'], ['web'], null]);
    const list = await calls.list(`cursor=${String(first.body['next_cursor'])}`);
    expect(list).toMatchObject({ status: 400, body: { code: 'invalid_argument' } });
  });

  it('is in an org that there is', async () => {
    for (const answer of [await calls.createProject('nowhere', 'web'), await calls.listProjects('nowhere')])
      expect(answer).toMatchObject({ status: 404, body: { code: 'org_not_found' } });
    expect(await calls.get('nowhere', 'web')).toMatchObject({ status: 404, body: { code: 'project_not_found' } });
  });

  it('is made once by whoever asks twice', async () => {
    const [org, headers] = [await calls.newOrg(), key()];
    const [one, again] = [
      await calls.createProject(org, 'web', stage.admin, headers),
      await calls.createProject(org, 'web', stage.admin, headers),
    ];
    expect([one.status, again.status, again.body]).toEqual([201, 201, one.body]);
  });

  it('holds its org: one with projects is not deleted', async () => {
    const org = await calls.newOrg('web', 'api');
    expect(await calls.remove(org)).toMatchObject({ status: 409, body: { code: 'org_in_use', details: { projects: 2 } } });
    await calls.remove(org, 'web');
    expect((await calls.remove(org)).status).toBe(409);
    await calls.remove(org, 'api');
    expect((await calls.remove(org)).status).toBe(204);
  });

  it('is never left without its org by two who act at once', async () => {
    for (let round = 0; round < 5; round++) {
      const org = await calls.newOrg();
      const [made, removed] = await Promise.all([calls.createProject(org, 'web'), calls.remove(org)]);
      expect([
        [201, 409],
        [404, 204],
      ]).toContainEqual([made.status, removed.status]);
    }
    expect(await countOf('project', 'not exists (select from org where org.org_id = project.org_id)')).toBe(0);
  });
});

describe('roles on what is deleted', () => {
  it('go with it, are told of, and are not there for whoever takes its name', async () => {
    const org = await calls.newOrg('web');
    const user = await stage.newUser();
    for (const scope of [`/orgs/${org}`, `/orgs/${org}/projects/web`]) expect((await calls.bind(user, 'viewer', scope)).status).toBe(201);
    const held = await stage.login(user);
    expect((await calls.get(org, 'web', held.token)).status).toBe(200);
    await calls.remove(org, 'web');
    const bindings = async () =>
      (await stage.gateway.call('GET', `/admin/v1/role-bindings?principal=user:${user.id}`, { token: stage.admin })).body['items'];
    expect(await bindings()).toMatchObject([{ scope: `/orgs/${org}` }]);
    expect((await calls.remove(org)).status).toBe(204);
    expect(await bindings()).toEqual([]);
    const deleted = await stage.database.db.query<{ payload: object }>(
      `select payload from log.event where type = 'role_binding_deleted' and payload ->> 'principal' = $1 order by position`,
      [`user:${user.id}`],
    );
    expect(deleted.map(({ payload }) => payload)).toEqual(
      [`/orgs/${org}/projects/web`, `/orgs/${org}`].map((scope) => ({ principal: `user:${user.id}`, role: 'viewer', scope })),
    );
    expect([(await calls.create(org)).status, (await calls.createProject(org, 'web')).status]).toEqual([201, 201]);
    // An access token of before is worth what its user holds now.
    for (const token of [held.token, (await stage.login(user)).token])
      expect(await calls.change(org, 'web', 'x', token)).toMatchObject({ status: 403, body: { code: 'permission_denied' } });
  });

  it('do not go with what merely begins with its name', async () => {
    const org = await calls.newOrg();
    expect((await calls.create(`${org}-2`)).status).toBe(201);
    const user = await stage.newUser();
    expect((await calls.bind(user, 'viewer', `/orgs/${org}-2`)).status).toBe(201);
    expect((await calls.remove(org)).status).toBe(204);
    expect((await calls.get(`${org}-2`, undefined, (await stage.login(user)).token)).status).toBe(200);
  });

  it('are given on what is there, or not at all, by two who act at once', async () => {
    for (let round = 0; round < 5; round++) {
      const [org, user] = [await calls.newOrg(), await stage.newUser()];
      const [bound, removed] = await Promise.all([calls.bind(user, 'viewer', `/orgs/${org}`), calls.remove(org)]);
      expect(removed.status).toBe(204);
      expect([201, 404]).toContain(bound.status);
      if (bound.status === 404) expect(bound.body['code']).toBe('org_not_found');
    }
    expect(
      await countOf(
        'role_binding',
        `starts_with(scope, '/orgs/') and not exists (select from org where scope = '/orgs/' || org.name or starts_with(scope, '/orgs/' || org.name || '/'))`,
      ),
    ).toBe(0);
  });
});
