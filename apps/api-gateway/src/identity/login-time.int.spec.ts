// Real: Postgres with the event log, NATS, the gateway's HTTP server. How long a refusal takes tells nobody who is a user.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { RunningService } from '@fairlead/service-runtime';
import { loginLimits } from '../domain/login-limits.js';
import { appCode } from '../testing/authenticator.js';
import { password, startIdentityStage, type IdentityStage, type TestUser } from '../testing/identity.js';

let stage: IdentityStage;
let service: RunningService;
let tried = 0;

/** Time in ms of a login with a wrong password, each from an address of its own: none of them has to wait. */
async function timeOf(email: string): Promise<number> {
  tried += 1;
  const startedAt = performance.now();
  const response = await fetch(`${service.httpUrl}/admin/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': `198.18.${tried >> 8}.${tried & 255}` },
    body: JSON.stringify({ email, password: 'wrong-password' }),
  });
  const { code } = (await response.json()) as { code: string };
  const tookMs = performance.now() - startedAt;
  expect([email, code]).toEqual([email, 'login_failed']);
  return tookMs;
}

async function withSecondFactor(): Promise<TestUser> {
  const user = await stage.newUser('operator');
  const { token } = await stage.login(user);
  const post = (path: string, body: unknown) => stage.gateway.call('POST', `/admin/v1/auth/totp${path}`, { token, body });
  const secret = String((await post('', { current_password: password })).body['secret']);
  expect((await post('/confirm', { code: appCode(secret) })).status).toBe(200);
  return user;
}

async function disabled(): Promise<TestUser> {
  const user = await stage.newUser('operator');
  await stage.change(user, { disabled: true });
  return user;
}

function medianOf(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  return ((sorted[Math.floor((sorted.length - 1) / 2)] ?? 0) + (sorted[Math.floor(sorted.length / 2)] ?? 0)) / 2;
}

beforeAll(async () => {
  stage = await startIdentityStage();
}, 120_000);

afterAll(() => stage.stop());

/** As many as an account may fail to log in, less the first. */
const perRound = loginLimits.account.failures - 1;
const rounds = 8;

it('a login that fails takes as long for a user, a disabled one, one with a second factor and nobody', async () => {
  const times: Record<string, number[]> = { known: [], disabled: [], 'second factor': [], unknown: [] };
  let ratios: Record<string, number> = {};
  for (let round = 0; round < rounds; round++) {
    // Another gateway and other users each time: accounts have limits over all addresses.
    service = await stage.gateway.another({ TRUSTED_PROXIES: '127.0.0.0/8' });
    try {
      const kinds: [kind: string, email: string][] = [
        ['known', (await stage.newUser('operator')).email],
        ['disabled', (await disabled()).email],
        ['second factor', (await withSecondFactor()).email],
        ['unknown', `nobody-${round}@example.com`],
      ];
      // The first ones find nothing warm.
      for (const [, email] of kinds) await timeOf(email);
      // One of each after the other, and another one first each time: what the machine does besides meets all alike.
      for (let turn = 0; turn < perRound * kinds.length; turn++) {
        const [kind = '', email = ''] = kinds[(turn + Math.floor(turn / kinds.length)) % kinds.length] ?? [];
        times[kind]?.push(await timeOf(email));
      }
    } finally {
      await service.stop();
    }
    const known = medianOf(times['known'] ?? []);
    ratios = Object.fromEntries(Object.entries(times).map(([kind, all]) => [kind, medianOf(all) / known]));
    // On a busy machine a few samples may be apart by chance; what tells something is apart in however many.
    if (Object.values(ratios).every((ratio) => Math.abs(ratio - 1) <= 0.1)) return;
  }
  throw new Error(`medians of ${perRound * rounds} differ by more than a tenth: ${JSON.stringify(ratios)}`);
}, 300_000);
