// Real: Postgres, NATS, the gateway's HTTP server. Requests that are sent again because their answer was lost.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startIdentityStage, password, type Held, type IdentityStage } from '../testing/identity.js';

let stage: IdentityStage;
let ann: Held;

beforeAll(async () => {
  stage = await startIdentityStage();
  ann = await stage.login(await stage.newUser('operator'));
}, 120_000);

afterAll(() => stage.stop());

const post = (path: string, body: object, key: string, token = ann.token) =>
  stage.gateway.call('POST', `/admin/v1/${path}`, { token, body, headers: { 'idempotency-key': key } });
const tokens = async () =>
  ((await stage.gateway.call('GET', '/admin/v1/api-tokens', { token: ann.token })).body['items'] as object[]).length;
const works = async (token: unknown) => (await stage.gateway.call('GET', '/admin/v1/auth/me', { token: String(token) })).status === 200;
const reused = { status: 409, body: { code: 'idempotency_key_reused' } };

describe('a repeat with the same key', () => {
  it('makes no second user, and tells of the first', async () => {
    const body = { email: 'once@example.com', password, roles: ['viewer'] };
    const [first, second] = [await post('users', body, 'user-1', stage.admin), await post('users', body, 'user-1', stage.admin)];
    expect(first.status).toBe(201);
    expect([second.status, second.body]).toEqual([201, first.body]);
    expect(second.headers.get('x-fairlead-position')).toBe(first.headers.get('x-fairlead-position'));
    expect(await stage.events({ id: String(first.body['user_id']), email: '' }, 'user_created')).toHaveLength(1);
    for (const other of [{ roles: ['admin'] }, { password: `${password}!` }, { email: 'twice@example.com' }])
      expect(await post('users', { ...body, ...other }, 'user-1', stage.admin)).toMatchObject(reused);
    expect(await post('users', body, 'user-2', stage.admin)).toMatchObject({ status: 409, body: { code: 'already_exists' } });
  });

  it('makes no second token, and answers the secret that was lost', async () => {
    const before = await tokens();
    const body = { name: 'ci', roles: ['viewer'] };
    const answers = await Promise.all(Array.from({ length: 8 }, () => post('api-tokens', body, 'token-1')));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
    expect(new Set(answers.map((answer) => answer.body['token'])).size).toBe(1);
    expect(await tokens()).toBe(before + 1);
    expect(await works(answers[0]?.body['token'])).toBe(true);
    expect(await post('api-tokens', { ...body, name: 'other' }, 'token-1')).toMatchObject(reused);
    // The same key with another route is another request, and somebody else's is another key.
    const id = String(answers[0]?.body['token_id']);
    expect(await post(`api-tokens/${id}/rotate`, body, 'token-1')).toMatchObject({ status: 400 });
    expect(await post(`api-tokens/${id}/rotate`, {}, 'token-1')).toMatchObject(reused);
    expect((await post('api-tokens', body, 'token-1', stage.admin)).body['token']).not.toBe(answers[0]?.body['token']);
  });

  it('does not rotate twice, so that what is in use goes on working', async () => {
    const made = await post('api-tokens', { name: 'rotated', roles: ['viewer'] }, 'token-2');
    const rotate = (key: string) => post(`api-tokens/${String(made.body['token_id'])}/rotate`, {}, key);
    const [first, second] = [await rotate('rotate-1'), await rotate('rotate-1')];
    expect([second.status, second.body]).toEqual([200, first.body]);
    expect([await works(made.body['token']), await works(second.body['token'])]).toEqual([true, true]);
    expect((await rotate('rotate-2')).body['token']).not.toBe(first.body['token']);
  });

  it('is refused to an API token of the same user, which may make none', async () => {
    const made = await post('api-tokens', { name: 'program', roles: ['operator'] }, 'token-3');
    const program = String(made.body['token']);
    expect(await post('api-tokens', { name: 'program', roles: ['operator'] }, 'token-3', program)).toMatchObject({ status: 403 });
  });

  it('is tried anew after a refusal, which is not kept', async () => {
    expect(await post('api-tokens', { name: 'ci', roles: ['admin'] }, 'token-4')).toMatchObject({ status: 403 });
    expect(await post('api-tokens', { name: 'ci', roles: ['viewer'] }, 'token-4')).toMatchObject({ status: 201 });
  });
});

describe('a change of a user', () => {
  it('is made for what was read, and refused for what somebody else has changed since', async () => {
    const user = await stage.newUser('viewer');
    const path = `/admin/v1/users/${user.id}`;
    const read = () => stage.gateway.call('GET', path, { token: stage.admin });
    const change = (ifMatch: string, body: object) =>
      stage.gateway.call('PATCH', path, { token: stage.admin, body, headers: { 'if-match': ifMatch } });
    const before = (await read()).headers.get('etag') ?? '';
    expect(before).toBe('"1"');
    // Of two who have read the same, one is faster.
    const both = await Promise.all([change(before, { roles: ['operator'] }), change(before, { roles: ['admin'] })]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 412]);
    expect(both.find(({ status }) => status === 412)?.body).toMatchObject({ code: 'revision_mismatch', details: { revision: 2 } });
    expect(both.find(({ status }) => status === 200)?.headers.get('etag')).toBe('"2"');
    expect(await stage.events(user, 'user_changed')).toHaveLength(1);
    // What changes nothing leaves the tag; `*` is for whatever is there.
    const now = (await read()).body;
    expect((await change('"2"', { disabled: false })).headers.get('etag')).toBe('"2"');
    expect((await change('*', { disabled: true })).headers.get('etag')).toBe('"3"');
    expect((await read()).body).toMatchObject({ roles: now['roles'], disabled: true, revision: 3 });
    expect((await stage.gateway.call('GET', '/admin/v1/users/usr_none', { token: stage.admin })).status).toBe(404);
  });
});

describe('what the database keeps of them', () => {
  it('holds neither keys, passwords nor tokens', async () => {
    const made = await post('api-tokens', { name: 'secret', roles: ['viewer'] }, 'a-key-to-look-for');
    const rows = await stage.database.db.query<{ bytes: Buffer }>(
      `select key_hash || request_hash || answer as bytes from idempotency_key`,
    );
    expect(rows.length).toBeGreaterThan(0);
    const kept = Buffer.concat(rows.map(({ bytes }) => bytes)).toString('latin1');
    for (const secret of ['a-key-to-look-for', password, String(made.body['token']), '$argon2id$']) expect(kept).not.toContain(secret);
    expect(await stage.told()).not.toContain('a-key-to-look-for');
  });
});
