// Real: Postgres with the event log, NATS, the gateway's HTTP server; the services behind it are scripted, at the wire.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { jobsV1 } from '@fairlead/contracts';
import { breakableLink, eventually, type BreakableLink } from '@fairlead/testing';
import type { RunningService } from '@fairlead/service-runtime';
import type { TestGateway } from '../testing/gateway.js';
import { startIdentityStage, type Held, type IdentityStage, type TestUser } from '../testing/identity.js';

let stage: IdentityStage;
let gateway: TestGateway;
let user: TestUser;
let held: Held;

const retry = (token: string) => gateway.call('POST', '/admin/v1/jobs/job_1/retry', { token, body: { reason: 'once more' } });
const read = (token: string) => gateway.call('GET', '/admin/v1/tenants', { token });
const asked = (method: string) => gateway.peers.calls.filter((call) => call.method === method).length;
const refused = { status: 401, body: { code: 'unauthenticated' } };

/** Expects that what changes something is refused at once and reaches no service, and reading within a moment. */
async function expectEnded(token: string): Promise<void> {
  const before = asked('retryJob');
  expect(await retry(token)).toMatchObject(refused);
  expect(await gateway.call('PUT', '/admin/v1/shards/runner/one', { token, body: {} })).toMatchObject(refused);
  expect(await gateway.call('DELETE', '/admin/v1/auth/sessions/ses_x', { token })).toMatchObject(refused);
  expect(asked('retryJob')).toBe(before);
  const unread = await eventually(
    async () => {
      const answer = await read(token);
      return answer.status === 401 ? answer : undefined;
    },
    { what: 'reading to be refused', timeoutMs: 20_000 },
  );
  expect(unread).toMatchObject(refused);
}

beforeAll(async () => {
  stage = await startIdentityStage();
  gateway = stage.gateway;
  const job = jobsV1.Job.fromPartial({ jobId: 'job_1', status: 'waiting', createdAt: '2026-11-21T10:00:00.000Z' });
  gateway.peers.answers = { retryJob: () => ({ job }) };
}, 120_000);

afterAll(() => stage.stop());

beforeEach(async () => {
  user = await stage.newUser('operator');
  held = await stage.login(user);
});

describe('an access token that is still valid', () => {
  it('changes things while its session lives', async () => {
    expect((await retry(held.token)).status).toBe(202);
    expect(asked('retryJob')).toBeGreaterThan(0);
  });

  it('changes nothing any more once its session was revoked', async () => {
    const other = await stage.login(user);
    await gateway.call('DELETE', `/admin/v1/auth/sessions/${held.id}`, { token: other.token });
    await expectEnded(held.token);
    expect((await retry(other.token)).status).toBe(202);
  });

  it('changes nothing any more after a logout', async () => {
    await gateway.call('POST', '/admin/v1/auth/logout', { headers: { cookie: held.cookie } });
    await expectEnded(held.token);
  });

  it('changes nothing any more once its session has expired by the database’s clock', async () => {
    await stage.database.db.query('update session set expires_at = now() where session_id = $1', [held.id]);
    await expectEnded(held.token);
  });

  it('changes nothing any more once its user is disabled, nor after they are enabled again', async () => {
    await stage.change(user, { disabled: true });
    await expectEnded(held.token);
    await stage.change(user, { disabled: false });
    await expectEnded(held.token);
  });

  it('changes nothing when the session it names is another user’s', async () => {
    const claims = {
      userId: (await stage.newUser('operator')).id,
      email: 'x@example.com',
      roles: ['operator'],
      sessionId: held.id,
    } as const;
    await expectEnded(await gateway.signer.signUser(claims, 60));
  });

  it('that stands for an API token changes nothing any more once that was revoked', async () => {
    const { body } = await gateway.call('POST', '/admin/v1/api-tokens', { token: held.token, body: { name: 'ci', roles: ['operator'] } });
    const [apiToken, tokenId] = [String(body['token']), String(body['token_id'])];
    const exchanged = await gateway.signer.signUser({ userId: user.id, email: user.email, roles: ['operator'], apiTokenId: tokenId }, 60);
    expect([(await retry(exchanged)).status, (await retry(apiToken)).status]).toEqual([202, 202]);
    await gateway.call('DELETE', `/admin/v1/api-tokens/${tokenId}`, { token: held.token });
    await expectEnded(exchanged);
    expect(await retry(apiToken)).toMatchObject(refused);
  });

  it('is judged by itself where nothing stands behind it that could end', async () => {
    expect((await retry(await gateway.token('operator'))).status).toBe(202);
  });
});

describe('an export of the trail', () => {
  it('is refused at once to whoever’s session has ended, though it changes nothing', async () => {
    const admin = await stage.newUser('admin');
    const mine = await stage.login(admin);
    const take = () => gateway.call('GET', '/admin/v1/audit/export', { token: mine.token });
    expect((await take()).status).not.toBe(401);
    const before = asked('exportChain');
    await stage.change(admin, { disabled: true });
    expect(await take()).toMatchObject(refused);
    expect(asked('exportChain')).toBe(before);
  });
});

describe('without Postgres', () => {
  let link: BreakableLink;
  let cutOff: RunningService;

  beforeAll(async () => {
    const { hostname, port } = new URL(stage.database.url);
    link = await breakableLink({ host: hostname, port: Number(port) });
    const url = new URL(stage.database.url);
    url.hostname = '127.0.0.1';
    url.port = String(link.port);
    cutOff = await gateway.another({ DATABASE_URL: url.href });
  });

  afterAll(async () => {
    link.mend();
    await cutOff.stop();
    await link.close();
  });

  it('nothing is changed, and that is said; it goes on once Postgres is back', async () => {
    const send = async (method: string, path: string) => {
      const headers = { authorization: `Bearer ${held.token}`, 'content-type': 'application/json' };
      const body = method === 'POST' ? JSON.stringify({ reason: 'once more' }) : undefined;
      const response = await fetch(`${cutOff.httpUrl}${path}`, { method, headers, body });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    };
    const path = '/admin/v1/jobs/job_1/retry';
    expect((await send('POST', path)).status).toBe(202);
    const before = asked('retryJob');
    link.cut();
    expect(await send('POST', path)).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    expect(asked('retryJob')).toBe(before);
    expect((await send('GET', '/admin/v1/tenants')).status).toBe(200);
    link.mend();
    await eventually(async () => ((await send('POST', path)).status === 202 ? true : undefined), {
      timeoutMs: 15_000,
      what: 'changes to be made again',
    });
  }, 60_000);
});
