// Real: Postgres with the event log, NATS, gateways with and without a proxy that they trust; the tests are the proxy.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { loadConfig } from '@fairlead/config';
import type { RunningService } from '@fairlead/service-runtime';
import { configSchema } from '../index.js';
import { password, startIdentityStage, type IdentityStage, type TestUser } from '../testing/identity.js';

const proxies = '198.51.100.7, 127.0.0.0/8,2001:db8::/32';

let stage: IdentityStage;
let behindProxy: RunningService;
let behindAnother: RunningService;
let user: TestUser;

/** Logs in as a proxy passes it on, with what it tells of where the request came from. */
async function login(gateway: { httpUrl: string }, forwardedFor: string | undefined, pass = password, email = user.email) {
  const response = await fetch(`${gateway.httpUrl}/admin/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor }) },
    body: JSON.stringify({ email, password: pass }),
  });
  await response.text();
  return response;
}

/** The address that the last login of the user came from, as the session and the event tell it, and whatever is recorded of a request. */
async function recorded(): Promise<unknown[]> {
  const rows = await stage.database.db.query<{ address: string }>(
    'select address from session where user_id = $1 order by session_id desc limit 1',
    [user.id],
  );
  const event = (await stage.events(user, 'login_succeeded')).at(-1);
  return [rows[0]?.address, event?.payload['address'], event?.meta.source_address];
}

beforeAll(async () => {
  stage = await startIdentityStage();
  behindProxy = await stage.gateway.another({ TRUSTED_PROXIES: proxies });
  behindAnother = await stage.gateway.another({ TRUSTED_PROXIES: '192.0.2.0/24' });
}, 120_000);

afterAll(async () => {
  await Promise.all([behindProxy.stop(), behindAnother.stop()]);
  await stage.stop();
});

beforeEach(async () => {
  user = await stage.newUser('operator');
});

describe('behind a proxy that is trusted', () => {
  it.each([
    ['what the proxy saw', '203.0.113.9', '203.0.113.9'],
    ['what the first of several proxies saw', '203.0.113.9, 198.51.100.7', '203.0.113.9'],
    ['not what the client claims', '10.9.9.9, 127.0.0.1, 203.0.113.9, 2001:db8::5', '203.0.113.9'],
    ['an address of IPv6', '2a00:1450::1', '2a00:1450::1'],
    ['the proxy itself when it does not say', undefined, '127.0.0.1'],
    ['the proxy itself when it tells no address', 'unknown', '127.0.0.1'],
    ['the proxy itself when it tells a port too, which changes with each connection', '203.0.113.9:50112', '127.0.0.1'],
  ])("a client's address is %s", async (_case, forwardedFor, address) => {
    expect((await login(behindProxy, forwardedFor)).status).toBe(200);
    expect(await recorded()).toEqual([address, address, address]);
    expect(stage.gateway.lines.filter((line) => line.includes('"route":"/admin/v1/auth/login"')).at(-1)).toContain(
      `"address":"${address}"`,
    );
  });

  it('wrong passwords of one client let nobody else wait', async () => {
    for (let attempt = 0; attempt < 10; attempt++) expect((await login(behindProxy, '203.0.113.66', 'wrong-password')).status).toBe(401);
    expect((await login(behindProxy, '203.0.113.66')).status).toBe(429);
    expect((await login(behindProxy, '1.2.3.4, 203.0.113.66')).status).toBe(429);
    expect((await login(behindProxy, '203.0.113.9')).status).toBe(200);
  });

  it('a flood from one address, each time for another user, leaves the others their turn', async () => {
    const flood = await Promise.all(
      Array.from({ length: 300 }, async (_, index) =>
        login(behindProxy, '203.0.113.77', 'wrong-password', `user-${String(index)}@example.com`).then(({ status }) => status),
      ).concat(login(behindProxy, '203.0.113.9').then(({ status }) => status)),
    );
    expect(flood.at(-1)).toBe(200);
    expect(new Set(flood.slice(0, -1))).toEqual(new Set([401, 429]));
    for (let tried = flood.filter((status) => status === 401).length; tried < 100; tried++)
      await login(behindProxy, '203.0.113.77', 'wrong-password', `other-${String(tried)}@example.com`);
    expect((await login(behindProxy, '203.0.113.77', 'wrong-password', 'one-more@example.com')).status).toBe(429);
    expect((await login(behindProxy, '203.0.113.9')).status).toBe(200);
  }, 60_000);

  it('keeps cookies to TLS when the proxy says that it speaks it', async () => {
    const cookie = async (gateway: RunningService) => {
      const headers = { 'content-type': 'application/json', 'x-forwarded-proto': 'https' };
      const body = JSON.stringify({ email: user.email, password });
      return (await fetch(`${gateway.httpUrl}/admin/v1/auth/login`, { method: 'POST', headers, body })).headers.get('set-cookie');
    };
    expect(await cookie(behindProxy)).toContain('; Secure');
    expect(await cookie(behindAnother)).not.toContain('; Secure');
  });
});

describe.each([
  ['no proxy is trusted', () => stage.gateway.service],
  ['another proxy is trusted', () => behindAnother],
])('where %s', (_case, gateway) => {
  it("what a client claims to be its address is ignored: it can't get around the limit by it", async () => {
    expect((await login(gateway(), '203.0.113.9')).status).toBe(200);
    expect(await recorded()).toEqual(['127.0.0.1', '127.0.0.1', '127.0.0.1']);
    for (let attempt = 0; attempt < 10; attempt++) {
      expect((await login(gateway(), `203.0.113.${attempt}`, 'wrong-password')).status).toBe(401);
    }
    expect((await login(gateway(), '203.0.113.99', 'wrong-password')).status).toBe(429);
  });
});

describe('the setting', () => {
  const problem = (value: string) => {
    try {
      loadConfig(configSchema, { TRUSTED_PROXIES: value });
    } catch (error) {
      return String(error)
        .split('\n')
        .find((line) => line.includes('TRUSTED_PROXIES'));
    }
    return undefined;
  };

  it.each(['true', '*', '1', 'loopback', '10.0.0.0/33', '10.0.0.1,', 'proxy.internal', '0.0.0.0/0', '10.0.0.1, ::/0', '::/00'])(
    'refuses %s',
    (value) => {
      expect(problem(value)).toMatch(/not a comma-separated list of|would trust everybody/);
    },
  );

  it.each([proxies, '10.0.0.1', '', '10.0.0.0/8'])('takes "%s"', (value) => {
    expect(problem(value)).toBeUndefined();
  });
});
