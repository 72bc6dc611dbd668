/** A rebalance is planned around tenants that can't move. */
import { describe, expect, it } from '@jest/globals';
import type { placementV1 } from '@fairlead/contracts';
import type { ChildJobs } from '../engine/children.js';
import type { KindDependencies } from './clients.js';
import { rebalance } from './rebalance.js';

const name = (n: number) => `t-${String(n).padStart(3, '0')}`;

/** A rebalance where placement would move all of the tenants from a to b, in their order; those that are drained can't move. */
function rebalanceOf(tenants: readonly string[], isDrained: (tenant: string) => boolean) {
  const asked: placementV1.PlanRebalanceRequest[] = [];
  const looked: string[] = [];
  const shard = (shardId: string) => ({
    ...{ kind: 'runner', shardId, endpoints: [], weight: 1, labels: {}, state: 'active', revision: 1, tenants: 0 },
  });
  const placement = {
    planRebalance: (request: placementV1.PlanRebalanceRequest) => {
      asked.push(request);
      const moves = tenants
        .filter((tenant) => !request.stuckTenantIds.includes(tenant))
        .slice(0, request.moveBudget ?? 60)
        .map((tenantId) => ({ tenantId, fromShardId: 'a', toShardId: 'b', load: 1, why: 'over_limit' }));
      const planned = { epoch: 1, revision: 1, moves, shards: [], ratioBefore: 2, ratioAfter: 1 };
      return Promise.resolve({ rebalance: { ...planned, configRevision: 1, tolerance: 0.05, parallel: 2 } });
    },
    listShards: () => Promise.resolve({ shards: ['a', 'b'].map(shard) }),
    getShard: ({ shardId }: { shardId: string }) => Promise.resolve({ shard: shard(shardId) }),
    getTenant: ({ tenantId }: { tenantId: string }) => {
      looked.push(tenantId);
      const assignments = [{ kind: 'runner', shardId: 'a', revision: 1 }];
      return Promise.resolve({ tenant: { tenantId, name: '', assignments, createdAt: '' }, publicationProblem: '' });
    },
  };
  const endpoint = { reachable: true, healthy: true, ready: true, inflight: 0, lag: 0, condition: 'steady', problem: '' };
  const endpoints = ['a', 'b'].map((shardId) => ({ ...endpoint, kind: 'runner', shardId }));
  const fleet = {
    getSnapshot: () => Promise.resolve({ endpoints }),
    checkShard: () => Promise.resolve({ endpoints: endpoints.slice(1) }),
    getAppliedPlacement: () =>
      Promise.resolve({ gateways: [{ shardId: 'gateway-1', endpointId: '', alive: true, epoch: 1, revision: 1, problem: '' }] }),
  };
  const provisioner = {
    getTenantState: ({ target: { tenantId, shardId } }: { target: { tenantId: string; shardId: string } }) => {
      const state = shardId === 'b' ? 'absent' : isDrained(tenantId) ? 'drained' : 'active';
      return Promise.resolve({ state: { state, inflight: 0, lag: 0, fence: 0, lastSeq: 0 } });
    },
  };
  const sql = { query: () => Promise.resolve([]) };
  const settings = { maxLag: 100, maxInflight: 200 };
  const kind = rebalance({ placement, fleet, provisioner, sql, settings } as unknown as KindDependencies, {} as ChildJobs);
  const plan = async (max_moves?: number) => {
    const params = kind.params.parse({ mode: 'balance', kind: 'runner', max_moves });
    return kind.plan(params, await kind.readInputs(params));
  };
  return { plan, asked, looked };
}

const tenants = Array.from({ length: 300 }, (_, n) => name(n));

describe('a tenant that can not move', () => {
  it('takes nobody his place among the moves, and is told with why', async () => {
    const { plan } = rebalanceOf(tenants, (tenant) => tenant === name(0));
    const { impact, checks } = await plan(1);
    expect(impact.tenants).toEqual([name(1)]);
    expect(checks.filter(({ verdict }) => verdict === 'block')).toEqual([]);
    expect(checks.find(({ name }) => name === 'no_tenant_left_out')).toMatchObject({
      ...{ verdict: 'warn', value: '1 of 2' },
      message: expect.stringMatching(/^1 of 2 stay for now: t-000: .*runner a/) as unknown,
    });
  });

  it('is found among many, by few plans and no more looks than it takes', async () => {
    const { plan, asked, looked } = rebalanceOf(tenants, (tenant) => tenant < name(100));
    expect((await plan(2)).impact.tenants).toEqual([name(100), name(101)]);
    expect(asked.length).toBeLessThanOrEqual(5);
    expect(new Set(looked).size).toBeLessThanOrEqual(112);
  });

  it('blocks the plan where nobody else would move', async () => {
    const { plan } = rebalanceOf(tenants.slice(0, 3), () => true);
    const { impact, checks } = await plan();
    expect(impact.tenants).toHaveLength(3);
    expect(checks.find(({ verdict }) => verdict === 'block')).toMatchObject({ name: 'tenants_can_move', value: '0 of 3' });
  });

  it('is not looked for where everybody can', async () => {
    const { plan, asked } = rebalanceOf(tenants, () => false);
    expect((await plan(5)).impact.tenants).toHaveLength(5);
    expect(asked).toHaveLength(1);
  });
});
