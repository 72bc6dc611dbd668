import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { placementV1 } from '@fairlead/contracts';
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

const rebalance = placementV1.Rebalance.fromPartial({
  ...{ epoch: 2, revision: 12, ratioBefore: 1.5, ratioAfter: 1, configRevision: 3, tolerance: 0.05 },
  moves: [{ tenantId: 'acme', fromShardId: 'runner-1', toShardId: 'runner-2', load: 1, why: 'over_limit' }],
  shards: [
    { shardId: 'runner-1', tenantsBefore: 2, tenantsAfter: 1, loadBefore: 2, loadAfter: 1, ratioBefore: 1.5, ratioAfter: 1 },
    { shardId: 'runner-3', tenantsBefore: 1, tenantsAfter: 1, loadBefore: 1, loadAfter: 1, leftOver: 'cooldown', leftOverMessage: 'later' },
  ],
});
const view = {
  ...{ kind: 'runner', epoch: 2, revision: 12, ratio_before: 1.5, ratio_after: 1 },
  moves: [{ tenant_id: 'acme', from: 'runner-1', to: 'runner-2', load: 1, why: 'over_limit' }],
  shards: [
    {
      ...{ shard_id: 'runner-1', tenants_before: 2, tenants_after: 1, load_before: 2, load_after: 1, ratio_before: 1.5, ratio_after: 1 },
      left_over: null,
    },
    {
      ...{
        shard_id: 'runner-3',
        tenants_before: 1,
        tenants_after: 1,
        load_before: 1,
        load_after: 1,
        ratio_before: null,
        ratio_after: null,
      },
      left_over: { reason: 'cooldown', message: 'later' },
    },
  ],
};
const get = async (path: string) => gateway.call('GET', `/admin/v1/placement/${path}`, { token: viewer });

describe('balance of placement', () => {
  it('is previewed, by the limits that are asked for', async () => {
    gateway.peers.answers = { planRebalance: () => ({ rebalance }) };
    expect((await get('rebalance?kind=runner')).body).toEqual({ ...view, config_revision: 3, tolerance: 0.05 });
    const asked =
      'rebalance?kind=runner&mode=replace&shard=runner-1&to=runner-2&tolerance=0.1&move_budget=7&cooldown_seconds=60&unhealthy=runner-4,runner-5';
    expect((await get(asked)).status).toBe(200);
    expect(gateway.peers.calls.map(({ request }) => request)).toEqual([
      { kind: 'runner', mode: 'balance', shardId: '', toShardId: '', nowMs: 0, unhealthyShardIds: [], stuckTenantIds: [] },
      {
        ...{
          kind: 'runner',
          mode: 'replace',
          shardId: 'runner-1',
          toShardId: 'runner-2',
          tolerance: 0.1,
          moveBudget: 7,
          cooldownMs: 60_000,
          nowMs: 0,
        },
        unhealthyShardIds: ['runner-4', 'runner-5'],
        stuckTenantIds: [],
      },
    ]);
  });

  it.each([
    ['kind=gateway', '/kind'],
    ['kind=runner&mode=even', '/mode'],
    ['kind=runner&mode=empty', '/shard'],
    ['kind=runner&shard=runner-1', '/shard'],
    ['kind=runner&mode=empty&shard=runner-1&to=runner-2', '/to'],
    ['kind=runner&tolerance=1.5', '/tolerance'],
    ['kind=runner&move_budget=-1', '/move_budget'],
    ['kind=runner&cooldown_seconds=9999999', '/cooldown_seconds'],
    ['kind=runner&unhealthy=a,,b', '/unhealthy/1'],
  ])('is not previewed for %s', async (query, pointer) => {
    expect((await get(`rebalance?${query}`)).body).toMatchObject({ status: 400, errors: [{ pointer }] });
    expect(gateway.peers.calls).toEqual([]);
  });

  it('after a shard died is told, with who would be without one', async () => {
    gateway.peers.answers = { whatIfShardDies: () => ({ rebalance, stranded: ['umbrella'] }) };
    expect((await get('what-if?kind=runner&shard=runner-1')).body).toEqual({ ...view, stranded: ['umbrella'] });
    expect((await get('what-if?kind=runner')).status).toBe(400);
  });

  it('is explained for a tenant', async () => {
    const at = '2026-11-21T10:00:00.000Z';
    const explained = {
      ...{ revision: 12, shardId: 'runner-2', because: 'moved', since: at, reason: 'more room', shardRatio: 1.02, load: 3, pinned: true },
      moves: [{ fromShardId: 'runner-1', toShardId: 'runner-2', movedAt: at, reason: 'more room' }],
    };
    gateway.peers.answers = { explainPlacement: () => explained };
    expect((await get('explain?kind=runner&tenant=acme')).body).toEqual({
      ...{ tenant_id: 'acme', kind: 'runner', revision: 12, shard: 'runner-2', because: 'moved', since: at, reason: 'more room' },
      moves: [{ from: 'runner-1', to: 'runner-2', moved_at: at, reason: 'more room' }],
      ...{ shard_ratio: 1.02, load: 3, pinned: true },
    });
    expect((await get('explain?kind=runner&tenant=No')).status).toBe(400);
  });
});

describe('what balancing heeds of a tenant', () => {
  const path = '/admin/v1/placement/tenants/acme';
  const body = { load: 2.5, pinned: ['runner'], anti_affinity: 'ha' };

  it('is told and said, from the revision that was read', async () => {
    const balance = { load: 2.5, pinned: ['runner'], antiAffinity: 'ha', revision: 9 };
    gateway.peers.answers = {
      getTenantBalance: () => ({ balance: { load: 1, pinned: [], antiAffinity: '', revision: 0 } }),
      putTenantBalance: () => ({ balance, position: 5, changed: true }),
    };
    const plain = await gateway.call('GET', path, { token: viewer });
    expect(plain.body).toEqual({ tenant_id: 'acme', load: 1, pinned: [], anti_affinity: null, revision: 0 });
    expect(plain.headers.get('etag')).toBeNull();
    const put = await gateway.call('PUT', path, { token: admin, body, headers: { 'if-match': '"8"' } });
    expect([put.status, put.body]).toEqual([200, { tenant_id: 'acme', ...body, revision: 9 }]);
    expect([put.headers.get('etag'), put.headers.get('x-fairlead-position')]).toEqual(['"9"', '5']);
    await gateway.call('PUT', path, { token: admin, body: { load: 0 } });
    expect(gateway.peers.calls.slice(1).map(({ request }) => request)).toEqual([
      { tenantId: 'acme', expectedRevision: 8, balance: { ...balance, revision: 0 } },
      { tenantId: 'acme', expectedRevision: 0, balance: { load: 0, pinned: [], antiAffinity: '', revision: 0 } },
    ]);
  });

  it.each([
    [{}, '/load'],
    [{ ...body, load: -1 }, '/load'],
    [{ ...body, load: 1e13 }, '/load'],
    [{ ...body, load: '1' }, '/load'],
    [{ ...body, pinned: ['gateway'] }, '/pinned/0'],
    [{ ...body, anti_affinity: 'No Name' }, '/anti_affinity'],
  ])('is not said by %j', async (wrong, pointer) => {
    expect((await gateway.call('PUT', path, { token: admin, body: wrong })).body).toMatchObject({ status: 400, errors: [{ pointer }] });
    expect(gateway.peers.calls).toEqual([]);
  });

  it('is said by those alone who may change placement', async () => {
    for (const token of [viewer, operator]) expect((await gateway.call('PUT', path, { token, body })).status).toBe(403);
    expect(gateway.peers.calls).toEqual([]);
  });
});
