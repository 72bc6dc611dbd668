// Real: Postgres with the event log, NATS, the gateway's HTTP server. The services behind it check tokens as they do.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { changesV1 } from '@fairlead/contracts';
import { createRpcClient } from '@fairlead/rpc';
import type { TestGateway } from '../testing/gateway.js';
import { password, startIdentityStage, type IdentityStage, type TestUser } from '../testing/identity.js';

const path = '/admin/v1/api-tokens';

let stage: IdentityStage;
let gateway: TestGateway;
let user: TestUser;
/** The user's access token. */
let session: string;

interface Made {
  readonly id: string;
  readonly token: string;
}

const create = (by: string, body: object) => gateway.call('POST', path, { token: by, body });
const revoke = (by: string, id: string) => gateway.call('DELETE', `${path}/${id}`, { token: by });
const list = (by: string, query = '') => gateway.call('GET', `${path}${query}`, { token: by });
const me = (token: string) => gateway.call('GET', '/admin/v1/auth/me', { token });
const refused = { status: 401, body: { code: 'unauthenticated' } };

async function made(by: string, body: object = { name: 'ci', roles: ['operator'] }): Promise<Made> {
  const answer = await create(by, body);
  expect(answer.status).toBe(201);
  return { id: String(answer.body['token_id']), token: String(answer.body['token']) };
}

const change = ({ id }: Made, sql: string) => stage.database.db.query(`update api_token set ${sql} where token_id = $1`, [id]);

beforeAll(async () => {
  stage = await startIdentityStage();
  gateway = stage.gateway;
}, 120_000);

afterAll(() => stage.stop());

beforeEach(async () => {
  user = await stage.newUser('operator');
  session = (await stage.login(user)).token;
});

describe('an API token', () => {
  it('is shown once, and only its hash is stored', async () => {
    const { status, body, headers } = await create(session, { name: 'ci', roles: ['viewer'], expires_in_days: 7 });
    expect([status, body]).toEqual([
      201,
      {
        token_id: expect.stringMatching(/^flt_[0-9a-f]{32}$/),
        token: expect.stringMatching(/^flt_[0-9a-f]{32}_[\w-]{43}$/),
        user_id: user.id,
        name: 'ci',
        roles: ['viewer'],
        permissions: null,
        scope: null,
        created_at: expect.any(String),
        expires_at: expect.any(String),
        last_used_at: null,
        revoked_at: null,
        rotated_at: null,
        previous_until: null,
      },
    ]);
    expect(Date.parse(String(body['expires_at'])) - Date.parse(String(body['created_at']))).toBe(7 * 86_400_000);
    expect(Number(headers.get('x-fairlead-position'))).toBeGreaterThan(0);
    const secret = String(body['token']).slice(-43);
    const stored = JSON.stringify([
      await stage.database.db.query('select *, secret_hash::text as hash from api_token where user_id = $1', [user.id]),
      (await list(session)).body,
    ]);
    expect(stored).toContain(body['token_id']);
    expect(stored.includes(secret) || stored.includes(Buffer.from(secret, 'base64url').toString('hex'))).toBe(false);
    expect(await stage.events(user, 'api_token_created')).toMatchObject([
      { payload: { token_id: body['token_id'], name: 'ci', roles: ['viewer'] }, meta: { principal: `user:${user.id}` } },
    ]);
  });

  it('calls as its user, with its own roles, and services, events and log lines know it by its id', async () => {
    const { id, token } = await made(session, { name: 'ci', roles: ['viewer'] });
    const via = `api-token:${id}`;
    expect((await me(token)).body).toMatchObject({ principal: `user:${user.id}`, email: user.email, roles: ['viewer'], via });
    expect((await gateway.call('GET', '/admin/v1/tenants', { token })).status).toBe(200);
    expect(gateway.peers.calls.at(-1)).toMatchObject({
      method: 'listTenants',
      principal: { id: `user:${user.id}`, roles: ['viewer'], apiTokenId: id },
      context: { principal: `user:${user.id}`, via },
    });
    expect(gateway.lines.some((line) => line.includes(`"principal":"user:${user.id}","via":"${via}"`))).toBe(true);
    const plan = await gateway.call('POST', '/admin/v1/plan/tenant-drain', { token, body: { tenant: 'acme', reason: 'test' } });
    expect(plan).toMatchObject({ status: 403, body: { code: 'permission_denied' } });
  });

  it('never does more than its user still may', async () => {
    const { token } = await made(session);
    expect((await me(token)).body).toMatchObject({ roles: ['operator'] });
    await stage.change(user, { roles: ['viewer'] });
    expect((await me(token)).body).toMatchObject({ roles: ['viewer'] });
    await stage.change(user, { roles: [] });
    expect((await me(token)).status).toBe(403);
    await stage.change(user, { roles: ['admin'] });
    expect((await me(token)).body).toMatchObject({ roles: ['operator'] });
    await stage.change(user, { disabled: true });
    expect(await me(token)).toMatchObject(refused);
  });

  it('is refused at once when it was revoked, by its user or an admin; repeats are fine', async () => {
    const [mine, other] = [await made(session), await made(session)];
    expect((await me(mine.token)).status).toBe(200);
    const revoked = await revoke(session, mine.id);
    expect(revoked.status).toBe(204);
    expect(Number(revoked.headers.get('x-fairlead-position'))).toBeGreaterThan(0);
    expect(await me(mine.token)).toMatchObject(refused);
    expect((await revoke(session, mine.id)).status).toBe(204);
    expect((await revoke(stage.admin, other.id)).status).toBe(204);
    expect(await me(other.token)).toMatchObject(refused);
    const [byUser, byAdmin] = await stage.events(user, 'api_token_revoked');
    expect([byUser?.payload, byUser?.meta.principal]).toEqual([{ token_id: mine.id, name: 'ci' }, `user:${user.id}`]);
    expect([byAdmin?.payload, byAdmin?.meta.principal === byUser?.meta.principal]).toEqual([{ token_id: other.id, name: 'ci' }, false]);
  });

  it("is refused once it has expired by the database's clock, with another secret, and when malformed", async () => {
    const [one, other] = [await made(session), await made(session)];
    const bad = [
      `${one.id}_${other.token.slice(-43)}`,
      `flt_${'0'.repeat(32)}_${one.token.slice(-43)}`,
      `${one.token}x`,
      one.id,
      'flt_',
      'flt_x_y',
    ];
    for (const token of bad) expect([token, await me(token)]).toMatchObject([token, refused]);
    await change(one, 'expires_at = now()');
    expect(await me(one.token)).toMatchObject(refused);
    expect((await me(other.token)).status).toBe(200);
  });

  it('tells when it was used last, to the minute', async () => {
    const token = await made(session);
    const lastUsed = async () => ((await list(session)).body['items'] as { last_used_at: string | null }[])[0]?.last_used_at;
    expect(await lastUsed()).toBeNull();
    await Promise.all(Array.from({ length: 5 }, () => me(token.token)));
    const first = await lastUsed();
    expect(first).toEqual(expect.any(String));
    await me(token.token);
    expect(await lastUsed()).toBe(first);
    await change(token, "last_used_at = now() - interval '61 seconds'");
    await me(token.token);
    expect(Date.parse((await lastUsed()) ?? '')).toBeGreaterThanOrEqual(Date.parse(first ?? ''));
  });
});

describe('making an API token', () => {
  it.each([
    [{ roles: ['viewer'] }, '/name'],
    [{ name: ' ', roles: ['viewer'] }, '/name'],
    [{ name: 'ci', roles: [] }, '/roles'],
    [{ name: 'ci', roles: ['root'] }, '/roles/0'],
    [{ name: 'ci', roles: ['viewer'], expires_in_days: 0 }, '/expires_in_days'],
    [{ name: 'ci', roles: ['viewer'], expires_in_days: 366 }, '/expires_in_days'],
    [{ name: 'ci', roles: ['viewer'], expires_in_days: 1.5 }, '/expires_in_days'],
  ])('is refused when malformed: %j', async (body, pointer) => {
    expect(await create(session, body)).toMatchObject({ status: 400, body: { code: 'invalid_argument', errors: [{ pointer }] } });
  });

  it.each([
    [{}, '/scope'],
    [{ tenants: [], nodes: [] }, '/scope'],
    [{ tenants: 'acme' }, '/scope/tenants'],
    [{ tenants: ['Acme'] }, '/scope/tenants/0'],
    [{ nodes: ['node 1'] }, '/scope/nodes/0'],
    [{ tenants: Array.from({ length: 51 }, (_, index) => `t-${index}`) }, '/scope/tenants'],
    [{ tenants: ['acme'], orgs: ['one'] }, '/scope/orgs'],
    ['acme', '/scope'],
    [null, '/scope'],
  ])('is refused for a scope that names nothing, too much, or what is not known: %j', async (scope, pointer) => {
    const body = { name: 'ci', roles: ['viewer'], scope };
    expect(await create(session, body)).toMatchObject({ status: 400, body: { code: 'invalid_argument', errors: [{ pointer }] } });
  });

  it('is refused for a program with an API token, an admin’s too: none outlives the one it was made with', async () => {
    const { id, token } = await made(stage.admin, { name: 'automation', roles: ['admin'], expires_in_days: 1 });
    for (const by of [token, (await made(session)).token])
      expect(await create(by, { name: 'made by a token', roles: ['viewer'], expires_in_days: 365 })).toMatchObject({
        status: 403,
        body: { code: 'permission_denied', detail: 'API tokens are made in a login session, not with another API token' },
      });
    const names = ((await list(stage.admin, '?user_id=all&limit=200')).body['items'] as { name: string }[]).map(({ name }) => name);
    expect([names.includes('automation'), names.includes('made by a token')]).toEqual([true, false]);
    expect((await revoke(token, id)).status).toBe(204);
  });

  it('is refused for roles that its user lacks, for a disabled user, and after a logout', async () => {
    const body = { name: 'ci', roles: ['viewer', 'admin'] };
    expect(await create(session, body)).toMatchObject({ status: 403, body: { code: 'permission_denied', details: { role: 'admin' } } });
    const held = await stage.login(user);
    await gateway.call('POST', '/admin/v1/auth/logout', { headers: { cookie: held.cookie } });
    expect(await create(held.token, { name: 'ci', roles: ['viewer'] })).toMatchObject(refused);
    await stage.change(user, { disabled: true });
    expect(await create(session, { name: 'ci', roles: ['viewer'] })).toMatchObject(refused);
    expect((await list(stage.admin, `?user_id=${user.id}`)).body['items']).toEqual([]);
  });
});

describe('an API token that is kept to tenants and nodes', () => {
  it('says so when it is made, in lists and in its event, and does nothing that does not heed scopes', async () => {
    const scope = { tenants: ['acme', 'globex'], nodes: ['node-1'] };
    const { status, body } = await create(stage.admin, {
      name: 'acme',
      roles: ['admin'],
      scope: { ...scope, tenants: ['acme', 'globex', 'acme'] },
    });
    expect([status, body]).toMatchObject([201, { scope }]);
    const items = (await list(stage.admin)).body['items'] as Record<string, unknown>[];
    expect(items.find((item) => item['token_id'] === body['token_id'])).toMatchObject({ scope });
    const [, made] = /^user:(.*)$/.exec(String((await me(stage.admin)).body['principal'])) ?? [];
    expect((await stage.events({ id: made ?? '', email: '' }, 'api_token_created')).at(-1)?.payload).toMatchObject({ scope });
    const token = String(body['token']);
    const before = gateway.peers.calls.length;
    for (const answer of [
      await me(token),
      await gateway.call('GET', '/admin/v1/tenants', { token }),
      await gateway.call('GET', '/admin/v1/jobs', { token }),
      await list(token),
      await revoke(token, String(body['token_id'])),
      await create(token, { name: 'more', roles: ['viewer'] }),
    ])
      expect(answer).toMatchObject({ status: 403, body: { code: 'permission_denied' } });
    expect(gateway.peers.calls.length).toBe(before);
  });

  it('reads changes over HTTP and gRPC, of its own tenants alone, until it is revoked', async () => {
    const { id, token } = await made(session, { name: 'acme', roles: ['viewer'], scope: { tenants: ['acme'] } });
    const changes = (query: string) => gateway.call('GET', `/platform/v1/changes${query}`, { token });
    expect((await changes('?cursor=0')).body).toMatchObject({ items: [], more: false });
    expect((await gateway.call('GET', '/platform/v1/changes?cursor=0', { token: session })).body['items']).not.toEqual([]);
    expect(await changes('?tenant=globex')).toMatchObject({ status: 403 });
    const address = gateway.service.grpcAddress ?? '';
    const client = createRpcClient(changesV1.ChangeStreamServiceService, { address, token: () => token });
    try {
      const watch = (tenant: string) => client.watch(changesV1.WatchRequest.fromPartial({ tenant, cursor: '0' }));
      const messages = watch('acme');
      expect((await messages.next()).value).toMatchObject({ cursor: expect.stringMatching(/^0\./), change: undefined });
      await messages.return();
      await expect(watch('globex').next()).rejects.toMatchObject({ code: 'permission_denied' });
      await revoke(session, id);
      await expect(watch('acme').next()).rejects.toMatchObject({ code: 'unauthenticated' });
      expect(await changes('')).toMatchObject(refused);
    } finally {
      client.close();
    }
  });
});

describe('an API token that may not manage identity', () => {
  it('changes no password, session, user or API token, but lists its user’s', async () => {
    const { id, token } = await made(session);
    const body = { current_password: password, new_password: 'a much better passphrase' };
    for (const answer of [
      await create(token, { name: 'more', roles: ['viewer'] }),
      await revoke(token, id),
      await gateway.call('POST', '/admin/v1/auth/password', { token, body }),
      await gateway.call('DELETE', '/admin/v1/auth/sessions/ses_x', { token }),
      await gateway.call('GET', '/admin/v1/users', { token }),
      await list(token, '?user_id=all'),
    ])
      expect(answer).toMatchObject({ status: 403, body: { code: 'permission_denied' } });
    expect((await list(token)).body['items']).toMatchObject([{ token_id: id }]);
    expect((await me(token)).status).toBe(200);
  });

  it('is another one than an admin’s, which revokes others', async () => {
    const { token } = await made(stage.admin, { name: 'automation', roles: ['admin'] });
    const { id } = await made(session);
    expect((await revoke(token, id)).status).toBe(204);
  });
});

describe('the list', () => {
  it('is the own one, another user’s or everybody’s, page by page, newest first', async () => {
    const tokens = [await made(session), await made(session), await made(session)].map(({ id }) => id).reverse();
    await revoke(session, tokens[0] ?? '');
    const page = await list(session, '?limit=2');
    expect(page.body['items']).toMatchObject([{ token_id: tokens[0], revoked_at: expect.any(String) }, { token_id: tokens[1] }]);
    const rest = await list(session, `?limit=2&cursor=${String(page.body['next_cursor'])}`);
    expect(rest.body).toMatchObject({ items: [{ token_id: tokens[2] }], next_cursor: null });
    expect((await list(stage.admin, `?user_id=${user.id}`)).body['items']).toHaveLength(3);
    expect((await list(stage.admin, '?user_id=all&limit=200')).body['items']).toEqual(
      expect.arrayContaining(tokens.map((id) => expect.objectContaining({ token_id: id }))),
    );
    expect((await list(session, '?user_id=all')).status).toBe(403);
    const stranger = await stage.newUser('operator');
    const theirs = (await stage.login(stranger)).token;
    expect((await list(theirs, `?user_id=${user.id}`)).status).toBe(403);
    expect((await list(theirs)).body['items']).toEqual([]);
    expect((await revoke(theirs, tokens[1] ?? '')).status).toBe(404);
  });
});

it('has told no API token to its log or to the event log', async () => {
  const { id, token } = await made(session);
  await me(token);
  await revoke(session, id);
  await me(token);
  const told = await stage.told();
  expect(told).toContain(id);
  for (const secret of [token, token.slice(-43), 'eyJ']) expect([secret, told.includes(secret)]).toEqual([secret, false]);
});
