import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { readLog } from '@fairlead/event-log';
import type { RunningService } from '@fairlead/service-runtime';
import { eventually, eventuallyHolds } from '@fairlead/testing';
import { password, startIdentityStage, type IdentityStage, type TestUser } from '../testing/identity.js';

jest.setTimeout(120_000);

/** Two gateways that rotate their keys by command alone, and publish them five seconds before they use them. */
const env = { SIGNING_KEY_ROTATION_SECONDS: '86400', SIGNING_KEY_LEAD_SECONDS: '5', ACCESS_TOKEN_TTL_SECONDS: '300' };
let stage: IdentityStage;
let second: RunningService | undefined;
let admin: TestUser;

beforeAll(async () => {
  stage = await startIdentityStage(env);
  second = await stage.gateway.another();
  admin = await stage.newUser('admin');
});

afterAll(async () => {
  await second?.stop();
  await stage.stop();
});

const urlOf = (service: RunningService | undefined) => service?.httpUrl ?? '';
const kidOf = (token: string) => {
  const { kid } = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString('utf8')) as { kid: string };
  return kid;
};
const published = async (url: string) => {
  const { keys } = (await (await fetch(`${url}/.well-known/jwks.json`)).json()) as { keys: { kid: string; d?: string }[] };
  expect(keys.filter((key) => 'd' in key)).toEqual([]);
  return keys.map(({ kid }) => kid);
};
const tokenFrom = async (url: string) => {
  const response = await fetch(`${url}/admin/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: admin.email, password }),
  });
  return ((await response.json()) as { access_token: string }).access_token;
};
const statusAt = async (url: string, token: string) =>
  (await fetch(`${url}/admin/v1/users`, { headers: { authorization: `Bearer ${token}` } })).status;
const urls = () => [stage.gateway.service.httpUrl, urlOf(second)];
const states = async (token: string) => {
  const { body } = await stage.gateway.call('GET', '/admin/v1/signing-keys', { token });
  return body['items'] as { kid: string; state: string; trusted_until: string | null }[];
};
const rotate = async (token: string) =>
  eventually(
    async () => {
      const { status, body } = await stage.gateway.call('POST', '/admin/v1/signing-keys/rotate', { token, body: { reason: 'a drill' } });
      expect(status).toBe(200);
      return String(body['kid']);
    },
    { what: 'the keys are as they should be', timeoutMs: 30_000 },
  );

describe('signing keys', () => {
  it('are used once they have been published, and both gateways tell the same', async () => {
    const token = await eventually(
      async () => {
        const signed = await tokenFrom(urlOf(second));
        expect((await states(signed)).find(({ state }) => state === 'current')?.kid).toBe(kidOf(signed));
        return signed;
      },
      { what: 'the keys are as they should be', timeoutMs: 30_000 },
    );
    const listed = await states(token);
    expect(listed.map(({ state }) => state).sort()).toEqual(['current', 'next']);
    await eventuallyHolds(
      async () => {
        for (const url of urls()) expect(await published(url)).toEqual(expect.arrayContaining(listed.map(({ kid }) => kid)));
      },
      { what: 'the keys are as they should be', timeoutMs: 30_000 },
    );
  });

  it('rotate under calls, and no token is refused wrongly, by either gateway or by a service', async () => {
    const before = await tokenFrom(urlOf(second));
    const tokens = [before];
    const refused: string[] = [];
    let stopped = false;
    let calls = 0;
    const caller = async (url: string) => {
      while (!stopped) {
        tokens.push(await tokenFrom(url));
        for (const token of tokens.slice(-4)) {
          for (const at of urls()) {
            const status = await statusAt(at, token);
            if (status !== 200) refused.push(`${String(status)} for ${kidOf(token)}`);
          }
          // The peers verify it by what the gateway tells.
          const { status } = await stage.gateway.call('GET', '/admin/v1/tenants', { token });
          if (status !== 200) refused.push(`${String(status)} of a service for ${kidOf(token)}`);
          calls += 3;
        }
      }
    };
    const callers = urls().map(caller);
    const used = [await rotate(before), await rotate(before), await rotate(before)];
    await eventually(() => tokens.some((token) => kidOf(token) === used.at(-1)), { what: 'tokens of the last key', timeoutMs: 60_000 });
    stopped = true;
    await Promise.all(callers);
    expect([refused, calls > 30]).toEqual([[], true]);
    expect(await statusAt(urlOf(second), before)).toBe(200);
    expect(new Set(used).size).toBe(3);
  });

  it('end when every token that they signed has ended: then they are refused', async () => {
    const old = await tokenFrom(stage.gateway.service.httpUrl);
    const now = await rotate(old);
    const key = (await states(old)).find(({ kid }) => kid === kidOf(old));
    expect(key).toMatchObject({ state: 'previous' });
    const left = Date.parse(key?.trusted_until ?? '') - Date.now();
    expect(left).toBeGreaterThan(300_000);
    await stage.database.adminSql.query(`update api_gateway.signing_key set trusted_until = clock_timestamp() where kid = $1`, [
      kidOf(old),
    ]);
    await eventuallyHolds(
      async () => {
        for (const url of urls()) {
          expect(await published(url)).not.toContain(kidOf(old));
          expect(await published(url)).toContain(now);
        }
      },
      { what: 'the keys are as they should be', timeoutMs: 30_000 },
    );
    // A token that a gateway has seen is in its memory as long as it lives; one that it has not is judged by the keys.
    const unseen = await stage.gateway.another();
    try {
      expect(await statusAt(unseen.httpUrl, old)).toBe(401);
    } finally {
      await unseen.stop();
    }
  });

  it('rotate for those alone who manage identity, not sooner than verifiers can know the next one, and audited', async () => {
    const { token } = await stage.login(await stage.newUser('operator'));
    const body = { reason: 'a drill' };
    expect((await stage.gateway.call('POST', '/admin/v1/signing-keys/rotate', { token, body })).status).toBe(403);
    const own = await tokenFrom(urlOf(second));
    const kid = await rotate(own);
    const again = await stage.gateway.call('POST', '/admin/v1/signing-keys/rotate', { token: own, body });
    expect([again.status, again.body['code']]).toEqual([429, 'rate_limited']);
    expect(again.headers.get('retry-after')).toMatch(/^[1-9]/);
    const events = (await readLog(stage.database.db, { after: 0, limit: 1_000 })).filter(({ aggregateId }) => aggregateId === kid);
    expect(events.map(({ type }) => type)).toEqual(['signing_key_published', 'signing_key_rotated']);
    expect(events[1]).toMatchObject({ payload: { kid, cause: 'command' }, meta: { principal: `user:${admin.id}`, reason: 'a drill' } });
  });

  it('are told by HTTPS only where there are certificates to know services by', async () => {
    await expect(stage.gateway.another({ JWKS_HTTPS_PORT: '0' })).rejects.toThrow(/JWKS_HTTPS_PORT needs TLS_CERT_FILE/);
  });

  it('are stored sealed, and are in no log and no event', async () => {
    const rows = await stage.database.adminSql.query<{ sealed_jwk: Buffer }>('select sealed_jwk from api_gateway.signing_key');
    expect(rows.length).toBeGreaterThan(3);
    for (const row of rows) expect(row.sealed_jwk.toString('latin1')).not.toContain('kty');
    expect(await stage.told()).not.toMatch(/"d":"/);
  });
});
