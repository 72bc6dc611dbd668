import fc from 'fast-check';
import type { Goal, RebalancePlan, Snapshot, TenantSnapshot } from './types.js';

export const tolerance = 0.05;
/** What rounding of sums of loads may make. */
export const rounding = 1 + 1e-9;

/** A case with everything there is: cordoned and sick shards, weights, capacities, pins, groups and tenants that moved lately. */
export const cases: fc.Arbitrary<{ snapshot: Snapshot; goal: Goal }> = fc
  .record({
    shards: fc.integer({ min: 1, max: 8 }),
    tenants: fc.integer({ min: 0, max: 50 }),
    shape: fc.constantFrom('even', 'steep', 'equal'),
  })
  .chain(({ shards, tenants, shape }) =>
    fc.record({
      snapshot: fc.record({
        shards: fc.tuple(
          ...Array.from({ length: shards }, (_, index) =>
            fc.record({
              shardId: fc.constant(`s-${String(index)}`),
              weight: fc.constantFrom(1, 1, 1, 2, 5),
              state: fc.constantFrom('active' as const, 'active' as const, 'active' as const, 'cordoned' as const),
              healthy: fc.constantFrom(true, true, true, true, false),
              maxLoad: fc.constantFrom(undefined, undefined, undefined, 40),
            }),
          ),
        ),
        tenants: fc.tuple(
          ...Array.from({ length: tenants }, (_, index) =>
            fc.record({
              tenantId: fc.constant(`t-${String(index)}`),
              shardId: fc.integer({ min: 0, max: shards - 1 }).map((at) => `s-${String(Math.floor((at * at) / shards))}`),
              load: fc.nat(1_000).map((drawn) => (shape === 'equal' ? 2 : shape === 'even' ? drawn / 100 : 200 / (1 + drawn))),
              pinned: fc.nat(9).map((drawn) => drawn === 0),
              only: fc
                .nat(7 + shards)
                .map((drawn) => (drawn > shards ? undefined : [`s-${String(drawn)}`, `s-${String((drawn * 3) % shards)}`])),
              antiAffinity: fc.constantFrom(undefined, undefined, undefined, undefined, 'g-1', 'g-2'),
              stuck: fc.nat(19).map((drawn) => drawn === 0),
              lastMovedAtMs: fc.constantFrom(undefined, undefined, 1_000, 9_500),
            }),
          ),
        ),
      }),
      goal: goals(shards),
    }),
  );

function goals(shards: number): fc.Arbitrary<Goal> {
  const limits = { tolerance, cooldownMs: 1_000, nowMs: 10_000 };
  const shard = fc.integer({ min: 0, max: shards - 1 });
  const [balance, empty, replace] = [
    fc.constant<Goal>({ mode: 'balance', ...limits }),
    shard.map<Goal>((at) => ({ mode: 'empty', shardId: `s-${String(at)}`, ...limits })),
    shard.map<Goal>((at) =>
      shards === 1
        ? { mode: 'balance', ...limits }
        : { mode: 'replace', shardId: `s-${String(at)}`, toShardId: `s-${String((at + 1) % shards)}`, ...limits },
    ),
  ];
  return fc.oneof({ weight: 3, arbitrary: balance }, { weight: 2, arbitrary: empty }, { weight: 1, arbitrary: replace });
}

/** The snapshot after some of a plan's moves; throws when a move does not start where its tenant is. */
export function afterMoves(snapshot: Snapshot, moves: RebalancePlan['moves']): Snapshot {
  const tenants = new Map(snapshot.tenants.map((tenant) => [tenant.tenantId, tenant]));
  for (const { tenantId, from, to } of moves) {
    const tenant = tenants.get(tenantId);
    if (tenant?.shardId !== from) throw new Error(`${tenantId} is not on ${from}`);
    tenants.set(tenantId, { ...tenant, shardId: to });
  }
  return { shards: snapshot.shards, tenants: [...tenants.values()] };
}

/** Each shard's load. */
export function loadsOf({ shards, tenants }: Snapshot): Map<string, number> {
  const loads = new Map(shards.map(({ shardId }) => [shardId, 0]));
  for (const { shardId, load } of tenants) loads.set(shardId, (loads.get(shardId) ?? 0) + load);
  return loads;
}

/** Pairs of a group's tenants on one shard, by shard and group. */
export function clashes({ tenants }: Snapshot): Map<string, number> {
  const found = new Map<string, number>();
  for (const { shardId, antiAffinity } of tenants)
    if (antiAffinity !== undefined) found.set(`${shardId}/${antiAffinity}`, (found.get(`${shardId}/${antiAffinity}`) ?? 0) + 1);
  return found;
}

/** Shards that take tenants under a goal. */
export function targetsOf({ shards }: Snapshot, goal: Goal): Snapshot['shards'] {
  return shards.filter(
    ({ shardId, state, healthy }) => state === 'active' && healthy && (goal.mode === 'balance' || goal.shardId !== shardId),
  );
}

/** Whether a tenant is on a shard where its pin does not want it. A pin to shards that are not there is none. */
export const isMisplaced = ({ only, shardId }: TenantSnapshot, { shards }: Snapshot): boolean =>
  only !== undefined && shards.some((shard) => only.includes(shard.shardId)) && !only.includes(shardId);

export const isFree = (tenant: TenantSnapshot, { nowMs, cooldownMs }: Goal, snapshot: Snapshot): boolean =>
  !tenant.pinned && tenant.stuck !== true && (isMisplaced(tenant, snapshot) || rested(tenant, nowMs, cooldownMs));

const rested = ({ lastMovedAtMs }: TenantSnapshot, nowMs: number, cooldownMs: number) =>
  lastMovedAtMs === undefined || nowMs - lastMovedAtMs >= cooldownMs;
