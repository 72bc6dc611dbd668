// Real: Postgres with the event log, NATS, the gateway's HTTP server. The tests are the authenticator app.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { appCode } from '../testing/authenticator.js';
import type { Answer, TestGateway } from '../testing/gateway.js';
import { password, startIdentityStage, type IdentityStage, type TestUser } from '../testing/identity.js';
import { newSecret } from './secrets.js';

const path = '/admin/v1/auth/totp';

let stage: IdentityStage;
let gateway: TestGateway;
let user: TestUser;
/** The user's access token, of a login with the password alone. */
let token: string;
/** Every secret and code that was shown. */
const shown: string[] = [];

const post = (to: string, body: unknown, by: string | undefined = token) => gateway.call('POST', to, { token: by, body });
const login = (code?: string, given = password) =>
  post('/admin/v1/auth/login', { email: user.email, password: given, ...(code === undefined ? {} : { code }) });
const enrol = (by = token) => post(path, { current_password: password }, by);
/** As if no code had been used: a step lasts 30 seconds, and tests need more codes than that. */
const forgetSteps = () => stage.database.db.query('update totp set last_step = 0 where user_id = $1', [user.id]);
const events = async (type: string) => (await stage.events(user, type)).map(({ payload, meta }) => ({ payload, meta }));
const failed = { status: 401, body: { code: 'login_failed' } };
const wrong = (pointer: string) => ({ status: 400, body: { code: 'invalid_argument', errors: [{ pointer }] } });

/** An active second factor, with no step used up. */
async function active(): Promise<{ secret: string; codes: string[] }> {
  const secret = String((await enrol()).body['secret']);
  const confirmed = await post(`${path}/confirm`, { code: appCode(secret) });
  expect(confirmed.status).toBe(200);
  const codes = confirmed.body['recovery_codes'] as string[];
  shown.push(secret, ...codes);
  await forgetSteps();
  return { secret, codes };
}

const statuses = (answers: readonly Answer[]) => answers.map(({ status }) => status).sort();

beforeAll(async () => {
  stage = await startIdentityStage();
  gateway = stage.gateway;
}, 120_000);

afterAll(() => stage.stop());

beforeEach(async () => {
  user = await stage.newUser('operator');
  token = (await stage.login(user)).token;
});

describe('enrolment', () => {
  it('needs the password, shows the secret once, and asks for no code until it is confirmed', async () => {
    expect(await post(path, { current_password: 'not the password' })).toMatchObject(wrong('/current_password'));
    const { status, body } = await enrol();
    expect([status, Object.keys(body)]).toEqual([201, ['secret', 'otpauth_uri']]);
    const secret = String(body['secret']);
    shown.push(secret);
    expect(secret).toMatch(/^[A-Z2-7]{32}$/);
    expect(String(body['otpauth_uri'])).toContain(`otpauth://totp/Fairlead:${encodeURIComponent(user.email)}?secret=${secret}&`);
    expect((await login()).status).toBe(200);
    expect((await gateway.call('GET', '/admin/v1/auth/me', { token })).body).toMatchObject({ totp: false });
    expect(await events('totp_enrolled')).toMatchObject([{ payload: { email: user.email }, meta: { principal: `user:${user.id}` } }]);
  });

  it('is stored sealed for its user: another row opens it no more', async () => {
    const { secret } = await active();
    const { db } = stage.database;
    const rows = await db.query<{ sealed: string }>(`select encode(sealed_secret, 'hex') as sealed from totp where user_id = $1`, [
      user.id,
    ]);
    expect([rows.length, rows[0]?.sealed.length]).toEqual([1, 2 * (12 + 16 + 20)]);
    const other = await stage.newUser('viewer');
    await db.query('insert into totp select $2, sealed_secret, enrolled_at, confirmed_at, 0 from totp where user_id = $1', [
      user.id,
      other.id,
    ]);
    user = other;
    expect(await login(appCode(secret))).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  });

  it('is replaced by another one until it is confirmed, and by none after that', async () => {
    const first = String((await enrol()).body['secret']);
    const second = String((await enrol()).body['secret']);
    expect(await post(`${path}/confirm`, { code: appCode(first) })).toMatchObject(wrong('/code'));
    for (const code of ['nonsense', 'é'.repeat(6), '\0', '12345', '٠١٢٣٤٥'])
      expect(await post(`${path}/confirm`, { code })).toMatchObject(wrong('/code'));
    const code = appCode(second);
    const confirmed = await post(`${path}/confirm`, { code });
    const codes = confirmed.body['recovery_codes'] as string[];
    expect([confirmed.status, codes.length, new Set(codes).size]).toEqual([200, 10, 10]);
    expect(await enrol()).toMatchObject({ status: 409, body: { code: 'already_exists' } });
    expect(await post(`${path}/confirm`, { code: appCode(second, 1) })).toMatchObject({ status: 404 });
    expect(await login(code)).toMatchObject(failed);
    expect((await gateway.call('GET', '/admin/v1/auth/me', { token })).body).toMatchObject({ totp: true });
    const { body } = await gateway.call('GET', '/admin/v1/users?limit=200', { token: stage.admin });
    const views = body['items'] as { user_id: string; totp: boolean }[];
    expect(views.filter(({ totp }) => totp).map(({ user_id }) => user_id)).toContain(user.id);
    expect(views.some(({ totp }) => !totp)).toBe(true);
    expect(await events('totp_confirmed')).toHaveLength(1);
  });

  it('ends with the session that asked for it', async () => {
    const secret = String((await enrol()).body['secret']);
    await stage.database.db.query('update session set revoked_at = now() where user_id = $1', [user.id]);
    expect(await post(`${path}/confirm`, { code: appCode(secret) })).toMatchObject({ status: 401 });
    expect((await login()).status).toBe(200);
  });
});

describe('a login with an active second factor', () => {
  it('asks for the code after the right password alone', async () => {
    const { secret } = await active();
    expect(await login(undefined, 'wrong-password')).toMatchObject(failed);
    expect(await login(appCode(secret), 'wrong-password')).toMatchObject(failed);
    const asked = await login();
    expect(asked).toMatchObject({ status: 401, body: { code: 'second_factor_required' } });
    expect(asked.headers.get('set-cookie')).toBeNull();
    const code = appCode(secret);
    expect((await login(`${code.slice(0, 3)} ${code.slice(3)}`)).status).toBe(200);
    expect((await events('second_factor_requested')).map(({ payload }) => payload)).toEqual([{ email: user.email, address: '127.0.0.1' }]);
    expect((await events('login_succeeded')).at(-1)?.payload).toMatchObject({ second_factor: 'totp' });
  });

  it('of a disabled user fails as with a wrong password, and asks for nothing', async () => {
    const { secret } = await active();
    await stage.change(user, { disabled: true });
    expect(await login()).toMatchObject(failed);
    expect(await login(appCode(secret))).toMatchObject(failed);
    expect(await events('second_factor_requested')).toEqual([]);
  });

  it('takes a code one step early and late, each step once, and none before it any more', async () => {
    const { secret } = await active();
    // Shown now: the next step may begin at any time.
    const [before, now, next, later] = [-1, 0, 1, 4].map((steps) => appCode(secret, steps));
    expect(await login(later)).toMatchObject(failed);
    expect((await login(now)).status).toBe(200);
    expect(await login(now)).toMatchObject(failed);
    expect(await login(before)).toMatchObject(failed);
    const attempt = { payload: { email: user.email, address: '127.0.0.1' }, meta: { principal: 'anonymous' } };
    expect(await events('second_factor_failed')).toMatchObject([attempt, attempt, attempt]);
    expect((await login(next)).status).toBe(200);
  });

  it('opens one session for one code, however many try at once', async () => {
    const { secret } = await active();
    const code = appCode(secret);
    const answers = await Promise.all(Array.from({ length: 8 }, () => login(code)));
    expect(statuses(answers)).toEqual([200, ...Array.from({ length: 7 }, () => 401)]);
  });

  it('takes each recovery code once, also when it is given twice at once, and says how many are left', async () => {
    const { codes } = await active();
    const [first = '', second = ''] = codes;
    expect((await login(first.toLowerCase())).status).toBe(200);
    expect(await login(first)).toMatchObject(failed);
    expect(statuses(await Promise.all([login(second), login(second), login(second)]))).toEqual([200, 401, 401]);
    expect((await events('recovery_code_used')).map(({ payload }) => payload)).toEqual([
      { email: user.email, left: 9 },
      { email: user.email, left: 8 },
    ]);
    expect((await events('login_succeeded')).at(-1)?.payload).toMatchObject({ second_factor: 'recovery' });
  });

  it('is limited for wrong codes', async () => {
    const { secret } = await active();
    // At once: those on their way must not slip past the limit.
    const answers = await Promise.all(Array.from({ length: 30 }, (_, index) => login(String(index).padStart(6, '0'))));
    const tried = answers.filter(({ status }) => status === 401).length;
    expect([tried >= 10, tried <= 13, statuses(answers).filter((status) => status === 429).length]).toEqual([true, true, 30 - tried]);
    const limited = await login(appCode(secret));
    expect(limited).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
  });
});

describe('its changes', () => {
  it('are new recovery codes, with the password and a code, in place of the old ones', async () => {
    const { secret, codes } = await active();
    const renew = (given: string, code: string) => post(`${path}/recovery-codes`, { current_password: given, code });
    expect(await renew('not the password', appCode(secret))).toMatchObject(wrong('/current_password'));
    expect(await renew(password, '000000')).toMatchObject(wrong('/code'));
    const code = appCode(secret);
    const renewed = await renew(password, code);
    expect(renewed.status).toBe(200);
    const fresh = renewed.body['recovery_codes'] as string[];
    shown.push(...fresh);
    expect(await renew(password, code)).toMatchObject(wrong('/code'));
    expect(await login(codes[0])).toMatchObject(failed);
    expect((await login(fresh[0])).status).toBe(200);
    expect(await events('recovery_codes_replaced')).toHaveLength(1);
  });

  it('at the same moment leave the recovery codes of one of them, whichever codes they were asked for with', async () => {
    const { codes } = await active();
    const renewals = codes.slice(0, 4).map((code) => post(`${path}/recovery-codes`, { current_password: password, code }));
    const answers = await Promise.all(renewals);
    expect(statuses(answers)).toEqual([200, 400, 400, 400]);
    const fresh = answers.flatMap(({ body }) => (body['recovery_codes'] ?? []) as string[]);
    shown.push(...fresh);
    expect([fresh.length, (await login(fresh[9])).status]).toEqual([10, 200]);
  });

  it('are taking it away, with the password and a code', async () => {
    const { codes } = await active();
    const disable = (given: string, code: string) => post(`${path}/disable`, { current_password: given, code });
    expect(await disable('not the password', codes[0] ?? '')).toMatchObject(wrong('/current_password'));
    expect(await disable(password, 'AAAA-AAAA-AAAA-AAAA')).toMatchObject(wrong('/code'));
    expect((await disable(password, codes[0] ?? '')).status).toBe(204);
    expect((await login()).status).toBe(200);
    expect(await disable(password, codes[1] ?? '')).toMatchObject({ status: 404 });
    expect([(await events('totp_disabled')).length, (await events('recovery_code_used')).length]).toEqual([1, 1]);
    expect(await stage.database.db.query('select 1 from recovery_code where user_id = $1', [user.id])).toEqual([]);
  });

  it('are limited and recorded for wrong codes', async () => {
    const { secret } = await active();
    const disable = (code: string) => post(`${path}/disable`, { current_password: password, code });
    for (let tried = 0; tried < 10; tried++) expect((await disable(String(tried).repeat(6))).status).toBe(400);
    expect(await disable(appCode(secret))).toMatchObject({ status: 429 });
    const attempt = { payload: { email: user.email, address: '127.0.0.1' }, meta: { principal: `user:${user.id}` } };
    expect(await events('second_factor_failed')).toMatchObject(Array.from({ length: 10 }, () => attempt));
    expect((await login()).body).toMatchObject({ code: 'second_factor_required' });
  });

  it('are not for API tokens, an admin’s neither', async () => {
    const body = { name: 'ci', roles: ['admin'] };
    const apiToken = String((await post('/admin/v1/api-tokens', body, stage.admin)).body['token']);
    const both = { current_password: password, code: '123456' };
    for (const answer of [
      await enrol(apiToken),
      await post(`${path}/confirm`, { code: '123456' }, apiToken),
      await post(`${path}/recovery-codes`, both, apiToken),
      await post(`${path}/disable`, both, apiToken),
    ])
      expect(answer).toMatchObject({ status: 403, body: { code: 'permission_denied' } });
  });
});

describe('a reset by an admin', () => {
  const reset = (id: string, body: unknown, by = stage.admin) => post(`/admin/v1/users/${id}/totp/reset`, body, by);

  it('takes another user’s second factor away, with a reason', async () => {
    await active();
    expect(await reset(user.id, {})).toMatchObject(wrong('/reason'));
    expect(await reset(user.id, { reason: 'lost phone' }, token)).toMatchObject({ status: 403 });
    expect((await login()).status).toBe(401);
    const answer = await reset(user.id, { reason: 'lost phone' });
    expect(answer).toMatchObject({ status: 200, body: { user_id: user.id, totp: false } });
    expect(Number(answer.headers.get('x-fairlead-position'))).toBeGreaterThan(0);
    expect((await login()).status).toBe(200);
    expect((await reset(user.id, { reason: 'again' })).headers.get('x-fairlead-position')).toBeNull();
    const [event, ...more] = await events('totp_reset');
    expect([event?.meta.reason, event?.meta.principal === `user:${user.id}`, more]).toEqual(['lost phone', false, []]);
  });

  it('is not for the own one, nor for nobody’s', async () => {
    const { user_id } = (await gateway.call('GET', '/admin/v1/auth/me', { token: stage.admin })).body;
    expect(await reset(String(user_id), { reason: 'x' })).toMatchObject({ status: 403 });
    expect(await reset('usr_nobody', { reason: 'x' })).toMatchObject({ status: 404 });
  });
});

describe('a gateway without the key', () => {
  it.each([
    ['none', ''],
    ['another', newSecret()],
  ])('(%s) starts, says that it has not, and takes recovery codes', async (_case, key) => {
    const { secret, codes } = await active();
    const other = await gateway.another({ IDENTITY_KEY: key });
    const ask = async (to: string, body: unknown, headers: Record<string, string> = {}) => {
      const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
      const response = await fetch(`${other.httpUrl}${to}`, init);
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    };
    try {
      const enrolled = await ask(path, { current_password: password }, { authorization: `Bearer ${token}` });
      expect(enrolled.status).toBe(key === '' ? 503 : 409);
      if (key === '') expect(enrolled.body['detail']).toBe('The gateway has no key for second factors (IDENTITY_KEY_FILE)');
      const given = { email: user.email, password };
      expect(await ask('/admin/v1/auth/login', given)).toMatchObject({ status: 401, body: { code: 'second_factor_required' } });
      expect(await ask('/admin/v1/auth/login', { ...given, code: appCode(secret) })).toMatchObject({ status: 503 });
      expect((await ask('/admin/v1/auth/login', { ...given, code: codes[0] })).status).toBe(200);
    } finally {
      await other.stop();
    }
  });
});

it('has told no secret and no code to its log or to the event log', async () => {
  const told = await stage.told();
  expect(shown.length).toBeGreaterThan(50);
  for (const secret of shown.flatMap((one) => [one, one.replaceAll('-', '')])) expect(told.includes(secret)).toBe(false);
});
