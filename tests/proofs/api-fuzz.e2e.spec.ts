/**
 * Whatever is sent to the API, it answers what its document says. Requests are made from the document, right ones and broken ones, and are sent to a
 * running stack: no answer is a server's error, each is of the shape that the document gives it, every error is a problem, and with every operation
 * something succeeds.
 */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { startStack, type Stack } from '@fairlead/dev-env';
import { freePort, portsChosenAhead } from '@fairlead/local-servers';
import { failpointBoard, testFolder } from '@fairlead/testing';
import { clientId, clientSecret, startOpenIdProvider, type OpenIdProvider } from '../../apps/api-gateway/src/testing/openid-provider.js';
import type { Operation } from '../e2e/support/fuzz/document.js';
import { Fuzzer, type Parts } from '../e2e/support/fuzz/fuzzer.js';
import { know, prepare, type Stage } from '../e2e/support/fuzz/stage.js';
import { World } from '../e2e/support/fuzz/world.js';
import { Operator, send } from '../e2e/support/operator.js';
import { proof } from '../e2e/support/proof.js';

const { full, figures, raw, random, seed } = proof();
const requests = full ? 20_000 : 4_000;
const callers = 12;
/** Operations by which somebody loses a session, a token or a password: those of a user of their own. */
const personal = ['auth', 'sessions', 'apiTokens'];

let stack: Stack;
let provider: OpenIdProvider;
let stage: Stage;
let fuzzer: Fuzzer;
const world = new World();
const tokens: Record<'ann' | 'bob' | 'viewer' | 'eve', string> = { ann: '', bob: '', viewer: '', eve: '' };
const eve = 'eve@example.test';
let eveCookie: string | undefined;
let signingIn: Promise<void> | undefined;

async function signIn(email: string, password: string): Promise<{ token: string; cookie: string | undefined }> {
  const headers = { 'x-forwarded-for': `10.9.9.${String(Math.floor(random() * 250))}` };
  const answer = await send<{ access_token: string }>(`${stack.url}/admin/v1/auth/login`, {
    method: 'POST',
    headers,
    body: { email, password },
  });
  if (answer.status !== 200) throw new Error(`${email} can't sign in: ${JSON.stringify(answer.body)}`);
  return { token: answer.body.access_token, cookie: answer.headers.get('set-cookie')?.split(';')[0] };
}

/** Her password may change while she does. */
async function eveSignsIn(): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const { password } = world;
    try {
      const { token, cookie } = await signIn(eve, password);
      [tokens.eve, eveCookie] = [token, cookie];
      return;
    } catch (error) {
      if (tries >= 5) throw error;
    }
  }
}

beforeAll(async () => {
  const board = failpointBoard(testFolder('failpoints'));
  // What the provider has to say about a quick start.
  jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  const port = await freePort(portsChosenAhead);
  const publicUrl = `http://127.0.0.1:${String(port)}`;
  provider = await startOpenIdProvider([`${publicUrl}/sign-in/corp`]);
  const issuer = { id: 'corp', name: 'Corp', issuer: provider.issuer, client_id: clientId, client_secret: clientSecret };
  stack = await startStack({
    ...{ stateDir: testFolder('stack'), port, separate: false, sim: true, log: () => undefined, failpoints: board.folder },
    env: {
      ...{ TRUSTED_PROXIES: '127.0.0.1', MIGRATE_FORWARD_TIMEOUT_MS: '3000', FLEET_INTERVAL_MS: '1000', FLEET_CALL_TIMEOUT_MS: '2000' },
      ...{ PUBLIC_URL: publicUrl, OIDC_ISSUERS: JSON.stringify([{ ...issuer, roles: { ops: ['viewer'] } }]) },
      ...{ ACCESS_TOKEN_TTL_SECONDS: '3600', RATE_LIMIT_PER_MINUTE: '1000000', SIGNING_KEY_LEAD_SECONDS: '5' },
    },
  });
  const admin = stack.firstAdmin();
  const ann = await Operator.login(stack.url, stack.simUrl, admin);
  world.password = 'eve-has-a-long-password';
  for (const [name, roles] of [
    ['bob', ['operator']],
    ['viewer', ['viewer']],
    ['eve', ['admin']],
  ] as const) {
    // Of their own: what the fuzzer knows of passwords must change nobody's but Eve's.
    const password = name === 'eve' ? world.password : `${name}-has-a-long-password`;
    await ann.post('/admin/v1/users', { email: `${name}@example.test`, password, roles });
    tokens[name] = (await signIn(`${name}@example.test`, password)).token;
  }
  tokens.ann = (await signIn(admin.email, admin.password)).token;
  await eveSignsIn();
  world.know('email', eve);
  world.know('password', world.password);
  world.know('new tenants', ...Array.from({ length: 40 }, (_, n) => `fuzz-${String(n)}`));
  world.know('spare shards', 'spare-1', 'spare-2', 'spare-3');
  world.know('new passwords', ...Array.from({ length: 40 }, (_, n) => `fuzz-has-password-${String(n)}`));
  world.know('reload kind', 'gateway');
  world.know('reload shard', 'gateway-1');
  world.know('tenant', 'tenant');
  world.know('seconds', 0, 1);
  world.know('ages', 60_000);
  world.know('config revisions', 0);
  world.know('config domains', 'placement');
  world.know('config contents', { cooldown_seconds: 60 }, { tolerance_percent: 20 });
  world.know('placed kinds', 'runner');
  world.know('placed shards', 'runner-1');
  world.know('other shards', 'runner-2');
  world.know('schedule kinds', 'reload');
  world.know('schedule params', { kind: 'gateway', shard: 'gateway-1' });
  world.know('hook urls', 'http://127.0.0.1:9/hook');
  world.know('hook types', ['job.*'], ['user.user_created', 'tenant.*']);
  world.know('schemas', 'placement');
  world.know('tables', 'tenant', 'assignment');
  world.know('columns', 'tenant_id', 'revision,tenant_id');
  world.know('filters', 'tenant_id.starts_with.tenant', 'revision.gte.0,tenant_id.is_not_null');
  world.know('orders', 'tenant_id', '-revision');
  world.know('crons', '0 3 1 1 *');
  world.know('zones', 'UTC', 'Europe/Berlin');
  world.know('new names', ...Array.from({ length: 40 }, (_, n) => `fuzz-${String(n)}`));
  fuzzer = new Fuzzer(stack.url, world, { allowed, anybody, cookie: () => eveCookie, answered }, random);
  world.know('issuers', 'corp');
  stage = { stack, provider, board, ann, bobToken: () => tokens.bob, fuzzer, world };
}, 180_000);

afterAll(async () => {
  await stack.stop();
  await provider.stop();
}, 60_000);

function allowed({ id }: Operation): string {
  return personal.includes(id.split('.')[0] ?? '') ? tokens.eve : tokens.ann;
}

function anybody(operation: Operation): string | undefined {
  const dice = random();
  if (dice < 0.03) return undefined;
  if (dice < 0.05) return 'not.a.token';
  if (dice < 0.1) return tokens.viewer;
  return dice < 0.2 ? tokens.bob : allowed(operation);
}

/** Eve signs in again once she has lost her session. */
function answered(operation: Operation, status: number, headers: Headers, parts: Parts): void {
  if (operation.id === 'auth.password' && status === 204) {
    world.forget('password', world.password);
    world.password = (parts.body as { new_password: string }).new_password;
    world.know('password', world.password);
  }
  const [group, name] = operation.id.split('.');
  const cookie = headers.get('set-cookie')?.split(';')[0];
  const isEve = (parts.body as { email?: unknown } | undefined)?.email === eve;
  if (operation.id === 'auth.login' && isEve && status === 200 && cookie !== undefined) eveCookie = cookie;
  const lost = operation.id === 'auth.logout' || (personal.includes(group ?? '') && status === 401 && name !== 'login');
  if (lost) signingIn ??= eveSignsIn().finally(() => (signingIn = undefined));
}

describe(`the API, by seed ${String(seed)}`, () => {
  it('succeeds with what is hard to come by', async () => {
    await prepare(stage);
    expect(fuzzer.faults).toEqual([]);
  }, 120_000);

  it(
    `answers ${String(requests)} requests as its document says`,
    async () => {
      let sent = 0;
      const since = performance.now();
      const call = async () => {
        // Some can't be sent: no client takes their headers.
        while (fuzzer.requests < requests) {
          sent += 1;
          if (sent % 500 === 0) await know(stage);
          await signingIn;
          await fuzzer.one();
        }
      };
      await Promise.all(Array.from({ length: callers }, call));
      figures['requests'] = fuzzer.requests;
      figures['seconds'] = Math.round((performance.now() - since) / 1000);
      for (const hundred of [2, 4, 5]) figures[`${String(hundred)}xx`] = fuzzer.answered(hundred);
      raw.push(Object.fromEntries([...fuzzer.tally].map(([id, statuses]) => [id, Object.fromEntries(statuses)])));
      expect(fuzzer.faults.slice(0, 10)).toEqual([]);
      expect(fuzzer.neverDone()).toEqual([]);
      expect(fuzzer.answered(2) / fuzzer.requests).toBeGreaterThanOrEqual(0.2);
      expect(fuzzer.requests).toBeGreaterThanOrEqual(requests);
    },
    full ? 3_600_000 : 600_000,
  );
});
