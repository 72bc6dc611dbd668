// Real: Postgres with the event log, NATS, the gateway's HTTP server; the services behind it are scripted, at the wire.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { chainV1, jobsV1 } from '@fairlead/contracts';
import { eventuallyHolds } from '@fairlead/testing';
import type { TestGateway } from '../testing/gateway.js';
import { startIdentityStage, type Held, type IdentityStage, type TestUser } from '../testing/identity.js';

let stage: IdentityStage;
let gateway: TestGateway;
let admin: TestUser;
let viewer: TestUser;
let held: Held;

const call = (method: string, path: string, body?: Record<string, unknown>) => gateway.call(method, path, { token: held.token, body });
const retry = () => call('POST', '/admin/v1/jobs/job_1/retry', { reason: 'once more' });
const asked = (method: string) => gateway.peers.calls.filter((made) => made.method === method).length;
const refused = { status: 503, body: { code: 'audit_unavailable', title: 'Not available right now' } };
const rows = () => stage.database.db.query('select (select count(*) from users) as users, (select position from log.head) as head');

/** The chain as far behind the log as nobody allows, until `back`. */
const fallBehind = () => stage.database.adminSql.query('update log.chained set position = (select position - 100001 from log.head)');
const catchUp = () => stage.database.adminSql.query('update log.chained set position = (select position from log.head)');
/** Of changes only: what the gate saw holds for a second. */
const becomes = (status: number) =>
  eventuallyHolds(
    async () => {
      expect((await retry()).status).toBe(status);
    },
    { what: `changes to be answered with ${status}` },
  );

beforeAll(async () => {
  stage = await startIdentityStage();
  gateway = stage.gateway;
  const job = jobsV1.Job.fromPartial({ jobId: 'job_1', status: 'waiting', createdAt: '2026-11-21T10:00:00.000Z' });
  gateway.peers.answers = { retryJob: () => ({ job }), verifyChain: () => chainV1.VerifyChainResponse.fromPartial({}) };
  admin = await stage.newUser('admin');
  viewer = await stage.newUser('viewer');
}, 120_000);

afterAll(() => stage.stop());

beforeEach(async () => {
  held = await stage.login(admin);
  await catchUp();
  await becomes(202);
});

describe('while the audit chain is too far behind the log', () => {
  beforeEach(async () => {
    await fallBehind();
    await becomes(503);
  });

  it.each([
    ['POST', '/admin/v1/jobs/job_1/retry', { reason: 'once more' }],
    ['POST', '/admin/v1/users', { email: 'new@example.com', password: 'a long enough one', roles: ['viewer'] }],
    ['PUT', '/admin/v1/shards/runner/one', {}],
    ['DELETE', '/admin/v1/auth/sessions/ses_x', undefined],
    ['POST', '/admin/v1/api-tokens', { name: 'ci', roles: ['viewer'] }],
    ['GET', '/admin/v1/audit/export', undefined],
  ])('%s %s is refused, reaches no service and changes nothing', async (method, path, body) => {
    const before = await rows();
    const calls = gateway.peers.calls.length;
    const answer = await call(method, path, body);
    expect(answer).toMatchObject(refused);
    expect(answer.body['detail']).toMatch(/events behind the event log.*`fairlead audit chain`/);
    expect(gateway.peers.calls).toHaveLength(calls);
    expect(await rows()).toEqual(before);
  });

  it('reads go on, also those that are asked by POST, and so do logins', async () => {
    expect((await call('GET', '/admin/v1/users')).status).toBe(200);
    expect(await call('POST', '/admin/v1/audit/verify', {})).not.toMatchObject(refused);
    expect(asked('verifyChain')).toBeGreaterThan(0);
    await stage.login(admin);
  });

  it('who may not do a thing is told that', async () => {
    held = await stage.login(viewer);
    expect((await retry()).status).toBe(403);
  });

  it('changes go on by themselves once it has caught up', async () => {
    await catchUp();
    await becomes(202);
  });
});
