// Real: Postgres, NATS, the gateway's HTTP server, gRPC with its tokens and permissions. What the services behind the
// gateway answer is scripted, at the wire.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { auditV1, fleetV1, placementV1 } from '@fairlead/contracts';
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

const shard = placementV1.Shard.fromPartial({
  kind: 'runner',
  shardId: 'runner-1',
  endpoints: [{ endpointId: 'runner-1-a', url: 'http://127.0.0.1:4000' }],
  weight: 2,
  labels: { zoneName: 'a' },
  state: 'active',
  revision: 9,
  tenants: 1,
});

describe('tenants', () => {
  const tenant = placementV1.Tenant.fromPartial({
    tenantId: 'acme',
    name: 'Acme',
    createdAt: '2026-11-21T10:00:00.000Z',
    assignments: [{ kind: 'runner', shardId: 'runner-1', revision: 7 }],
  });
  const view = {
    tenant_id: 'acme',
    name: 'Acme',
    created_at: '2026-11-21T10:00:00.000Z',
    placement: { runner: { shard: 'runner-1', revision: 7 } },
  };

  it('are listed, shown and created', async () => {
    gateway.peers.answers = {
      listTenants: () => ({ tenants: [tenant], nextAfter: 'acme' }),
      getTenant: () => ({ tenant }),
      createTenant: () => ({ tenant, position: 8 }),
    };
    const page = await gateway.call('GET', '/admin/v1/tenants?kind=runner&shard_id=runner-1', { token: viewer });
    expect(page.body).toEqual({ items: [view], next_cursor: expect.any(String) });
    await gateway.call('GET', `/admin/v1/tenants?cursor=${String(page.body['next_cursor'])}`, { token: viewer });
    expect(gateway.peers.calls.map(({ request }) => request)).toEqual([
      { limit: 50, after: '', kind: 'runner', shardId: 'runner-1' },
      { limit: 50, after: 'acme', kind: '', shardId: '' },
    ]);
    expect((await gateway.call('GET', '/admin/v1/tenants?kind=runner', { token: viewer })).status).toBe(400);
    expect((await gateway.call('GET', '/admin/v1/tenants/acme', { token: viewer, headers: { 'x-tenant-id': 'acme' } })).body).toEqual(view);
    expect((await gateway.call('GET', '/admin/v1/tenants/..%2Fx', { token: viewer })).status).toBe(400);

    const body = { tenant_id: 'acme', name: 'Acme', placement: { runner: 'runner-1' } };
    expect(
      (await gateway.call('POST', '/admin/v1/tenants', { token: admin, body, headers: { 'idempotency-key': '' } })).body,
    ).toMatchObject({
      code: 'idempotency_key_required',
    });
    const headers = { 'idempotency-key': 'key-1' };
    expect((await gateway.call('POST', '/admin/v1/tenants', { token: operator, body, headers })).status).toBe(403);
    const created = await gateway.call('POST', '/admin/v1/tenants', { token: admin, body, headers });
    expect([created.status, created.body, created.headers.get('x-fairlead-position')]).toEqual([201, view, '8']);
    expect(gateway.peers.calls.at(-1)?.request).toEqual({
      tenantId: 'acme',
      name: 'Acme',
      placement: { runner: 'runner-1' },
      idempotencyKey: 'key-1',
    });
  });
});

describe('shards and placement', () => {
  const view = {
    endpoints: [{ endpoint_id: 'runner-1-a', url: 'http://127.0.0.1:4000' }],
    weight: 2,
    max_load: null,
    labels: { zoneName: 'a' },
    state: 'active',
    revision: 9,
    tenants: 1,
  };

  it('put a shard, at a revision when asked to', async () => {
    gateway.peers.answers = { putShard: () => ({ shard, position: 5, changed: true }) };
    const body = { endpoints: view.endpoints, weight: 2, labels: { zoneName: 'a' }, state: 'active' };
    const path = '/admin/v1/shards/runner/runner-1';
    const put = await gateway.call('PUT', path, { token: admin, body, headers: { 'if-match': '"8"' } });
    expect([put.status, put.body]).toEqual([200, { kind: 'runner', shard_id: 'runner-1', ...view }]);
    expect([put.headers.get('etag'), put.headers.get('x-fairlead-position')]).toEqual(['"9"', '5']);
    await gateway.call('PUT', path, { token: admin, body: { endpoints: [] } });
    expect(gateway.peers.calls.map(({ request }) => request)).toMatchObject([
      { expectedRevision: 8, shard: { kind: 'runner', shardId: 'runner-1', weight: 2, state: 'active', endpoints: shard.endpoints } },
      { expectedRevision: 0, shard: { weight: 0, state: '', labels: {} } },
    ]);
    for (const headers of [{ 'if-match': '8' }, { 'if-match': '"0"' }, { 'if-match': 'W/"8"' }]) {
      expect((await gateway.call('PUT', path, { token: admin, body, headers })).body).toMatchObject({
        status: 400,
        errors: [{ pointer: '/If-Match' }],
      });
    }
    const badUrl = { endpoints: [{ endpoint_id: 'a', url: 'file:///etc/passwd' }] };
    expect((await gateway.call('PUT', path, { token: admin, body: badUrl })).body).toMatchObject({
      errors: [{ pointer: '/endpoints/0/url' }],
    });
    expect((await gateway.call('PUT', '/admin/v1/shards/disk/x', { token: admin, body })).body).toMatchObject({
      errors: [{ pointer: '/kind' }],
    });
    expect((await gateway.call('PUT', path, { token: operator, body })).status).toBe(403);
  });

  it('show the whole placement by kind', async () => {
    gateway.peers.answers = {
      listShards: () => ({ shards: [shard] }),
      getPlacement: () =>
        placementV1.GetPlacementResponse.fromPartial({
          epoch: 3,
          revision: 12,
          publishedRevision: 11,
          maps: { runner: { shardsByTenant: { acme: 'runner-1' } } },
          shards: [shard],
        }),
    };
    expect((await gateway.call('GET', '/admin/v1/placement', { token: viewer })).body).toEqual({
      epoch: 3,
      revision: 12,
      published_revision: 11,
      aggregate_placement: {},
      projection_placement: {},
      runner_placement: { acme: { shard: 'runner-1' } },
      shards: { gateway: {}, aggregate: {}, projection: {}, runner: { 'runner-1': view } },
    });
    expect((await gateway.call('GET', '/admin/v1/placement?tenants=false', { token: viewer })).status).toBe(200);
    expect(gateway.peers.calls.map(({ request }) => request)).toEqual([{ withoutTenants: false }, { withoutTenants: true }]);
    expect((await gateway.call('GET', '/admin/v1/placement?tenants=no', { token: viewer })).status).toBe(400);
    expect((await gateway.call('GET', '/admin/v1/shards?kind=runner', { token: viewer })).body).toEqual({
      items: [{ kind: 'runner', shard_id: 'runner-1', ...view }],
      next_cursor: null,
    });
  });
});

describe('fleet and audit', () => {
  it('show the snapshot', async () => {
    const endpoint = fleetV1.EndpointHealth.fromPartial({
      kind: 'runner',
      shardId: 'runner-1',
      endpointId: 'a',
      reachable: true,
      inflight: 4,
      lag: 2,
      metricsTakenAt: '2026-11-21T09:59:40.000Z',
    });
    gateway.peers.answers = { getSnapshot: () => ({ endpoints: [endpoint], takenAt: '2026-11-21T10:00:00.000Z', unreachable: 0 }) };
    const { body } = await gateway.call('GET', '/admin/v1/fleet/snapshot?max_age_ms=250', { token: viewer });
    expect(body).toMatchObject({
      taken_at: '2026-11-21T10:00:00.000Z',
      endpoints: [
        {
          shard_id: 'runner-1',
          reachable: true,
          inflight: 4,
          lag: 2,
          problem: null,
          metrics_taken_at: '2026-11-21T09:59:40.000Z',
          started_at: null,
        },
      ],
    });
    expect(gateway.peers.calls[0]?.request).toEqual({ maxAgeMs: 250 });
  });

  it("list an endpoint's history by pages", async () => {
    const one = { at: '2026-11-21T10:00:00.000Z', what: 'state', from: 'ready', to: 'not_ready', problem: '' };
    const happenings = [9, 7].map((sequence) => ({ ...one, sequence }));
    gateway.peers.answers = { getEndpointHistory: () => ({ happenings, more: true }) };
    const path = '/admin/v1/fleet/endpoints/runner.runner-1.a/history';
    const { body } = await gateway.call('GET', `${path}?limit=2`, { token: viewer });
    expect(body['items']).toEqual(happenings.map((kept) => ({ ...kept, problem: null })));
    await gateway.call('GET', `${path}?cursor=${String(body['next_cursor'])}`, { token: viewer });
    const asked = { kind: 'runner', shardId: 'runner-1', endpointId: 'a' };
    expect(gateway.peers.calls.map(({ request }) => request)).toEqual([
      { ...asked, limit: 2, before: 0 },
      { ...asked, limit: 50, before: 7 },
    ]);
    for (const id of ['runner.runner-1', 'walker.w-1.a', 'runner.Runner.a', 'runner.r.a.b'])
      expect((await gateway.call('GET', `/admin/v1/fleet/endpoints/${id}/history`, { token: viewer })).status).toBe(400);
  });

  it('show what the gateways have applied', async () => {
    const applied = { shardId: 'gateway-1', endpointId: 'a', alive: false, epoch: 1, revision: 28, problem: 'does not answer' };
    gateway.peers.answers = { getAppliedPlacement: () => ({ gateways: [applied, { ...applied, alive: true, problem: '' }] }) };
    expect((await gateway.call('GET', '/admin/v1/fleet/applied-placement', { token: viewer })).body).toEqual({
      gateways: [
        { shard_id: 'gateway-1', endpoint_id: 'a', alive: false, epoch: 1, revision: 28, problem: 'does not answer' },
        { shard_id: 'gateway-1', endpoint_id: 'a', alive: true, epoch: 1, revision: 28, problem: null },
      ],
    });
  });

  it('query the trail by every id, and wait for a position', async () => {
    const record = auditV1.AuditRecord.fromPartial({
      position: 7,
      time: '2026-11-21T10:00:00.000Z',
      action: 'tenant.tenant_created',
      outcome: 'succeeded',
      requestId: 'req-1',
      details: { shardId: 'x' },
    });
    gateway.peers.answers = { listRecords: () => ({ records: [record], nextBefore: 7, position: 9, sealedUntil: 0 }) };
    const query = {
      ...{ from: '2026-11-21T00:00:00Z', to: '2026-11-22T00:00:00+01:00', principal: 'user:usr_1', tenant: 'acme', action: 'tenant.*' },
      ...{ request_id: 'req-1', correlation_id: 'cor-1', trace_id: 'a'.repeat(32), job_id: 'job_1', wait_for: '9', limit: '5' },
      resource: 'tenant:acme',
    };
    const { body } = await gateway.call('GET', `/admin/v1/audit?${new URLSearchParams(query).toString()}`, { token: viewer });
    expect(body).toMatchObject({
      position: 9,
      items: [{ position: 7, action: 'tenant.tenant_created', request_id: 'req-1', job_id: null, details: { shardId: 'x' } }],
    });
    expect(gateway.peers.calls[0]?.request).toEqual({
      ...{ limit: 5, before: 0, fromTime: query.from, toTime: query.to, principal: 'user:usr_1', tenantId: 'acme', action: 'tenant.*' },
      ...{ requestId: 'req-1', correlationId: 'cor-1', traceId: 'a'.repeat(32), jobId: 'job_1', waitForPosition: 9 },
      resource: 'tenant:acme',
    });
    await gateway.call('GET', `/admin/v1/audit?cursor=${String(body['next_cursor'])}`, { token: viewer });
    expect(gateway.peers.calls[1]?.request).toMatchObject({ before: 7 });
    for (const bad of ['from=yesterday', 'wait_for=-1', 'principal=a b', "action='", 'trace_id= ', 'resource=acme']) {
      expect([bad, (await gateway.call('GET', `/admin/v1/audit?${bad}`, { token: viewer })).status]).toEqual([bad, 400]);
    }
  });
});

describe('a service that is away', () => {
  it('is told as unavailable', async () => {
    const alone = await gateway.another({ PLACEMENT_GRPC: '127.0.0.1:1' });
    try {
      const answer = await fetch(`${alone.httpUrl}/admin/v1/tenants`, { headers: { authorization: `Bearer ${viewer}` } });
      expect(answer.status).toBe(503);
      expect(await answer.json()).toMatchObject({ status: 503, code: 'service_unreachable' });
    } finally {
      await alone.stop();
    }
  });
});
