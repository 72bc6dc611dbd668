import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { placementV1 } from '@fairlead/contracts';
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

const rebalance = placementV1.Rebalance.fromPartial({
  ...{ epoch: 2, revision: 12, ratioBefore: 1.5, ratioAfter: 1 },
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
    expect((await get('rebalance?kind=runner')).body).toEqual(view);
    const asked = 'rebalance?kind=runner&mode=replace&shard=runner-1&to=runner-2&tolerance=0.1&move_budget=7&unhealthy=runner-4,runner-5';
    expect((await get(asked)).status).toBe(200);
    const none = { cooldownMs: 0, nowMs: 0 };
    expect(gateway.peers.calls.map(({ request }) => request)).toEqual([
      { kind: 'runner', mode: 'balance', shardId: '', toShardId: '', ...none, unhealthyShardIds: [] },
      {
        ...{ kind: 'runner', mode: 'replace', shardId: 'runner-1', toShardId: 'runner-2', tolerance: 0.1, moveBudget: 7, ...none },
        unhealthyShardIds: ['runner-4', 'runner-5'],
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
      ...{ revision: 12, shardId: 'runner-2', because: 'moved', since: at, reason: 'more room', shardRatio: 1.02 },
      moves: [{ fromShardId: 'runner-1', toShardId: 'runner-2', movedAt: at, reason: 'more room' }],
    };
    gateway.peers.answers = { explainPlacement: () => explained };
    expect((await get('explain?kind=runner&tenant=acme')).body).toEqual({
      ...{ tenant_id: 'acme', kind: 'runner', revision: 12, shard: 'runner-2', because: 'moved', since: at, reason: 'more room' },
      moves: [{ from: 'runner-1', to: 'runner-2', moved_at: at, reason: 'more room' }],
      shard_ratio: 1.02,
    });
    expect((await get('explain?kind=runner&tenant=No')).status).toBe(400);
  });
});
