// Real: Postgres with the event log, NATS, gateways with and without a proxy that they trust; the tests are the proxy, and the attackers.
import { afterEach, beforeAll, beforeEach, afterAll, describe, expect, it } from '@jest/globals';
import type { RunningService } from '@fairlead/service-runtime';
import { loginLimits } from '../domain/login-limits.js';
import { appCode } from '../testing/authenticator.js';
import { password, startIdentityStage, type IdentityStage, type TestUser } from '../testing/identity.js';

const { account, address, code, pair } = loginLimits;

let stage: IdentityStage;
/** A gateway that nobody has tried yet, behind a proxy that it trusts. */
let service: RunningService;
let user: TestUser;
/** Where the user has signed in from. */
const home = '203.0.113.9';

async function login(from: string, given: { email?: string; password?: string; code?: string } = {}, to = service) {
  const response = await fetch(`${to.httpUrl}/admin/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': from },
    body: JSON.stringify({ email: user.email, password, ...given }),
  });
  const body = (await response.json()) as { code?: string };
  return { status: response.status, code: body.code, retryAfter: Number(response.headers.get('retry-after')) };
}

const wrong = { password: 'wrong-password' };
/** Another address for each number. */
const elsewhere = (n: number) => `198.18.${n >> 8}.${n & 255}`;
const limited = { status: 429, code: 'rate_limited' };

/** Guesses from ever new addresses until the account's limit is reached. */
async function guessFromMany(given: typeof wrong & { email?: string } = wrong): Promise<void> {
  const tries = Array.from({ length: account.failures }, (_, n) => login(elsewhere(n), given));
  expect(new Set((await Promise.all(tries)).map(({ status }) => status))).toEqual(new Set([401]));
}

beforeAll(async () => {
  stage = await startIdentityStage();
}, 120_000);

afterAll(() => stage.stop());

beforeEach(async () => {
  service = await stage.gateway.another({ TRUSTED_PROXIES: '127.0.0.0/8' });
  user = await stage.newUser('operator');
});

afterEach(() => service.stop());

describe('guessing from one address', () => {
  it('one account is stopped there, and nowhere else', async () => {
    for (let n = 0; n < pair.failures; n++) expect((await login('198.51.100.1', wrong)).status).toBe(401);
    const refused = await login('198.51.100.1');
    expect(refused).toMatchObject(limited);
    expect(refused.retryAfter).toBeGreaterThan(0);
    expect(refused.retryAfter).toBeLessThanOrEqual(pair.windowMs / 1_000);
    expect((await login('198.51.100.2')).status).toBe(200);
    expect((await login(home)).status).toBe(200);
  });

  it('one account after another is stopped there, for all', async () => {
    for (let n = 0; n < address.failures; n++) {
      const { status } = await login('198.51.100.3', { ...wrong, email: `guess-${n}@example.com` });
      expect(status).toBe(401);
    }
    expect(await login('198.51.100.3')).toMatchObject(limited);
    expect((await login('198.51.100.4')).status).toBe(200);
  }, 60_000);

  it('is stopped in all of a network of IPv6, whose owner has every address in it', async () => {
    for (let n = 0; n < pair.failures; n++) expect((await login(`2001:db8::${n + 1}`, wrong)).status).toBe(401);
    expect(await login('2001:db8::ffff')).toMatchObject(limited);
    expect((await login('2001:db8:0:1::1')).status).toBe(200);
  });

  it('is not helped by what the client claims to be its address, behind the proxy or without one', async () => {
    for (let n = 0; n < pair.failures; n++) expect((await login(`10.1.1.${n}, 198.51.100.5`, wrong)).status).toBe(401);
    expect(await login('10.1.1.99, 198.51.100.5')).toMatchObject(limited);
    const direct = await stage.gateway.another({ TRUSTED_PROXIES: '' });
    try {
      for (let n = 0; n < pair.failures; n++) expect((await login(elsewhere(n), wrong, direct)).status).toBe(401);
      expect(await login(elsewhere(99), {}, direct)).toMatchObject(limited);
    } finally {
      await direct.stop();
    }
  });
});

describe('guessing from many addresses', () => {
  it('is stopped for the account, but where its owner has signed in lately', async () => {
    expect((await login(home)).status).toBe(200);
    await guessFromMany();
    const refused = await login('198.51.100.6');
    expect(refused).toMatchObject(limited);
    expect(refused.retryAfter).toBeLessThanOrEqual(account.windowMs / 1_000);
    expect((await login(home)).status).toBe(200);
    // That the owner signs in gives nobody else another try.
    expect(await login('198.51.100.6')).toMatchObject(limited);
    expect((await login('198.51.100.6', { email: (await stage.newUser('viewer')).email })).status).toBe(200);
  }, 60_000);

  it('is not helped by claiming to come from where the owner lives', async () => {
    expect((await login(home)).status).toBe(200);
    await guessFromMany();
    expect(await login(`${home}, 198.51.100.7`, wrong)).toMatchObject(limited);
  }, 60_000);

  it('is limited at the owner’s address too, for itself', async () => {
    expect((await login(home)).status).toBe(200);
    await guessFromMany();
    for (let n = 0; n < pair.failures; n++) expect((await login(home, wrong)).status).toBe(401);
    expect(await login(home)).toMatchObject(limited);
  }, 60_000);

  it('holds for what is no account, so that it tells nobody whether there is one', async () => {
    await guessFromMany({ ...wrong, email: 'nobody@example.com' });
    expect(await login('198.51.100.8', { email: 'nobody@example.com' })).toMatchObject(limited);
  }, 60_000);

  it('an address is known for thirty days', async () => {
    expect((await login(home)).status).toBe(200);
    await guessFromMany();
    const age = (days: number) =>
      stage.database.db.query('update session set created_at = now() - make_interval(days => $2) where user_id = $1', [user.id, days]);
    await age(29);
    expect((await login(home, wrong)).status).toBe(401);
    await age(31);
    expect(await login(home)).toMatchObject(limited);
  }, 60_000);

  it('codes is stopped much sooner for whoever knows the password, but where the owner has signed in', async () => {
    const { token } = await stage.login(user);
    await login(home);
    const post = (path: string, body: unknown) => stage.gateway.call('POST', `/admin/v1/auth/totp${path}`, { token, body });
    const secret = String((await post('', { current_password: password })).body['secret']);
    expect((await post('/confirm', { code: appCode(secret) })).status).toBe(200);
    await stage.database.db.query('update totp set last_step = 0 where user_id = $1', [user.id]);
    for (let n = 0; n < code.failures; n++) expect((await login(elsewhere(n), { code: String(n).repeat(6) })).status).toBe(401);
    const refused = await login(elsewhere(999), { code: appCode(secret) });
    expect(refused).toMatchObject(limited);
    expect(refused.retryAfter).toBeGreaterThan(account.windowMs / 1_000);
    expect((await login(home, { code: appCode(secret) })).status).toBe(200);
  });
});
