// Real: Postgres, NATS, the gateway's HTTP server, gRPC with its tokens and permissions. What the services behind the
// gateway answer is scripted, at the wire.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { FairleadError, jobsV1 } from '@fairlead/contracts';
import type { TestGateway } from '../testing/gateway.js';
import { startHttpStage, type HttpStage } from '../testing/http-stage.js';

let stage: HttpStage;
let gateway: TestGateway;
let viewer: string;
let operator: string;
let admin: string;

beforeAll(async () => {
  stage = await startHttpStage();
  ({ gateway, viewer, operator, admin } = stage);
}, 120_000);

afterAll(() => stage.stop());

beforeEach(() => {
  stage.reset();
});

const job = jobsV1.Job.fromPartial({
  jobId: 'job_1',
  kind: 'tenant-migrate',
  status: 'failed',
  params: { tenant: 'acme' },
  planId: 'plan_1',
  planDigest: 'abc123',
  principal: 'user:usr_test',
  steps: [
    {
      name: 'drain',
      status: 'failed',
      attempts: 2,
      error: { code: 'step_timeout', message: 'too long', step: 'drain', attempt: 2 },
      output: { Inflight: 3 },
    },
  ],
  error: { code: 'step_timeout', message: 'too long', step: 'drain', attempt: 2 },
  createdAt: '2026-11-21T10:00:00.000Z',
  origin: { requestId: 'req-job', correlationId: 'cor-1' },
  planOrigin: { requestId: 'req-plan', correlationId: 'cor-1' },
});

describe('jobs', () => {
  const body = { plan_digest: 'abc123', reason: 'more room' };

  it('start with an idempotency key and say where they are', async () => {
    gateway.peers.answers = { startJob: () => ({ jobId: 'job_1', position: 42, repeated: false }) };
    const headers = { 'idempotency-key': 'key-1' };
    const answer = await gateway.call('POST', '/admin/v1/jobs/tenant-migrate', {
      token: operator,
      body: { ...body, on_conflict: 'reject' },
      headers,
    });
    expect([answer.status, answer.body]).toEqual([202, { job_id: 'job_1' }]);
    expect([answer.headers.get('location'), answer.headers.get('x-fairlead-position')]).toEqual(['/admin/v1/jobs/job_1', '42']);
    expect(gateway.peers.calls[0]?.request).toEqual({
      kind: 'tenant-migrate',
      planDigest: 'abc123',
      reason: 'more room',
      idempotencyKey: 'key-1',
      onConflict: 'reject',
    });
  });

  it.each(['tenant-migrate', 'tenants-migrate', 'rebalance', 'tenant-drain', 'tenant-resume', 'reload'])(
    'of kind %s need the key, a reason and the permission',
    async (kind) => {
      const path = `/admin/v1/jobs/${kind}`;
      const headers = { 'idempotency-key': 'key-1' };
      expect((await gateway.call('POST', path, { token: operator, body, headers: { 'idempotency-key': '' } })).body).toMatchObject({
        status: 400,
        code: 'idempotency_key_required',
      });
      for (const key of ['x'.repeat(129), 'has space']) {
        expect((await gateway.call('POST', path, { token: operator, body, headers: { 'idempotency-key': key } })).body).toMatchObject({
          code: 'invalid_argument',
        });
      }
      const noReason = await gateway.call('POST', path, { token: operator, body: { plan_digest: 'abc123' }, headers });
      expect(noReason.body).toMatchObject({ status: 400, errors: [{ pointer: '/reason' }] });
      expect((await gateway.call('POST', path, { token: viewer, body, headers })).status).toBe(403);
      expect(gateway.peers.calls).toEqual([]);
      expect((await gateway.call('POST', path, { token: operator, body, headers })).status).toBe(202);
      expect(gateway.peers.calls[0]?.request).toMatchObject({ kind, onConflict: 'queue' });
    },
  );

  it('are shown whole', async () => {
    gateway.peers.answers = { getJob: () => ({ job }) };
    const error = { code: 'step_timeout', message: 'too long', step: 'drain', attempt: 2 };
    expect((await gateway.call('GET', '/admin/v1/jobs/job_1', { token: viewer })).body).toEqual({
      job_id: 'job_1',
      kind: 'tenant-migrate',
      status: 'failed',
      params: { tenant: 'acme' },
      plan_id: 'plan_1',
      plan_digest: 'abc123',
      reason: '',
      principal: 'user:usr_test',
      locks: [],
      steps: [
        {
          name: 'drain',
          status: 'failed',
          attempts: 2,
          undo_attempts: 0,
          started_at: null,
          finished_at: null,
          error,
          output: { Inflight: 3 },
        },
      ],
      error,
      created_at: '2026-11-21T10:00:00.000Z',
      started_at: null,
      finished_at: null,
      deadline: null,
      cancel_requested: false,
      blocked_by: null,
      parent_id: null,
      note: null,
      waits_for: null,
      wake_at: null,
      pause_requested: false,
      paused_at: null,
      paused_by: null,
      overdue_at: null,
      owner: null,
      fence: 0,
      request_id: 'req-job',
      correlation_id: 'cor-1',
      trace_id: null,
      plan: { request_id: 'req-plan', correlation_id: 'cor-1', trace_id: null },
    });
  });

  it('tell what they rest for, and whose they are', async () => {
    const resting = {
      ...job,
      status: 'waiting',
      parentId: 'job_0',
      note: '1 of 4 done, 2 running, 0 failed',
      waitsFor: 'go',
      wakeAt: '2026-11-21T10:01:00.000Z',
      pauseRequested: true,
      pausedAt: '2026-11-21T10:00:30.000Z',
      pausedBy: 'user:usr_test',
      overdueAt: '2026-11-21T10:00:40.000Z',
    };
    gateway.peers.answers = { getJob: () => ({ job: resting }) };
    expect((await gateway.call('GET', '/admin/v1/jobs/job_1', { token: viewer })).body).toMatchObject({
      parent_id: 'job_0',
      note: '1 of 4 done, 2 running, 0 failed',
      waits_for: 'go',
      wake_at: '2026-11-21T10:01:00.000Z',
      pause_requested: true,
      paused_at: '2026-11-21T10:00:30.000Z',
      paused_by: 'user:usr_test',
      overdue_at: '2026-11-21T10:00:40.000Z',
    });
  });

  it('are listed by filters and page by page', async () => {
    gateway.peers.answers = { listJobs: () => ({ jobs: [job], nextBefore: 'job_1' }) };
    const query = 'status=failed&kind=tenant-migrate&tenant=acme&correlation_id=cor-1&parent=job_0&paused=true&limit=1';
    const page = await gateway.call('GET', `/admin/v1/jobs?${query}`, { token: viewer });
    expect(page.body['items']).toMatchObject([{ job_id: 'job_1' }]);
    expect(gateway.peers.calls[0]?.request).toEqual({
      limit: 1,
      before: '',
      status: 'failed',
      kind: 'tenant-migrate',
      tenantId: 'acme',
      correlationId: 'cor-1',
      parentId: 'job_0',
      paused: true,
    });
    await gateway.call('GET', `/admin/v1/jobs?cursor=${String(page.body['next_cursor'])}`, { token: viewer });
    expect(gateway.peers.calls[1]?.request).toMatchObject({ before: 'job_1', limit: 50 });
    for (const bad of ['status=lost', 'limit=0', 'cursor=%00', 'corelation_id=cor-1', 'tenant=A', 'paused=yes', 'limit=1&limit=2']) {
      expect([bad, (await gateway.call('GET', `/admin/v1/jobs?${bad}`, { token: viewer })).status]).toEqual([bad, 400]);
    }
  });

  it('are tried again, with a reason', async () => {
    gateway.peers.answers = { retryJob: () => ({ job: { ...job, status: 'waiting' } }) };
    const path = '/admin/v1/jobs/job_1/retry';
    const answer = await gateway.call('POST', path, { token: operator, body: { reason: 'the target is back' } });
    expect(answer).toMatchObject({ status: 202, body: { job_id: 'job_1', status: 'waiting' } });
    expect(gateway.peers.calls[0]?.request).toEqual({ jobId: 'job_1', reason: 'the target is back' });
    expect(await gateway.call('POST', path, { token: operator, body: {} })).toMatchObject({ status: 400 });
    expect(await gateway.call('POST', path, { token: viewer, body: { reason: 'x' } })).toMatchObject({ status: 403 });
    expect(gateway.peers.calls).toHaveLength(1);
  });

  it.each<[string, string]>([
    ['pause', 'pauseJob'],
    ['unpause', 'unpauseJob'],
  ])('take a %s, with a reason', async (decision, method) => {
    gateway.peers.answers = { [method]: () => ({ job: { ...job, pauseRequested: decision === 'pause' } }) };
    const path = `/admin/v1/jobs/job_1/${decision}`;
    const answer = await gateway.call('POST', path, { token: operator, body: { reason: 'the rack is warm' } });
    expect(answer).toMatchObject({ status: 202, body: { job_id: 'job_1', pause_requested: decision === 'pause' } });
    expect(gateway.peers.calls).toMatchObject([{ method, request: { jobId: 'job_1', reason: 'the rack is warm' } }]);
    expect(await gateway.call('POST', path, { token: operator, body: {} })).toMatchObject({ status: 400 });
    expect(await gateway.call('POST', path, { token: viewer, body: { reason: 'x' } })).toMatchObject({ status: 403 });
    expect(gateway.peers.calls).toHaveLength(1);
  });

  it('are sent signals, with a payload or none', async () => {
    gateway.peers.answers = { signalJob: () => ({ job }) };
    const path = '/admin/v1/jobs/job_1/signals/go_on';
    const payload = { batch: 2, who: ['ann', { deep: null }] };
    expect(await gateway.call('POST', path, { token: operator, body: { payload } })).toMatchObject({
      status: 202,
      body: { job_id: 'job_1' },
    });
    expect((await gateway.call('POST', path, { token: operator })).status).toBe(202);
    expect(gateway.peers.calls.map(({ request }) => request)).toEqual([
      { jobId: 'job_1', signal: 'go_on', payload },
      { jobId: 'job_1', signal: 'go_on', payload: {} },
    ]);
    for (const bad of [{ payload: [1] }, { payload: 'x' }, { payload: { deep: ['a\0b'] } }, { payload: { 'a\ud800': 1 } }, { other: 1 }])
      expect([bad, (await gateway.call('POST', path, { token: operator, body: bad })).status]).toEqual([bad, 400]);
    expect((await gateway.call('POST', '/admin/v1/jobs/job_1/signals/Go', { token: operator })).status).toBe(400);
    expect((await gateway.call('POST', path, { token: viewer })).status).toBe(403);
    expect(gateway.peers.calls).toHaveLength(2);
  });

  it('are cancelled, with or without a reason', async () => {
    gateway.peers.answers = { cancelJob: () => ({ job: { ...job, cancelRequested: true } }) };
    const answer = await gateway.call('POST', '/admin/v1/jobs/job_1/cancel', {
      token: operator,
      headers: { 'content-type': 'application/json' },
    });
    expect(answer).toMatchObject({ status: 202, body: { job_id: 'job_1', cancel_requested: true } });
    await gateway.call('POST', '/admin/v1/jobs/job_1/cancel', { token: operator, body: { reason: 'not now' } });
    expect(gateway.peers.calls.map(({ request }) => request)).toEqual([
      { jobId: 'job_1', reason: '' },
      { jobId: 'job_1', reason: 'not now' },
    ]);
  });

  it("pass on the service's own errors, and nothing of those it did not declare", async () => {
    gateway.peers.answers = {
      getJob: () => {
        throw new FairleadError('job_not_found', 'There is no job job_2');
      },
      startJob: () => {
        throw new FairleadError('plan_stale', 'The plan is stale', { details: { moved: ['placement/acme/runner'] } });
      },
      listJobs: () => {
        throw new Error('select secret');
      },
    };
    expect((await gateway.call('GET', '/admin/v1/jobs/job_2', { token: viewer })).body).toMatchObject({
      status: 404,
      code: 'job_not_found',
      detail: 'There is no job job_2',
    });
    const headers = { 'idempotency-key': 'key-1' };
    const stale = await gateway.call('POST', '/admin/v1/jobs/tenant-drain', { token: operator, body, headers });
    expect(stale.body).toMatchObject({ status: 412, code: 'plan_stale', details: { moved: ['placement/acme/runner'] } });
    const broken = await gateway.call('GET', '/admin/v1/jobs', { token: viewer });
    expect(broken.body).toMatchObject({ status: 500, code: 'internal' });
    expect(JSON.stringify(broken.body)).not.toContain('secret');
  });
});

it('has told no token to its log', () => {
  const told = gateway.lines.join('');
  for (const token of [viewer, operator, admin]) expect(told.includes(token.split('.')[1] ?? token)).toBe(false);
  expect(told).not.toMatch(/eyJ|Bearer /);
});
