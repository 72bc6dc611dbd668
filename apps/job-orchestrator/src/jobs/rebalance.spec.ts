import { describe, expect, it } from '@jest/globals';
import type { fleetV1, placementV1 } from '@fairlead/contracts';
import type { Check, PlanDraft } from '../engine/kind.js';
import { gatewaysAlive, originChecks, placementPublished, targetChecks } from './checks.js';
import { migrationsOf, movesAtOnce, planMoves, unhealthyShards } from './rebalance.js';

const move = (tenantId: string, fromShardId: string, toShardId: string, why = 'over_limit'): placementV1.PlannedMove => ({
  ...{ tenantId, fromShardId, toShardId, load: 1, why },
});
const planned = (moves: placementV1.PlannedMove[], leftOver = ''): placementV1.Rebalance => ({
  ...{ epoch: 1, revision: 7, moves, ratioBefore: 1.7, ratioAfter: 1.04, configRevision: 4, tolerance: 0.05, parallel: 3 },
  shards: [
    {
      shardId: 'a',
      tenantsBefore: 1,
      tenantsAfter: 1,
      loadBefore: 1,
      loadAfter: 1,
      leftOver,
      leftOverMessage: leftOver.replaceAll('_', ' '),
    },
  ],
});
const draftOf = (tenant: string, ...checks: Check[]): { tenant: string; draft: PlanDraft } => ({
  tenant,
  draft: {
    actions: [],
    checks: [...checks, placementPublished('')],
    impact: { tenants: [tenant], services: ['runner/a'], expectedPauseMs: 350 },
    inputs: [{ resource: `placement/${tenant}/runner`, revision: 3 }],
  },
});
const params: Parameters<typeof planMoves>[0] = {
  ...{ mode: 'balance', kind: 'runner', stop_after_failures: 1 },
};
const plan = (moves: placementV1.PlannedMove[], leftOver = '') =>
  planMoves(
    params,
    planned(moves, leftOver),
    moves.map(({ tenantId }) => draftOf(tenantId)),
  );

describe('the plan of a rebalance', () => {
  it('tells each move and why, in the order of placement, and what comes of it', () => {
    const draft = plan([move('acme', 'a', 'b'), move('duff', 'b', 'c', 'makes_room')]);
    expect(draft.actions.map(({ description }) => description)).toEqual([
      'move acme: runner from a to b (over limit)',
      'move duff: runner from b to c (makes room)',
    ]);
    expect(draft.impact).toEqual({ tenants: ['acme', 'duff'], services: ['runner/a'], expectedPauseMs: 350 });
    expect(draft.inputs.at(-1)).toEqual({ resource: 'config/placement/platform/default', revision: 4 });
    expect(draft.checks.at(-1)).toEqual({
      ...{ name: 'shards_within_tolerance', verdict: 'pass', value: '1.04', limit: '1.05' },
      message: 'the highest load is 1.70 of its share, and 1.04 afterwards',
    });
  });

  it('lets so many move at the same time as the configuration says, unless the job does', () => {
    const draft = plan([move('acme', 'a', 'b')]);
    expect(movesAtOnce({}, draft)).toBe(3);
    expect(movesAtOnce({ parallel: 7 }, draft)).toBe(7);
  });

  it('warns of shards that stay over, and says why', () => {
    expect(plan([], 'pinned_tenants').checks.at(-1)).toMatchObject({
      verdict: 'warn',
      message: 'the highest load is 1.70 of its share, and 1.04 afterwards; not all that was wanted: a: pinned tenants',
    });
  });
});

describe('a tenant that can not move', () => {
  const limits = { maxLag: 1, maxInflight: 1 };
  const stuck = originChecks('runner', 'b', undefined, ['active'], limits);
  const moves = [move('duff', 'b', 'c'), move('ok', 'd', 'c'), move('acme', 'a', 'b'), move('next', 'e', 'a'), move('last', 'e', 'd')];
  const planFor = (checksOf: (tenant: string) => Check[]) =>
    planMoves(
      params,
      planned(moves),
      moves.map(({ tenantId }) => draftOf(tenantId, ...checksOf(tenantId))),
    );

  it('is left out with those that wait for it, and the others move', () => {
    const draft = planFor((tenant) => (tenant === 'duff' ? stuck : []));
    expect(draft.impact.tenants).toEqual(['ok', 'last']);
    expect(draft.actions.map(({ description }) => description)).toEqual([
      'move ok: runner from d to c (over limit)',
      'move last: runner from e to d (over limit)',
    ]);
    expect(migrationsOf(draft).map(({ key, after }) => [key, after])).toEqual([
      ['ok', []],
      ['last', ['ok']],
    ]);
    expect(draft.inputs.map(({ resource }) => resource)).not.toContain('placement/duff/runner');
    expect(draft.checks.filter(({ verdict }) => verdict === 'block')).toEqual([]);
    expect(draft.checks.find(({ name }) => name === 'no_tenant_left_out')).toMatchObject({
      ...{ verdict: 'warn', value: '2 of 5' },
      message:
        '3 of 5 stay for now: duff: the tenant is not active on runner b: no answer; acme: duff had to be first; next: acme had to be first',
    });
    expect(draft.checks.at(-1)).toMatchObject({ name: 'shards_within_tolerance', verdict: 'warn' });
  });

  it('blocks the plan when nobody else can, as does what stops all of them', () => {
    const none = planFor(() => stuck);
    expect(none.checks.find(({ verdict }) => verdict === 'block')).toMatchObject({ name: 'tenants_can_move', value: '0 of 5' });
    expect(none.impact.tenants).toHaveLength(5);
    const away = planFor(() => [gatewaysAlive([])]);
    expect(away.checks.find(({ verdict }) => verdict === 'block')).toMatchObject({ name: 'tenants_can_move', value: '0 of 5' });
    expect(away.checks.find(({ name }) => name === 'no_tenant_left_out')).toMatchObject({ verdict: 'pass' });
  });
});

describe('the migrations of a rebalance', () => {
  it('wait for earlier ones that leave the shard where they go', () => {
    const jobs = migrationsOf(plan([move('duff', 'b', 'c'), move('ok', 'd', 'c'), move('acme', 'a', 'b')]));
    expect(jobs).toEqual([
      { key: 'duff', kind: 'tenant-migrate', params: { tenant: 'duff', moves: { runner: 'c' } }, after: [] },
      { key: 'ok', kind: 'tenant-migrate', params: { tenant: 'ok', moves: { runner: 'c' } }, after: [] },
      { key: 'acme', kind: 'tenant-migrate', params: { tenant: 'acme', moves: { runner: 'b' } }, after: ['duff'] },
    ]);
  });
});

describe('shards that are not well', () => {
  const endpoint = (kind: string, shardId: string, isWell: boolean) =>
    ({ kind, shardId, reachable: true, healthy: true, ready: isWell }) as fleetV1.EndpointHealth;

  it('are those of placement that no migration would go to: without an endpoint, or with one that is not well', () => {
    const shards = ['e', 'd', 'c', 'b', 'a'].map((shardId) => ({
      kind: 'runner',
      shardId,
      state: shardId === 'e' ? 'cordoned' : 'active',
    }));
    const endpoints = [
      endpoint('runner', 'c', false),
      endpoint('runner', 'a', true),
      endpoint('runner', 'a', true),
      endpoint('runner', 'b', true),
      endpoint('runner', 'b', false),
      endpoint('aggregate', 'a', false),
      endpoint('aggregate', 'd', true),
    ];
    expect(unhealthyShards(shards, endpoints)).toEqual(['b', 'c', 'd']);
    // As a migration's own checks see them.
    for (const { shardId } of shards.slice(1)) {
      const here = endpoints.filter((one) => one.kind === 'runner' && one.shardId === shardId);
      const checks = targetChecks('runner', shardId, here, { maxLag: 1, maxInflight: 1 });
      const fit = checks.filter(({ name }) => /healthy|ready/.test(name)).every(({ verdict }) => verdict === 'pass');
      expect([shardId, fit]).toEqual([shardId, shardId === 'a']);
    }
  });
});
