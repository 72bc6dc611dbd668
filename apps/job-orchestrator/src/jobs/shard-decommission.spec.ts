import { describe, expect, it } from '@jest/globals';
import type { placementV1 } from '@fairlead/contracts';
import type { ChildJobs } from '../engine/children.js';
import type { StepContext } from '../engine/kind.js';
import type { KindDependencies } from './clients.js';
import { planDecommission, saidToBalance, shardDecommission, type DecommissionInputs } from './shard-decommission.js';

const shard: placementV1.Shard = {
  ...{ kind: 'runner', shardId: 'r-1', endpoints: [], weight: 1, labels: {}, state: 'active', revision: 7, tenants: 0 },
};
const params = { kind: 'runner' as const, shard: 'r-1', parallel: 2, stop_after_failures: 1 };
const inputs = (partial: Partial<DecommissionInputs> = {}, tenantsAfter = 0): DecommissionInputs => ({
  ...{ shard, others: 2, references: [], migrations: [] },
  rebalance: {
    ...{ epoch: 1, revision: 9, moves: [], ratioBefore: 1, ratioAfter: 1, configRevision: 4, tolerance: 0.05, parallel: 3 },
    shards: [
      {
        ...{ shardId: 'r-1', tenantsBefore: 3, tenantsAfter, loadBefore: 3, loadAfter: tenantsAfter },
        ...(tenantsAfter === 0
          ? { leftOver: '', leftOverMessage: '' }
          : { leftOver: 'pinned_tenants', leftOverMessage: 'they are pinned' }),
      },
    ],
  },
  ...partial,
});
const settings = { maxLag: 100, maxInflight: 200, forwardTimeoutMs: 1, undoTimeoutMs: 1 } as KindDependencies['settings'];
const planned = (given: DecommissionInputs) => planDecommission(params, given, { settings });

describe('the plan of a decommission', () => {
  it('cordons, moves and removes, from the shard and the configuration as they are', () => {
    const { actions, checks, inputs: revisions } = planned(inputs());
    expect(actions.map(({ name }) => name)).toEqual(['cordon', 'remove']);
    expect(planned(inputs()).parallel).toBe(3);
    expect(checks.filter(({ verdict }) => verdict !== 'pass')).toEqual([]);
    expect(revisions).toEqual([
      { resource: 'config/placement/platform/default', revision: 4 },
      { resource: 'shard/runner/r-1', revision: 7 },
    ]);
    expect(planned(inputs({ shard: { ...shard, state: 'cordoned' } })).actions.map(({ name }) => name)).toEqual(['remove']);
  });

  it('is blocked by tenants that stay, and by nobody else who takes new ones', () => {
    const blocks = (given: DecommissionInputs) => planned(given).checks.filter(({ verdict }) => verdict === 'block');
    expect(blocks(inputs({}, 2))).toMatchObject([{ name: 'shard_can_be_emptied', message: '2 tenants stay: they are pinned' }]);
    expect(blocks(inputs({}, 1))).toMatchObject([{ message: '1 tenant stays: they are pinned' }]);
    const [tooMany] = inputs({}, 700).rebalance.shards.map((one) => ({ ...one, leftOver: 'budget_used_up' }));
    const most = inputs({ rebalance: { ...inputs().rebalance, shards: tooMany === undefined ? [] : [tooMany] } });
    expect(blocks(most)).toMatchObject([
      { message: '700 tenants stay: one job moves 500 tenants at most: first empty it in parts, by rebalances of the mode empty' },
    ]);
    const reference = { document: 'routing/platform/default', pointer: '/default_shards/runner', detail: 'there is no runner shard r-1' };
    expect(blocks(inputs({ references: [reference] }))).toMatchObject([
      {
        name: 'no_document_refers_to_it',
        value: '1',
        message: 'routing/platform/default /default_shards/runner: without it there is no runner shard r-1',
      },
    ]);
    expect(blocks(inputs({ others: 0 }))).toMatchObject([{ name: 'others_take_tenants' }]);
  });
});

describe('what it moves', () => {
  const moved = { tenantId: 'duff', fromShardId: 'r-2', toShardId: 'r-3', load: 1, why: 'over_limit' };

  it('is nothing when the shard is empty: the others are not balanced for it', async () => {
    const { rebalance } = inputs({ rebalance: { ...inputs().rebalance, moves: [moved] } });
    const read = () => {
      const shards = rebalance.shards.map((one) => ({ ...one, tenantsBefore: 0 }));
      const deps = {
        settings,
        placement: {
          getShard: () => Promise.resolve({ shard, references: [] }),
          listShards: () => Promise.resolve({ shards: [] }),
          planRebalance: () => Promise.resolve({ rebalance: { ...rebalance, shards } }),
        },
        fleet: { getSnapshot: () => Promise.resolve({ endpoints: [] }) },
      } as unknown as KindDependencies;
      return shardDecommission(deps, {} as ChildJobs).readInputs(params);
    };
    expect((await read()).rebalance).toMatchObject({ moves: [], ratioAfter: 1, shards: [{ tenantsAfter: 0 }] });
  });

  it('says which moves only balance the others', () => {
    const move = { name: 'migrate', description: 'move it', kind: 'runner', toShardId: 'r-3' };
    expect(saidToBalance({ ...move, fromShardId: 'r-1' }, 'r-1').description).toBe('move it');
    expect(saidToBalance({ ...move, fromShardId: 'r-2' }, 'r-1').description).toBe('move it, only to balance the others');
  });
});

describe('its permissions', () => {
  it('are those of what it does to the shard, and to its tenants', () => {
    const kind = shardDecommission({ settings } as unknown as KindDependencies, {} as ChildJobs);
    expect([kind.permission, kind.alsoNeeds?.(params)]).toEqual(['placement.write', ['tenant.migrate']]);
  });
});

describe('its steps', () => {
  it('change the shard from the revision that was planned with, and open it again if they cordoned it', async () => {
    const asked: placementV1.SetShardStateRequest[] = [];
    const placement = {
      setShardState: (request: placementV1.SetShardStateRequest) => {
        asked.push(request);
        return Promise.resolve({ revision: 8, position: 1, changed: true });
      },
    };
    const kind = shardDecommission({ placement, settings } as unknown as KindDependencies, {} as ChildJobs);
    const step = (name: string) => kind.steps.find((one) => one.name === name);
    const context = (given: DecommissionInputs) =>
      ({ params, plan: planned(given), outputs: { cordon: { revision: 8 } }, reason: 'the host goes' }) as unknown as StepContext<
        typeof params
      >;
    expect(await step('cordon')?.run(context(inputs()))).toEqual({ outcome: 'done', output: { revision: 8 } });
    await step('remove')?.run(context(inputs()));
    const undo = step('cordon')?.undo;
    if (typeof undo !== 'function') throw new Error('a cordon is taken back');
    await undo(context(inputs()));
    expect(asked.map(({ state, expectedRevision }) => [state, expectedRevision])).toEqual([
      ['cordoned', 7],
      ['removed', 8],
      ['active', 0],
    ]);
    asked.length = 0;
    const before = inputs({ shard: { ...shard, state: 'cordoned' } });
    expect(await step('cordon')?.run(context(before))).toEqual({ outcome: 'done', output: { revision: 7 } });
    await undo(context(before));
    expect(asked).toEqual([]);
  });
});
