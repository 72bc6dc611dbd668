import { describe, expect, it } from '@jest/globals';
import type { fleetV1, placementV1 } from '@fairlead/contracts';
import type { PlanDraft } from '../engine/kind.js';
import { placementPublished } from './checks.js';
import { migrationsOf, planMoves, unhealthyShards } from './rebalance.js';

const move = (tenantId: string, fromShardId: string, toShardId: string, why = 'over_limit'): placementV1.PlannedMove => ({
  ...{ tenantId, fromShardId, toShardId, load: 1, why },
});
const planned = (moves: placementV1.PlannedMove[], leftOver = ''): placementV1.Rebalance => ({
  ...{ epoch: 1, revision: 7, moves, ratioBefore: 1.7, ratioAfter: 1.04, configRevision: 4, tolerance: 0.05 },
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
const draftOf = (tenant: string): { tenant: string; draft: PlanDraft } => ({
  tenant,
  draft: {
    actions: [],
    checks: [placementPublished('')],
    impact: { tenants: [tenant], services: ['runner/a'], expectedPauseMs: 350 },
    inputs: [{ resource: `placement/${tenant}/runner`, revision: 3 }],
  },
});
const params: Parameters<typeof planMoves>[0] = {
  ...{ mode: 'balance', kind: 'runner', parallel: 2, stop_after_failures: 1 },
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

  it('warns of shards that stay over, and says why', () => {
    expect(plan([], 'pinned_tenants').checks.at(-1)).toMatchObject({
      verdict: 'warn',
      message: 'the highest load is 1.70 of its share, and 1.04 afterwards; not all that was wanted: a: pinned tenants',
    });
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

  it('are those of the kind of which no endpoint is', () => {
    const endpoints = [
      endpoint('runner', 'c', false),
      endpoint('runner', 'a', false),
      endpoint('runner', 'a', true),
      endpoint('runner', 'b', true),
      endpoint('runner', 'b', false),
      endpoint('aggregate', 'd', false),
    ];
    expect(unhealthyShards('runner', endpoints)).toEqual(['c']);
  });
});
