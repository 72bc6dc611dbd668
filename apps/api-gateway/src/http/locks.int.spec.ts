// Real: Postgres, NATS, the gateway's HTTP server, gRPC with its tokens and permissions. What the services behind the
// gateway answer is scripted, at the wire.
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { jobsV1 } from '@fairlead/contracts';
import type { TestGateway } from '../testing/gateway.js';
import { startHttpStage, type HttpStage } from '../testing/http-stage.js';

let stage: HttpStage;
let gateway: TestGateway;
let viewer: string;

beforeAll(async () => {
  stage = await startHttpStage();
  ({ gateway, viewer } = stage);
}, 120_000);

afterAll(() => stage.stop());

beforeEach(() => {
  stage.reset();
});

it('locks are listed by resource, with who waits for them, page by page', async () => {
  const lock = jobsV1.Lock.fromPartial({
    resource: 'tenant/acme',
    jobId: 'job_1',
    kind: 'tenant-migrate',
    principal: 'user:usr_test',
    askedAt: '2026-11-21T10:00:00.000Z',
    waiters: [{ jobId: 'job_2', kind: 'tenant-drain', principal: 'user:usr_other', askedAt: '2026-11-21T10:00:01.000Z' }],
    waiting: 7,
  });
  gateway.peers.answers = { listLocks: () => ({ locks: [lock], nextAfter: 'tenant/acme' }) };
  const page = await gateway.call('GET', '/admin/v1/locks?limit=1', { token: viewer });
  expect(page.body['items']).toEqual([
    {
      resource: 'tenant/acme',
      job_id: 'job_1',
      kind: 'tenant-migrate',
      principal: 'user:usr_test',
      asked_at: '2026-11-21T10:00:00.000Z',
      held_since: null,
      waiting: 7,
      waiters: [{ job_id: 'job_2', kind: 'tenant-drain', principal: 'user:usr_other', asked_at: '2026-11-21T10:00:01.000Z' }],
    },
  ]);
  await gateway.call('GET', `/admin/v1/locks?cursor=${String(page.body['next_cursor'])}&resource=shard/runner/runner-2`, { token: viewer });
  expect(gateway.peers.calls.map(({ request }) => request)).toEqual([
    { limit: 1, after: '', resource: '' },
    { limit: 50, after: 'tenant/acme', resource: 'shard/runner/runner-2' },
  ]);
  for (const bad of ['limit=0', 'cursor=x', 'resource=', 'resource=a%20b', 'tenant=acme'])
    expect([bad, (await gateway.call('GET', `/admin/v1/locks?${bad}`, { token: viewer })).status]).toEqual([bad, 400]);
});

it('replicas are listed', async () => {
  const replica = jobsV1.Replica.fromPartial({
    replicaId: 'replica_1',
    host: 'box-1',
    pid: 4711,
    kinds: ['reload@1'],
    startedAt: '2026-11-21T10:00:00.000Z',
    heartbeatAt: '2026-11-21T10:00:01.000Z',
    leaseUntil: '2026-11-21T10:00:06.000Z',
    alive: true,
    running: 3,
  });
  gateway.peers.answers = { listReplicas: () => ({ replicas: [replica] }) };
  expect((await gateway.call('GET', '/admin/v1/replicas', { token: viewer })).body).toEqual({
    items: [
      {
        replica_id: 'replica_1',
        host: 'box-1',
        pid: 4711,
        kinds: ['reload@1'],
        started_at: '2026-11-21T10:00:00.000Z',
        heartbeat_at: '2026-11-21T10:00:01.000Z',
        lease_until: '2026-11-21T10:00:06.000Z',
        alive: true,
        running: 3,
      },
    ],
    next_cursor: null,
  });
  expect((await gateway.call('GET', '/admin/v1/replicas')).status).toBe(401);
});
