// Real: Postgres, NATS, a gateway that lets each caller send few requests.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { testDatabase, testMessaging, type TestDatabase, type TestMessaging } from '@fairlead/testing';
import { migrations } from '../index.js';
import { startGateway, type TestGateway } from '../testing/gateway.js';

const limit = 5;
let database: TestDatabase;
let nats: TestMessaging;
let gateway: TestGateway;

beforeAll(async () => {
  [database, nats] = await Promise.all([testDatabase({ service: 'api-gateway', migrations }), testMessaging()]);
  gateway = await startGateway({ database, nats }, { RATE_LIMIT_PER_MINUTE: String(limit) });
  // An API token is looked up with each request.
  await database.db.query(`insert into users (user_id, email, password_hash) values ('usr_ann', 'a@example.com', 'none')`);
  await database.db.query(
    `insert into role_binding (binding_id, principal, role, scope, created_by) values ('bnd_1', 'user:usr_ann', 'viewer', '/', 'user:usr_ann')`,
  );
  await database.db.query(
    `insert into api_token (token_id, user_id, name, roles, secret_hash, expires_at) values ('flt_1', 'usr_ann', 'one', '{viewer}', '', now() + interval '1 hour')`,
  );
}, 120_000);

afterAll(async () => {
  await gateway.stop();
  await Promise.all([database.drop(), nats.close()]);
});

const tokenOf = (userId: string, apiTokenId?: string) =>
  gateway.signer.signUser({ userId, email: 'a@example.com', roles: ['viewer'], ...(apiTokenId === undefined ? {} : { apiTokenId }) }, 600);

it('tells each caller what is left, refuses what is too much, and lets others be', async () => {
  const [ann, program, bob] = await Promise.all([tokenOf('usr_ann'), tokenOf('usr_ann', 'flt_1'), tokenOf('usr_bob')]);
  const left: string[] = [];
  // Twice as many: a minute may end in between.
  for (let sent = 0; sent < 2 * limit; sent += 1) {
    const { status, headers, body } = await gateway.call('GET', '/admin/v1/shards', { token: ann });
    expect(headers.get('ratelimit-policy')).toBe('"requests";q=5;w=60');
    const [, remaining = '', seconds = ''] = /^"requests";r=(\d+);t=(\d+)$/.exec(headers.get('ratelimit') ?? '') ?? [];
    expect([Number(seconds) > 0, Number(seconds) <= 60]).toEqual([true, true]);
    left.push(remaining);
    if (status !== 429) continue;
    expect(body).toMatchObject({ code: 'rate_limited', details: { retry_after_seconds: Number(seconds) } });
    expect(headers.get('retry-after')).toBe(seconds);
  }
  expect(left.slice(0, 2)).toEqual(['4', '3']);
  expect(left).toContain('0');
  const peersCalled = gateway.peers.calls.length;
  expect(peersCalled).toBeLessThan(2 * limit);
  for (const token of [program, bob]) expect((await gateway.call('GET', '/admin/v1/shards', { token })).status).toBe(200);
});

it('does not count probes', async () => {
  for (let sent = 0; sent < 2 * limit; sent += 1) expect((await gateway.call('GET', '/health')).status).toBe(200);
});
