// Real: Postgres, NATS, the gateway's HTTP server, gRPC with its tokens and permissions. What the services behind the
// gateway answer is scripted, at the wire.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { jobsV1 } from '@fairlead/contracts';
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

const plan = jobsV1.Plan.fromPartial({
  planId: 'plan_1',
  kind: 'tenant-migrate',
  digest: 'abc123',
  params: { tenant: 'acme', moves: { runner: 'runner-2' } },
  actions: [{ name: 'drain', description: 'Drain acme', kind: 'runner', fromShardId: 'runner-1' }],
  checks: [{ name: 'target_lag', verdict: 'pass', value: '3', limit: '100', message: '' }],
  impact: { tenants: ['acme'], services: ['runner'], expectedPauseMs: 500 },
  inputs: [{ resource: 'placement/acme/runner', revision: 7 }],
  reason: 'more room',
  createdBy: 'user:usr_test',
  createdAt: '2026-11-21T10:00:00.000Z',
  expiresAt: '2026-11-21T10:15:00.000Z',
  origin: { requestId: 'req-plan', correlationId: 'cor-1', traceId: 'a'.repeat(32) },
  canonical: '{}',
});

describe('plans', () => {
  it('pass the migration on in its one form, with the token and the ids of the caller', async () => {
    gateway.peers.answers = { createPlan: () => ({ plan }) };
    const headers = { 'x-request-id': 'req-1', 'x-correlation-id': 'cor-1', 'idempotency-key': 'key-1' };
    const body = { tenant: 'acme', kinds: ['runner'], to: 'runner-2', reason: ' more room ' };
    const answer = await gateway.call('POST', '/admin/v1/plan/tenant-migrate', { token: operator, body, headers });
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      plan_id: 'plan_1',
      kind: 'tenant-migrate',
      digest: 'abc123',
      params: { tenant: 'acme', moves: { runner: 'runner-2' } },
      actions: [{ name: 'drain', description: 'Drain acme', kind: 'runner', from_shard_id: 'runner-1', to_shard_id: null }],
      checks: [{ name: 'target_lag', verdict: 'pass', value: '3', limit: '100', message: '' }],
      impact: { tenants: ['acme'], services: ['runner'], expected_pause_ms: 500, every_tenant: false },
      changes: [],
      inputs: [{ resource: 'placement/acme/runner', revision: 7 }],
      reason: 'more room',
      created_by: 'user:usr_test',
      created_at: '2026-11-21T10:00:00.000Z',
      expires_at: '2026-11-21T10:15:00.000Z',
      request_id: 'req-plan',
      correlation_id: 'cor-1',
      trace_id: 'a'.repeat(32),
      canonical: '{}',
      needs_approval: false,
      approval: null,
    });
    const [call] = gateway.peers.calls;
    expect(call?.request).toEqual({
      kind: 'tenant-migrate',
      params: { tenant: 'acme', moves: { runner: 'runner-2' } },
      reason: 'more room',
      idempotencyKey: 'key-1',
    });
    expect(call?.principal).toMatchObject({ id: 'user:usr_test', kind: 'user', roles: ['operator'] });
    expect(call?.context).toMatchObject({ requestId: 'req-1', correlationId: 'cor-1', principal: 'user:usr_test' });
    const logged = gateway.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(logged.find((line) => line['request_id'] === 'req-1')).toMatchObject({
      correlation_id: 'cor-1',
      route: '/admin/v1/plan/tenant-migrate',
    });
  });

  it.each<[string, object, unknown]>([
    [
      'tenant-migrate',
      { tenant: 'acme', to: { runner: 'runner-2', aggregate: 'aggregate-2' } },
      { tenant: 'acme', moves: { runner: 'runner-2', aggregate: 'aggregate-2' } },
    ],
    [
      'tenants-migrate',
      { tenants: ['acme', 'duff'], kinds: ['runner'], to: 'runner-2', parallel: 4, stop_after_failures: 3 },
      { tenants: ['acme', 'duff'], moves: { runner: 'runner-2' }, parallel: 4, stop_after_failures: 3 },
    ],
    ['tenants-migrate', { tenants: ['acme'], to: { runner: 'runner-2' } }, { tenants: ['acme'], moves: { runner: 'runner-2' } }],
    ['tenant-drain', { tenant: 'acme' }, { tenant: 'acme' }],
    ['tenant-resume', { tenant: 'acme', kinds: ['runner'] }, { tenant: 'acme', kinds: ['runner'] }],
    ['reload', { kind: 'gateway', shard: 'gateway-1' }, { kind: 'gateway', shard: 'gateway-1' }],
  ])('of kind %s take %j', async (kind, body, params) => {
    gateway.peers.answers = { createPlan: () => ({ plan }) };
    const answer = await gateway.call('POST', `/admin/v1/plan/${kind}`, { token: operator, body: { ...body, reason: 'why' } });
    expect(answer.status).toBe(201);
    expect(gateway.peers.calls[0]?.request).toEqual({ kind, params, reason: 'why', idempotencyKey: expect.any(String) });
  });

  it.each<[string, object, string]>([
    ['tenant-migrate', { tenant: 'acme', to: { runner: 'runner-2' } }, '/reason'],
    ['tenant-migrate', { tenant: 'acme', to: { runner: 'runner-2' }, reason: '  ' }, '/reason'],
    ['tenant-migrate', { tenant: 'acme', to: { runner: 'runner-2' }, reason: 'x'.repeat(501) }, '/reason'],
    ['tenant-migrate', { tenant: 'acme', to: { runner: 'runner-2' }, reason: 'a\u0000b' }, '/reason'],
    ['tenant-migrate', { tenant: 'acme', to: { runner: 'runner-2' }, reason: 'half \ud800' }, '/reason'],
    ['tenant-migrate', { tenant: 'Acme', to: { runner: 'runner-2' }, reason: 'why' }, '/tenant'],
    ['tenant-migrate', { tenant: 'acme', to: 'runner-2', reason: 'why' }, '/to'],
    ['tenant-migrate', { tenant: 'acme', to: { gateway: 'gateway-1' }, reason: 'why' }, '/to/gateway'],
    ['tenant-migrate', { tenant: 'acme', kinds: ['gateway'], to: 'gateway-1', reason: 'why' }, '/kinds/0'],
    ['tenants-migrate', { tenants: [], to: { runner: 'runner-2' }, reason: 'why' }, '/tenants'],
    ['tenants-migrate', { tenants: ['acme', 'Duff'], to: { runner: 'runner-2' }, reason: 'why' }, '/tenants/1'],
    ['tenants-migrate', { tenants: Array<string>(501).fill('acme'), to: { runner: 'runner-2' }, reason: 'why' }, '/tenants'],
    ['tenants-migrate', { tenants: ['acme'], to: 'runner-2', reason: 'why' }, '/to'],
    ['tenants-migrate', { tenants: ['acme'], to: { runner: 'runner-2' }, parallel: 17, reason: 'why' }, '/parallel'],
    ['tenants-migrate', { tenants: ['acme'], to: { runner: 'runner-2' }, stop_after_failures: 0, reason: 'why' }, '/stop_after_failures'],
    ['tenant-drain', { tenant: 'acme', kinds: [], reason: 'why' }, '/kinds'],
    ['reload', { kind: 'database', shard: 'x', reason: 'why' }, '/kind'],
  ])('of kind %s refuse %j, naming the field', async (kind, body, pointer) => {
    const answer = await gateway.call('POST', `/admin/v1/plan/${kind}`, { token: operator, body });
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_argument', errors: [{ pointer }] } });
    expect(String(answer.body['detail'])).toContain(pointer.slice(1).split('/')[0]);
    expect(gateway.peers.calls).toEqual([]);
  });

  it('are found by id or digest', async () => {
    gateway.peers.answers = { getPlan: () => ({ plan }) };
    expect((await gateway.call('GET', '/admin/v1/plans/abc123', { token: viewer })).body).toMatchObject({ plan_id: 'plan_1' });
    expect(gateway.peers.calls[0]?.request).toEqual({ plan: 'abc123' });
  });

  it('are approved, with a reason', async () => {
    const approval = { approvedBy: 'user:usr_other', approvedAt: '2026-11-21T10:05:00.000Z', reason: 'looked at it' };
    gateway.peers.answers = { approvePlan: () => ({ plan: { ...plan, needsApproval: true, approval } }) };
    const path = '/admin/v1/plans/plan_1/approve';
    const answer = await gateway.call('POST', path, { token: operator, body: { reason: 'looked at it' } });
    expect(answer).toMatchObject({
      status: 200,
      body: {
        needs_approval: true,
        approval: { approved_by: 'user:usr_other', approved_at: '2026-11-21T10:05:00.000Z', reason: 'looked at it' },
      },
    });
    expect(gateway.peers.calls[0]?.request).toEqual({ plan: 'plan_1', reason: 'looked at it' });
    expect(await gateway.call('POST', path, { token: operator, body: {} })).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: '/reason' }] },
    });
    expect(await gateway.call('POST', path, { token: viewer, body: { reason: 'x' } })).toMatchObject({ status: 403 });
    expect(gateway.peers.calls).toHaveLength(1);
  });

  it('of a kind that does not exist are not found', async () => {
    expect((await gateway.call('POST', '/admin/v1/plan/tenant-delete', { token: admin, body: {} })).body).toMatchObject({
      status: 404,
      code: 'not_found',
    });
  });
});
