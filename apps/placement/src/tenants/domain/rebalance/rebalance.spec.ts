import { describe, expect, it } from '@jest/globals';
import { explainPlacement } from './explain.js';
import { planRebalance } from './plan.js';
import type { Goal, ShardSnapshot, Snapshot, TenantSnapshot } from './types.js';
import { whatIfShardDies } from './what-if.js';

const limits = { cooldownMs: 1_000, nowMs: 10_000 };
const balance: Goal = { mode: 'balance', ...limits };

const shard = (shardId: string, more: Partial<ShardSnapshot> = {}): ShardSnapshot => ({
  ...{ shardId, weight: 1, state: 'active', healthy: true },
  ...more,
});

/** Tenants by shard, as loads or more; ids are the shard's with a number. */
function snapshotOf(
  placed: Record<string, (number | Partial<TenantSnapshot>)[]>,
  shards = Object.keys(placed).map((id) => shard(id)),
): Snapshot {
  const tenants = Object.entries(placed).flatMap(([shardId, list]) =>
    list.map((given, n) => ({
      ...{ tenantId: `${shardId}${String(n + 1)}`, shardId, load: 1, pinned: false },
      ...(typeof given === 'number' ? { load: given } : given),
    })),
  );
  return { shards, tenants };
}

const moved = (snapshot: Snapshot, goal: Goal = balance) =>
  planRebalance(snapshot, goal).moves.map(({ tenantId, to, why }) => `${tenantId}>${to} ${why}`);
const reasons = (snapshot: Snapshot, goal: Goal = balance) =>
  Object.fromEntries(planRebalance(snapshot, goal).leftOver.map(({ shardId, reason }) => [shardId, reason]));

describe('pins to shards', () => {
  const shards = ['a', 'b', 'c'].map((shardId) => ({ shardId, weight: 1, state: 'active' as const, healthy: true }));
  const tenant = (tenantId: string, shardId: string, only?: readonly string[]) => ({ tenantId, shardId, load: 1, pinned: false, only });
  const goal = { mode: 'balance', cooldownMs: 1_000, nowMs: 0 } as const;

  it('move tenants that are elsewhere, and make room for them', () => {
    const tenants = [tenant('t-1', 'a', ['b']), tenant('t-2', 'b'), tenant('t-3', 'c'), tenant('t-4', 'b', ['b', 'c'])];
    const { moves, leftOver } = planRebalance({ shards, tenants: [...tenants, tenant('t-5', 'a'), tenant('t-6', 'c')] }, goal);
    expect(moves.filter(({ why }) => why === 'pin')).toEqual([{ tenantId: 't-1', from: 'a', to: 'b', load: 1, why: 'pin' }]);
    expect(moves.length).toBe(2);
    expect(leftOver).toEqual([]);
  });

  it('hold above the mean, whatever was moved a moment ago, and say so', () => {
    const tenants = ['t-1', 't-2', 't-3'].map((id) => ({ ...tenant(id, 'a', ['c']), lastMovedAtMs: 0 }));
    const plan = planRebalance({ shards, tenants }, goal);
    expect(plan.moves.map(({ tenantId, to }) => [tenantId, to])).toEqual(['t-1', 't-2', 't-3'].map((id) => [id, 'c']));
    expect(plan.leftOver).toMatchObject([{ shardId: 'c', reason: 'pinned_tenants' }]);
  });

  it('keep tenants on a shard that is emptied, and do not bring any where none may come', () => {
    const sick = shards.map((shard) => ({ ...shard, healthy: shard.shardId !== 'c' }));
    const tenants = [tenant('t-1', 'a', ['a']), tenant('t-2', 'a'), tenant('t-3', 'b', ['c'])];
    const plan = planRebalance({ shards: sick, tenants }, { ...goal, mode: 'empty', shardId: 'a' });
    expect(plan.moves.map(({ tenantId, to }) => [tenantId, to])).toEqual([['t-2', 'b']]);
    expect(plan.leftOver.map(({ shardId, reason }) => [shardId, reason])).toContainEqual(['a', 'pinned_tenants']);
    expect(plan.leftOver.map(({ shardId }) => shardId)).toContain('b');
  });
});

describe('planRebalance', () => {
  it('moves the tenant that is just enough, and nothing when no shard is over', () => {
    expect(moved(snapshotOf({ a: [5, 3, 2], b: [4, 2], c: [5, 3] }))).toEqual(['a3>b over_limit']);
    expect(moved(snapshotOf({ a: [5, 3], b: [4, 4], c: [8] }))).toEqual([]);
    expect(moved(snapshotOf({ a: [], b: [] }))).toEqual([]);
  });

  it('plans around tenants that can not move, and lets them take nobody else his place', () => {
    const [first, ...others] = [{ load: 5, stuck: true }, 5, 5];
    const budget: Goal = { ...balance, moveBudget: 1 };
    expect(moved(snapshotOf({ a: [5, 5, 5], b: [] }), budget)).toEqual(['a1>b over_limit']);
    expect(moved(snapshotOf({ a: [first, ...others], b: [] }), budget)).toEqual(['a2>b over_limit']);
  });

  it('fills shards by their weight', () => {
    const plan = planRebalance(snapshotOf({ a: [2, 2, 2, 2, 2, 2], b: [] }, [shard('a'), shard('b', { weight: 2 })]), balance);
    expect(plan.after.map(({ load, ratio }) => [load, ratio])).toEqual([
      [4, 1],
      [8, 1],
    ]);
    expect(plan).toMatchObject({ ratioBefore: 3, ratioAfter: 1, leftOver: [] });
  });

  it('lets a smaller tenant go on where a larger one has no room', () => {
    expect(moved(snapshotOf({ a: [6, 4], b: [3, 3], c: [4] }))).toEqual(['b2>c makes_room', 'a2>b over_limit']);
  });

  it('gives tenants that are larger than any limit shards of their own', () => {
    const snapshot = snapshotOf({ a: [20, 10, 1], b: [1, 1], c: [1, 1], d: [1, 1] });
    const plan = planRebalance(snapshot, balance);
    expect(plan.ratioBefore).toBeGreaterThan(3);
    expect(plan.after.find(({ shardId }) => shardId === 'a')?.load).toBeLessThanOrEqual(21);
    expect(plan.moves).toContainEqual(expect.objectContaining({ tenantId: 'a2', from: 'a' }));
    expect(plan.leftOver).toContainEqual(expect.objectContaining({ shardId: 'a', reason: 'tenant_over_limit' }));
  });

  it('empties a shard wholly, over the limit too when nothing else is possible', () => {
    const thirds = snapshotOf({ a: [1, 1, 1], b: [1, 1, 1], c: [1, 1], d: [1, 1] });
    const plan = planRebalance(thirds, { mode: 'empty', shardId: 'd', ...limits });
    expect(plan.moves.map(({ tenantId, why }) => [tenantId, why])).toEqual([
      ['d1', 'emptied'],
      ['d2', 'emptied'],
    ]);
    expect(plan.after.map(({ tenants }) => tenants)).toEqual([4, 3, 3, 0]);
    expect(plan.leftOver).toEqual([expect.objectContaining({ shardId: 'a', reason: 'took_over' })]);
    expect(plan.limits.find(({ shardId }) => shardId === 'a')?.load).toBe(4);
  });

  it('replaces a shard by one other, and moves nothing else', () => {
    const snapshot = snapshotOf({ a: [9], b: [1, { load: 2, pinned: true }, 3], c: [] });
    const goal: Goal = { mode: 'replace', shardId: 'b', toShardId: 'c', ...limits };
    expect(moved(snapshot, goal)).toEqual(['b3>c replaced', 'b1>c replaced']);
    expect(reasons(snapshot, goal)).toEqual({ a: 'not_asked_for', b: 'pinned_tenants' });
  });

  it('brings tenants of one group apart', () => {
    const group = { antiAffinity: 'ha', load: 0.05 };
    expect(moved(snapshotOf({ a: [group, group, 1], b: [1], c: [1] }))).toEqual(['a2>b anti_affinity']);
  });

  it('refuses what can not be planned from', () => {
    const refused = (snapshot: Snapshot, goal: Goal = balance) => expect(() => planRebalance(snapshot, goal));
    const twice = snapshotOf({ a: [1] });
    refused({ ...twice, tenants: [...twice.tenants, ...twice.tenants] }).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
    refused({ ...twice, shards: [...twice.shards, ...twice.shards] }).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
    refused({ ...twice, shards: [] }).toThrow(expect.objectContaining({ code: 'shard_not_found' }));
    for (const load of [-1, NaN, Infinity])
      refused(snapshotOf({ a: [load] })).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
    refused(twice, { mode: 'empty', shardId: 'x', ...limits }).toThrow(expect.objectContaining({ code: 'shard_not_found' }));
    refused(twice, { mode: 'replace', shardId: 'a', toShardId: 'a', ...limits }).toThrow(
      expect.objectContaining({ code: 'invalid_argument' }),
    );
    refused(twice, { ...balance, tolerance: -0.1 }).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
    refused(twice, { ...balance, moveBudget: 1.5 }).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  });
});

describe('the reason why a shard stays over', () => {
  const pinned = { load: 4, pinned: true };
  const recent = { load: 4, lastMovedAtMs: 9_500 };
  const stuck = { load: 4, stuck: true };
  const left: { reason: string; snapshot: Snapshot; goal?: Goal }[] = [
    { reason: 'budget_used_up', snapshot: snapshotOf({ a: [2, 2, 2, 2], b: [] }), goal: { ...balance, moveBudget: 1 } },
    { reason: 'pinned_tenants', snapshot: snapshotOf({ a: [pinned, pinned], b: [] }) },
    { reason: 'cooldown', snapshot: snapshotOf({ a: [recent, recent], b: [] }) },
    { reason: 'stuck_tenants', snapshot: snapshotOf({ a: [stuck, stuck], b: [] }) },
    { reason: 'tenant_over_limit', snapshot: snapshotOf({ a: [9], b: [1] }) },
    {
      reason: 'no_healthy_target',
      snapshot: snapshotOf({ a: [4, 4], b: [] }, [shard('a', { maxLoad: 5 }), shard('b', { healthy: false })]),
    },
    {
      reason: 'no_healthy_target',
      snapshot: snapshotOf({ a: [4, 4], b: [] }, [shard('a', { maxLoad: 5 }), shard('b', { state: 'cordoned' })]),
    },
    { reason: 'capacity', snapshot: snapshotOf({ a: [4, 4], b: [] }, [shard('a'), shard('b', { maxLoad: 3 })]) },
    {
      reason: 'anti_affinity',
      snapshot: snapshotOf({ a: [{ load: 4, antiAffinity: 'g' }, pinned], b: [{ load: 0, antiAffinity: 'g' }] }),
    },
    { reason: 'no_room', snapshot: snapshotOf({ a: [4, 4], b: [3] }) },
  ];
  it.each(left)('is $reason', ({ reason, snapshot, goal }) => {
    expect(reasons(snapshot, goal)).toMatchObject({ a: reason });
  });

  it('is also given where tenants of the shard that is emptied stay', () => {
    const empty: Goal = { mode: 'empty', shardId: 'a', ...limits };
    expect(reasons(snapshotOf({ a: [pinned], b: [] }), empty)).toEqual({ a: 'pinned_tenants' });
    expect(reasons(snapshotOf({ a: [recent], b: [] }), empty)).toEqual({ a: 'cooldown' });
    expect(reasons(snapshotOf({ a: [stuck], b: [] }), empty)).toEqual({ a: 'stuck_tenants' });
    expect(reasons(snapshotOf({ a: [1] }), empty)).toEqual({ a: 'no_healthy_target' });
    expect(reasons(snapshotOf({ a: [2], b: [] }, [shard('a'), shard('b', { maxLoad: 1 })]), empty)).toEqual({ a: 'capacity' });
    expect(reasons(snapshotOf({ a: [1, 1], b: [] }), { ...empty, moveBudget: 1 })).toEqual({ a: 'budget_used_up' });
  });
});

describe('whatIfShardDies', () => {
  it('takes all tenants of the shard to where there is room, pinned ones too, and nobody else', () => {
    const snapshot = snapshotOf({
      a: [
        { load: 3, pinned: true },
        { load: 1, lastMovedAtMs: 9_999 },
      ],
      b: [2],
      c: [3, 3],
    });
    const outcome = whatIfShardDies(snapshot, { shardId: 'a' });
    expect(outcome.moves.map(({ tenantId, to }) => [tenantId, to])).toEqual([
      ['a1', 'b'],
      ['a2', 'b'],
    ]);
    expect(outcome).toMatchObject({ stranded: [], ratioAfter: 1, leftOver: [] });
  });

  it('names who is stranded', () => {
    const outcome = whatIfShardDies(snapshotOf({ a: [3], b: [] }, [shard('a'), shard('b', { maxLoad: 2 })]), { shardId: 'a' });
    expect(outcome).toMatchObject({ moves: [], stranded: ['a1'], leftOver: [{ shardId: 'a', reason: 'capacity' }] });
    expect(() => whatIfShardDies(snapshotOf({ a: [1] }), { shardId: 'x' })).toThrow(expect.objectContaining({ code: 'shard_not_found' }));
  });
});

describe('explainPlacement', () => {
  const snapshot = snapshotOf({
    a: [{ load: 3, antiAffinity: 'g', pinned: true, lastMovedAtMs: 9_500 }],
    b: [{ load: 1, antiAffinity: 'g' }],
  });
  const move = (from: string, to: string, movedAtMs: number) => ({ from, to, movedAtMs, reason: `to ${to}` });

  it('tells the latest move, what holds the tenant, and where its group is', () => {
    const history = { createdAtMs: 1, moves: [move('b', 'a', 9_500), move('a', 'b', 5_000)] };
    expect(explainPlacement(snapshot, 'a1', history, limits)).toEqual({
      tenantId: 'a1',
      shardId: 'a',
      because: 'moved',
      sinceMs: 9_500,
      reason: 'to a',
      moves: [move('b', 'a', 9_500), move('a', 'b', 5_000)],
      load: 3,
      shardRatio: 1.5,
      holds: ['pinned', 'cooldown'],
      cooldownUntilMs: 10_500,
      groupMembers: [{ tenantId: 'b1', shardId: 'b' }],
    });
  });

  it('tells how it was placed when it never moved', () => {
    expect(explainPlacement(snapshot, 'b1', { createdAtMs: 7, moves: [] }, limits)).toMatchObject({
      because: 'most_room',
      sinceMs: 7,
      holds: [],
    });
    const asked = { createdAtMs: 7, moves: [], requestedShardId: 'b' };
    expect(explainPlacement(snapshot, 'b1', asked, limits)).toMatchObject({ because: 'requested' });
    expect(() => explainPlacement(snapshot, 'x', asked, limits)).toThrow(expect.objectContaining({ code: 'tenant_not_found' }));
  });
});
