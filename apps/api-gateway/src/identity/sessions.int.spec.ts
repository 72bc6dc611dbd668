// Real: Postgres with the event log, NATS, the gateway's HTTP server; sessions as browsers and the CLI use them.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Answer, TestGateway } from '../testing/gateway.js';
import { password, startIdentityStage, type Held, type IdentityStage, type TestUser } from '../testing/identity.js';

const auth = '/admin/v1/auth';

let stage: IdentityStage;
let gateway: TestGateway;
let user: TestUser;

const cookieOf = (answer: Answer) => answer.headers.get('set-cookie') ?? '';
const send = (path: string, headers: Record<string, string> = {}, body?: unknown) =>
  gateway.call('POST', `${auth}/${path}`, { headers, body });
const withCookie = (path: string, { cookie }: { cookie: string }, headers = {}) => send(path, { cookie, ...headers });
const login = (headers?: Record<string, string>) => stage.login(user, headers);
const events = (type: string) => stage.events(user, type);
const ended = { status: 401, body: { status: 401, code: 'session_expired' } };

/** Changes a session's row as time would. */
const age = (held: Held, change: string) => stage.database.db.query(`update session set ${change} where session_id = $1`, [held.id]);

beforeAll(async () => {
  stage = await startIdentityStage();
  gateway = stage.gateway;
}, 120_000);

afterAll(() => stage.stop());

beforeEach(async () => {
  user = await stage.newUser('operator');
});

describe('a login', () => {
  it('gives the browser a session that no script reads, and stores no secret', async () => {
    const answer = await send('login', { 'user-agent': 'x'.repeat(1_000) }, { email: user.email, password });
    expect(answer.body).toEqual({ access_token: expect.any(String), token_type: 'Bearer', expires_in: 300 });
    const [value, ...attributes] = cookieOf(answer).split('; ');
    expect(value).toMatch(/^fairlead_session=ses_[0-9a-f]{32}\.[\w-]{43}$/);
    expect(attributes.sort()).toEqual(['HttpOnly', 'Max-Age=604800', 'Path=/admin/v1/auth', 'SameSite=Strict']);
    const rows = await stage.database.db.query<Record<string, unknown>>(
      'select *, secret_hash::text as hash from session where user_id = $1',
      [user.id],
    );
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ address: '127.0.0.1', user_agent: 'x'.repeat(256), revoked_at: null });
    const secret = value?.split('.')[1] ?? 'none';
    const stored = JSON.stringify(rows);
    expect(stored.includes(secret) || stored.includes(Buffer.from(secret, 'base64url').toString('hex'))).toBe(false);
  });

  it('keeps the cookie to TLS where browsers come by it', async () => {
    const behindProxy = await gateway.another({ PUBLIC_URL: 'https://fairlead.example.org' });
    try {
      const answer = await fetch(`${behindProxy.httpUrl}${auth}/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: 'https://fairlead.example.org' },
        body: JSON.stringify({ email: user.email, password }),
      });
      expect(answer.headers.get('set-cookie')).toContain('; Secure');
    } finally {
      await behindProxy.stop();
    }
  });
});

describe('a refresh', () => {
  it('answers a new access token with the roles the user has now, and the session stays', async () => {
    const held = await login();
    await stage.change(user, { roles: ['viewer'] });
    const answer = await withCookie('refresh', held);
    expect(answer).toMatchObject({ status: 200, body: { token_type: 'Bearer', expires_in: 300 } });
    expect(cookieOf(answer)).toBe('');
    const token = String(answer.body['access_token']);
    expect(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())).toMatchObject({
      sub: `user:${user.id}`,
      sid: held.id,
      roles: ['viewer'],
    });
    expect((await gateway.call('GET', `${auth}/me`, { token })).body).toMatchObject({ email: user.email, roles: ['viewer'] });
  });

  it('works for two tabs at once, and again when its reply was lost', async () => {
    const held = await login();
    const answers = await Promise.all(Array.from({ length: 10 }, () => withCookie('refresh', held)));
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect((await withCookie('refresh', held)).status).toBe(200);
  });

  it('finds nobody signed in without a session', async () => {
    const held = await login();
    for (const cookie of ['', `other=${held.id}.${held.secret}`]) {
      const answer = await withCookie('refresh', { cookie });
      expect([cookie, answer.status, answer.body]).toEqual([cookie, 204, {}]);
      expect(cookieOf(answer)).toBe('');
    }
  });

  it('is refused with a malformed session, another secret or id', async () => {
    const [held, other] = [await login(), await login()];
    const cookies = [
      'fairlead_session=',
      'fairlead_session=x.y',
      `fairlead_session=${held.id}.${other.secret}`,
      `fairlead_session=ses_${'0'.repeat(32)}.${held.secret}`,
      `fairlead_session=${held.id}.${held.secret}x`,
    ];
    for (const cookie of cookies) {
      const answer = await withCookie('refresh', { cookie });
      expect([cookie, answer]).toMatchObject([cookie, ended]);
      // Its answer may come after that of a login in another tab, whose cookie it must not take.
      expect(cookieOf(answer)).toBe('');
    }
    expect((await withCookie('refresh', { cookie: `a=b; ${held.cookie}; c=d` })).status).toBe(200);
  });

  it.each([
    ['is too old', "expires_at = now() - interval '1 second'"],
    ['was not used for twelve hours', "last_used_at = now() - interval '12 hours 1 second'"],
  ])("is refused when the session %s by the database's clock", async (_case, change) => {
    const held = await login();
    await age(held, change);
    expect(await withCookie('refresh', held)).toMatchObject(ended);
  });

  it('keeps a session that is used from going idle, but not from growing old', async () => {
    const held = await login();
    await age(held, "last_used_at = now() - interval '11 hours 59 minutes', created_at = now() - interval '6 days'");
    expect((await withCookie('refresh', held)).status).toBe(200);
    const [row] = await stage.database.db.query<{ idle: boolean; days: number }>(
      `select last_used_at < now() - interval '1 hour' as idle, round(extract(epoch from expires_at - now()) / 86400)::int as days
       from session where session_id = $1`,
      [held.id],
    );
    expect(row).toEqual({ idle: false, days: 7 });
  });

  it('is refused for a user who was disabled; being enabled again brings no session back', async () => {
    const held = await login();
    await stage.change(user, { disabled: true });
    expect(await withCookie('refresh', held)).toMatchObject(ended);
    await stage.change(user, { disabled: false });
    expect(await withCookie('refresh', held)).toMatchObject(ended);
    expect(await events('sessions_revoked')).toMatchObject([{ payload: { count: 1, cause: 'user_disabled' } }]);
  });

  it('of a revoked session is recorded, once for repeats', async () => {
    const held = await login();
    await withCookie('logout', held);
    for (let repeat = 0; repeat < 3; repeat++) expect(await withCookie('refresh', held)).toMatchObject(ended);
    expect(await events('session_refresh_refused')).toMatchObject([
      { payload: { session_id: held.id, cause: 'revoked', address: '127.0.0.1' }, meta: { principal: 'anonymous' } },
    ]);
    await age(held, "refusal_recorded_at = now() - interval '61 seconds'");
    await withCookie('refresh', held);
    expect(await events('session_refresh_refused')).toHaveLength(2);
  });
});

describe('a logout', () => {
  it('ends the session and takes the cookie, as often as it is asked for', async () => {
    const [held, other] = [await login(), await login()];
    for (let repeat = 0; repeat < 2; repeat++) {
      const answer = await withCookie('logout', held);
      expect([answer.status, cookieOf(answer)]).toEqual([
        204,
        'fairlead_session=; Path=/admin/v1/auth; Max-Age=0; HttpOnly; SameSite=Strict',
      ]);
    }
    expect(await withCookie('refresh', held)).toMatchObject(ended);
    expect((await withCookie('refresh', other)).status).toBe(200);
    expect(await events('logged_out')).toMatchObject([{ payload: { session_id: held.id }, meta: { principal: `user:${user.id}` } }]);
  });

  it('works with a session that has expired, and without any', async () => {
    const held = await login();
    await age(held, "expires_at = now() - interval '1 day'");
    expect((await withCookie('logout', held)).status).toBe(204);
    expect((await send('logout')).status).toBe(204);
    expect(await events('logged_out')).toHaveLength(1);
  });

  it('needs the right secret', async () => {
    const [held, other] = [await login(), await login()];
    await withCookie('logout', { cookie: `fairlead_session=${held.id}.${other.secret}` });
    expect((await withCookie('refresh', held)).status).toBe(200);
  });
});

describe("other sites' pages", () => {
  it.each<Record<string, string>>([
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'http://127.0.0.1:1' },
    { 'sec-fetch-site': 'same-origin', origin: 'https://evil.example' },
  ])('with %j may not log in, refresh or log out', async (headers) => {
    const held = await login();
    const body = { email: user.email, password };
    for (const answer of [
      await send('login', headers, body),
      await withCookie('refresh', held, headers),
      await withCookie('logout', held, headers),
    ])
      expect(answer).toMatchObject({ status: 403, body: { code: 'cross_site_request' } });
    expect((await withCookie('refresh', held)).status).toBe(200);
  });

  it("may not, while the gateway's own may", async () => {
    const own = { origin: gateway.service.httpUrl, 'sec-fetch-site': 'same-origin' };
    const held = await login(own);
    expect((await withCookie('refresh', held, own)).status).toBe(200);
    expect((await withCookie('logout', held, own)).status).toBe(204);
  });
});

describe('the own sessions', () => {
  const list = (token: string, query = '') => gateway.call('GET', `${auth}/sessions${query}`, { token });
  const revoke = (token: string, id: string) => gateway.call('DELETE', `${auth}/sessions/${id}`, { token });

  it('are listed, the live ones, page by page', async () => {
    const [first, second, expired] = [await login({ 'user-agent': 'Browser/1' }), await login(), await login()];
    await age(expired, 'expires_at = now()');
    const { body } = await list(first.token);
    expect(body).toMatchObject({
      items: [
        { session_id: second.id, current: false },
        { session_id: first.id, current: true, user_agent: 'Browser/1', address: '127.0.0.1', expires_at: expect.any(String) },
      ],
      next_cursor: null,
    });
    const page = await list(first.token, '?limit=1');
    expect(page.body['items']).toMatchObject([{ session_id: second.id }]);
    const rest = await list(first.token, `?limit=1&cursor=${String(page.body['next_cursor'])}`);
    expect(rest.body).toMatchObject({ items: [{ session_id: first.id }], next_cursor: null });
  });

  it('are revoked one by one, by their user alone', async () => {
    const [mine, stolen] = [await login(), await login()];
    expect((await revoke(stage.admin, stolen.id)).status).toBe(404);
    const revoked = await revoke(mine.token, stolen.id);
    expect(revoked.status).toBe(204);
    expect(Number(revoked.headers.get('x-fairlead-position'))).toBeGreaterThan(0);
    expect((await revoke(mine.token, stolen.id)).status).toBe(204);
    expect((await revoke(mine.token, 'ses_unknown')).status).toBe(404);
    expect(await withCookie('refresh', stolen)).toMatchObject(ended);
    expect((await withCookie('refresh', mine)).status).toBe(200);
    expect(await events('session_revoked')).toMatchObject([{ payload: { session_id: stolen.id }, meta: { principal: `user:${user.id}` } }]);
  });

  it('end with a change of the password, but the one that changed it', async () => {
    const [mine, other] = [await login(), await login()];
    const body = { current_password: password, new_password: 'a much better passphrase' };
    expect((await gateway.call('POST', `${auth}/password`, { token: mine.token, body })).status).toBe(204);
    expect(await withCookie('refresh', other)).toMatchObject(ended);
    expect((await withCookie('refresh', mine)).status).toBe(200);
    expect(await events('sessions_revoked')).toMatchObject([{ payload: { count: 1, cause: 'password_changed' } }]);
  });

  it('are none that a login opens while the user is being disabled', async () => {
    const disable = stage.change(user, { disabled: true });
    const logins = Array.from({ length: 6 }, () => send('login', {}, { email: user.email, password }));
    await disable;
    for (const answer of await Promise.all(logins)) expect([200, 401]).toContain(answer.status);
    const live = await stage.database.db.query('select 1 from session where user_id = $1 and revoked_at is null', [user.id]);
    expect(live).toEqual([]);
  });
});

it('has told no secret of a session to its log or to the event log', async () => {
  const held = await login();
  await withCookie('refresh', held);
  await withCookie('logout', held);
  await withCookie('refresh', held);
  const told = await stage.told();
  expect(told).toContain(held.id);
  for (const secret of [held.secret, 'fairlead_session', 'eyJ']) expect([secret, told.includes(secret)]).toEqual([secret, false]);
});
