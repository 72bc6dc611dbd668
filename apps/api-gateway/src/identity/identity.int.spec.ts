// Real: Postgres with the event log, NATS, the gateway's HTTP server. The services behind it are scripted, at the wire.
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readLog } from '@fairlead/event-log';
import { testDatabase, testFolder, testMessaging, type TestDatabase, type TestMessaging } from '@fairlead/testing';
import { migrations } from '../index.js';
import { startGateway, type TestGateway } from '../testing/gateway.js';

interface Login {
  email: string;
  password: string;
}

let database: TestDatabase;
let nats: TestMessaging;
let gateway: TestGateway;
let file: string;
let first: Login;

const readLogin = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Login;
const login = (body: unknown, headers?: Record<string, string>) => gateway.call('POST', '/admin/v1/auth/login', { body, headers });
const events = async (type: string) => (await readLog(database.db, { after: 0, limit: 1_000 })).filter((event) => event.type === type);

async function tokenOf(user: Login): Promise<string> {
  const answer = await login(user);
  expect(answer).toMatchObject({ status: 200 });
  return String(answer.body['access_token']);
}

beforeAll(async () => {
  [database, nats] = await Promise.all([testDatabase({ service: 'api-gateway', migrations }), testMessaging()]);
  file = join(testFolder('first-admin'), 'first-admin.json');
  // What a crash between file and row leaves behind.
  writeFileSync(file, JSON.stringify({ email: 'admin@fairlead.local', password: 'of a crashed start' }));
  gateway = await startGateway({ database, nats }, { FIRST_ADMIN_FILE: file });
  first = readLogin(file);
}, 120_000);

afterAll(async () => {
  await gateway.stop();
  await Promise.all([database.drop(), nats.close()]);
});

describe('the first admin', () => {
  it('has a login that only its file tells, even after a start that crashed', async () => {
    expect(first.email).toBe('admin@fairlead.local');
    expect(first.password).not.toBe('of a crashed start');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const token = await tokenOf(first);
    expect((await gateway.call('GET', '/admin/v1/auth/me', { token })).body).toMatchObject({ email: first.email, roles: ['admin'] });
    expect((await gateway.call('GET', '/ready')).status).toBe(200);
  });

  it('is made once, whoever starts again', async () => {
    const again = await gateway.another();
    await again.stop();
    expect(readLogin(file)).toEqual(first);
    expect(await events('user_created')).toHaveLength(1);
  });

  it('is made once when two gateways start at the same moment, and its file tells the right password', async () => {
    const fresh = await testDatabase({ service: 'api-gateway', migrations });
    const path = join(testFolder('two-starts'), 'first-admin.json');
    const env = { DATABASE_URL: fresh.url, DATABASE_PASSWORD: fresh.password, FIRST_ADMIN_FILE: path };
    const services = await Promise.all([gateway.another(env), gateway.another(env), gateway.another(env)]);
    try {
      expect(await fresh.db.query('select 1 from users')).toHaveLength(1);
      for (const { httpUrl } of services) {
        const body = JSON.stringify(readLogin(path));
        const answer = await fetch(`${httpUrl}/admin/v1/auth/login`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body,
        });
        expect(answer.status).toBe(200);
      }
    } finally {
      for (const service of services) await service.stop();
      await fresh.drop();
    }
  });

  it('waits for the migrations, not ready until then', async () => {
    const fresh = await testDatabase({ service: 'api-gateway' });
    const path = join(testFolder('unmigrated'), 'first-admin.json');
    const service = await gateway.another({ DATABASE_URL: fresh.url, DATABASE_PASSWORD: fresh.password, FIRST_ADMIN_FILE: path });
    try {
      const ready = await fetch(`${service.httpUrl}/ready`);
      expect(ready.status).toBe(503);
      expect(await ready.json()).toMatchObject({ checks: { migrations: { ok: false }, first_admin: { ok: false } } });
      expect(existsSync(path)).toBe(false);
    } finally {
      await service.stop();
      await fresh.drop();
    }
  });
});

describe('login', () => {
  it('answers a bearer token and its life', async () => {
    const { status, body, headers } = await login({ ...first, email: first.email.toUpperCase() });
    expect([status, body]).toEqual([200, { access_token: expect.any(String), token_type: 'Bearer', expires_in: 300 }]);
    expect(headers.get('cache-control')).toBe('no-store');
  });

  it('answers a wrong password and an unknown user alike', async () => {
    for (const email of [first.email, 'nobody@example.com']) {
      const { status, body } = await login({ email, password: 'wrong-password-1' });
      expect([status, body['code'], body['detail']]).toEqual([401, 'login_failed', 'The e-mail address or the password is not right']);
    }
  });

  it('records each attempt before it answers, without the password', async () => {
    const correlation = { 'x-correlation-id': 'cor-login', 'x-request-id': 'req-login' };
    await login(first, correlation);
    await login({ email: 'nobody@example.com', password: 'wrong-password-2' }, correlation);
    const [succeeded] = (await events('login_succeeded')).filter(({ meta }) => meta.correlation_id === 'cor-login');
    const [failed] = (await events('sign_in_refused')).filter(({ meta }) => meta.correlation_id === 'cor-login');
    expect(succeeded).toMatchObject({
      aggregateType: 'user',
      payload: { email: first.email, address: '127.0.0.1', session_id: expect.stringMatching(/^ses_/) },
      meta: { request_id: 'req-login' },
    });
    expect(succeeded?.meta.principal).toBe(`user:${succeeded?.aggregateId ?? ''}`);
    expect(failed).toMatchObject({
      aggregateId: 'unknown',
      payload: { address: '127.0.0.1', cause: 'unknown_user' },
      meta: { principal: 'anonymous' },
    });
  });

  it('lets an address wait after many failures for one user, and that user alone; attempts at once do not slip past', async () => {
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => login({ email: 'guess@example.com', password: 'wrong-password-3' })),
    );
    const limited = answers.filter(({ status }) => status === 429);
    expect(answers.length - limited.length).toBeLessThanOrEqual(12);
    const { status, body, headers } = await login({ email: 'guess@example.com', password: 'wrong-password-3' });
    expect([status, body['code']]).toEqual([429, 'rate_limited']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(200);
    await tokenOf(first);
  });

  it.each([{}, { email: 'x', password: 'y' }, { email: 'a@b.example' }, { email: 'a@b.example', password: '', extra: 1 }, [], 'text'])(
    'refuses %j as invalid',
    async (body) => {
      expect((await login(body)).body).toMatchObject({ status: 400, code: 'invalid_argument' });
    },
  );
});

describe('keys', () => {
  it("shows the gateway's own public keys and no other service's", async () => {
    const { body } = await gateway.call('GET', '/.well-known/jwks.json');
    const keys = body['keys'] as Record<string, unknown>[];
    expect(keys).toHaveLength(1);
    expect(Object.keys(keys[0] ?? {}).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x']);
    expect(keys[0]?.['kid']).toMatch(/^api-gateway\./);
  });
});

describe('users', () => {
  const ann = { email: 'ann@example.com', password: 'correct horse battery' };
  const path = '/admin/v1/users';

  it('are created, listed, changed and disabled by an admin, each step recorded', async () => {
    const token = await tokenOf(first);
    const created = await gateway.call('POST', path, { token, body: { ...ann, email: 'Ann@Example.com', roles: ['viewer'] } });
    expect(created).toMatchObject({ status: 201, body: { email: ann.email, roles: ['viewer'], disabled: false } });
    expect(Number(created.headers.get('x-fairlead-position'))).toBeGreaterThan(0);
    expect((await gateway.call('POST', path, { token, body: { ...ann, roles: [] } })).body).toMatchObject({
      status: 409,
      code: 'already_exists',
    });
    const id = String(created.body['user_id']);

    const annsToken = await tokenOf(ann);
    expect((await gateway.call('GET', path, { token: annsToken })).body).toMatchObject({ status: 403, code: 'permission_denied' });
    expect((await gateway.call('PATCH', `${path}/${id}`, { token: annsToken, body: { roles: ['admin'] } })).status).toBe(403);

    const page = await gateway.call('GET', `${path}?limit=1`, { token });
    expect(page.body['items']).toHaveLength(1);
    const rest = await gateway.call('GET', `${path}?cursor=${String(page.body['next_cursor'])}`, { token });
    expect([rest.body['items'], rest.body['next_cursor']]).toMatchObject([[{ email: ann.email }], null]);

    const changed = await gateway.call('PATCH', `${path}/${id}`, { token, body: { roles: ['operator'], disabled: true } });
    expect(changed).toMatchObject({ status: 200, body: { roles: ['operator'], disabled: true } });
    expect((await login(ann)).body).toMatchObject({ code: 'login_failed' });
    expect((await gateway.call('GET', '/admin/v1/auth/me', { token: annsToken })).status).toBe(401);
    const [event] = await events('user_changed');
    expect(event).toMatchObject({
      aggregateId: id,
      payload: { before: { roles: ['viewer'] }, after: { roles: ['operator'], disabled: true } },
    });
    expect(event?.meta.principal).toMatch(/^user:usr_/);
  });

  it('never end up without an admin', async () => {
    const token = await tokenOf(first);
    const me = (await gateway.call('GET', '/admin/v1/auth/me', { token })).body;
    for (const body of [{ roles: ['viewer'] }, { disabled: true }]) {
      expect((await gateway.call('PATCH', `${path}/${String(me['user_id'])}`, { token, body })).body).toMatchObject({ status: 400 });
    }
    expect((await gateway.call('PATCH', `${path}/usr_nobody`, { token, body: { disabled: true } })).body).toMatchObject({ status: 404 });
    await tokenOf(first);
  });

  it.each([
    [{ ...ann, password: 'short', roles: [] }, '/password'],
    [{ ...ann, roles: ['root'] }, '/roles/0'],
    [{ ...ann, email: 'x', roles: [] }, '/email'],
    [ann, '/roles'],
    [{ email: 'ann.longname.smith@example.com', password: 'Ann.Longname.Smith', roles: [] }, '/password'],
    [{ ...ann, password: 'Password1234', roles: [] }, '/password'],
  ])('are refused when malformed: %j', async (body, pointer) => {
    const answer = await gateway.call('POST', path, { token: await tokenOf(first), body });
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_argument', errors: [{ pointer }] } });
  });
});

describe('the own password', () => {
  const fresh = 'a much better passphrase';
  const change = (token: string, current: string, wanted: string) =>
    gateway.call('POST', '/admin/v1/auth/password', { token, body: { current_password: current, new_password: wanted } });

  it('is changed with the current one, by itself and long enough, and takes the first login file away', async () => {
    const token = await tokenOf(first);
    expect((await change(token, 'wrong-password-4', fresh)).body).toMatchObject({
      status: 400,
      errors: [{ pointer: '/current_password' }],
    });
    expect((await change(token, first.password, 'elevenchars')).body).toMatchObject({
      status: 400,
      errors: [{ pointer: '/new_password' }],
    });
    expect((await change(token, first.password, first.password)).body).toMatchObject({
      status: 400,
      errors: [{ pointer: '/new_password', detail: 'is the current password' }],
    });
    expect((await change(token, first.password, 'qwertyuiop123')).body).toMatchObject({
      status: 400,
      errors: [{ pointer: '/new_password', detail: 'is one of the commonest passwords, which are guessed first' }],
    });
    expect(existsSync(file)).toBe(true);

    const changed = await change(token, first.password, fresh);
    expect(changed.status).toBe(204);
    expect(Number(changed.headers.get('x-fairlead-position'))).toBeGreaterThan(0);
    expect(existsSync(file)).toBe(false);
    expect((await login(first)).status).toBe(401);
    await tokenOf({ ...first, password: fresh });
    expect(await events('password_changed')).toHaveLength(1);
  });

  it('takes a file that a crash left behind away at the next start', async () => {
    writeFileSync(file, JSON.stringify(first));
    await (await gateway.another()).stop();
    expect(existsSync(file)).toBe(false);
  });
});

it('has told no password, hash or token to its log or to the event log', async () => {
  const [token] = [await gateway.token('admin')];
  await gateway.call('GET', '/admin/v1/auth/me', { token });
  const told = gateway.lines.join('') + JSON.stringify(await readLog(database.db, { after: 0, limit: 1_000 }));
  for (const secret of [
    first.password,
    'a much better passphrase',
    'correct horse battery',
    'wrong-password',
    'elevenchars',
    '$argon2',
    token,
    'eyJ',
    database.password,
  ]) {
    expect([secret, told.includes(secret)]).toEqual([secret, false]);
  }
  expect(gateway.lines.length).toBeGreaterThan(50);
});
