/** The number of moves beside the fewest that there are, in small cases. */
import highsModule from 'highs';
import { planRebalance, type RebalancePlan, type Snapshot } from '@fairlead/placement';
import { compare, type Row } from '../figures.js';
import type { BenchRun } from '../run.js';
import { hash, randomOf } from './data.js';

export interface SmallCase {
  readonly shards: number;
  /** Whole numbers, and where each is. */
  readonly tenants: readonly { load: number; at: number }[];
  /** What each shard may have, a whole number. */
  readonly limit: number;
}

/** The package has its types for CommonJS alone, where its function is `default`; as a module it is the function. */
const loadHighs = highsModule as unknown as typeof highsModule.default;

const meanGoal = 1.2;
const maxGoal = 1.7;

/** The part `optimum`. */
export async function measureOptimum(run: BenchRun): Promise<Row[]> {
  const wanted = run.quick ? 20 : 200;
  const solve = await openSolver();
  const factors: number[] = [];
  let [unsolved, infeasible, ours, fewest] = [0, 0, 0, 0];
  for (let seed = 1; factors.length + unsolved < wanted; seed += 1) {
    const given = smallCase(seed);
    const optimum = solve(given);
    if (optimum === 0) continue;
    if (optimum === undefined) {
      infeasible += 1;
      continue;
    }
    const moves = planOf(given);
    if (moves === undefined) {
      unsolved += 1;
      continue;
    }
    if (moves < optimum) throw new Error(`case ${String(seed)}: fewer moves than there can be`);
    factors.push(moves / optimum);
    ours += moves;
    fewest += optimum;
  }
  run.log(`  ${String(wanted)} cases: ${String(ours)} moves, ${String(fewest)} at least; ${String(infeasible)} others have no solution`);
  const row = (metric: string, unit: string, mine: number, peer: number, goal: { atMost: number } | { atLeast: number }) =>
    compare({ metric: `small cases, ${metric}`, unit, ours: [mine], peer: [peer], peerName: 'the optimum by HiGHS', goal });
  return [
    row('solved', 'cases', factors.length, wanted, { atLeast: 1 }),
    row('moves, mean', 'of the fewest', factors.reduce((sum, factor) => sum + factor, 0) / factors.length, 1, { atMost: meanGoal }),
    row('moves, highest', 'of the fewest', Math.max(...factors), 1, { atMost: maxGoal }),
  ];
}

/** A case from its number: loads by Zipf's law with a random exponent and some noise, placed by chance. */
export function smallCase(seed: number): SmallCase {
  const random = randomOf(hash(seed, 11));
  const shards = 4 + Math.floor(random() * 3);
  const count = 12 + Math.floor(random() * 29);
  const exponent = 0.6 + 0.4 * random();
  const loads = Array.from({ length: count }, (_, rank) =>
    Math.max(1, Math.round((1_000 * (0.6 + 0.8 * random())) / (rank + 2) ** exponent)),
  );
  const limit = Math.floor((1.05 * loads.reduce((sum, load) => sum + load, 0)) / shards);
  return { shards, limit, tenants: loads.map((load) => ({ load, at: Math.floor(random() * shards) })) };
}

const shardName = (shard: number) => `s-${String(shard)}`;

/** How many moves our plan makes; undefined when they do not bring all shards within the limit. */
export function planOf({ shards, tenants, limit }: SmallCase): number | undefined {
  const snapshot: Snapshot = {
    shards: Array.from({ length: shards }, (_, shard) => ({ shardId: shardName(shard), weight: 1, state: 'active', healthy: true })),
    tenants: tenants.map(({ load, at }, tenant) => ({ tenantId: `t-${String(tenant)}`, shardId: shardName(at), load, pinned: false })),
  };
  const plan: RebalancePlan = planRebalance(snapshot, { mode: 'balance', tolerance: 0.05, cooldownMs: 0, nowMs: 0 });
  const at = new Map(snapshot.tenants.map(({ tenantId, shardId }) => [tenantId, shardId]));
  for (const { tenantId, from, to } of plan.moves) {
    if (at.get(tenantId) !== from) throw new Error(`${tenantId} is not where its move begins`);
    at.set(tenantId, to);
  }
  const placed = tenants.map(({ load }, tenant) => ({ load, at: Number(at.get(`t-${String(tenant)}`)?.slice(2)) }));
  return isWithin({ shards, limit, tenants: placed }) ? plan.moves.length : undefined;
}

function isWithin({ shards, tenants, limit }: SmallCase): boolean {
  return Array.from({ length: shards }, (_, shard) => shard).every(
    (shard) => tenants.reduce((sum, { load, at }) => sum + (at === shard ? load : 0), 0) <= limit,
  );
}

/** Answers what finds the fewest moves of a case; it answers undefined when there is no solution. */
export async function openSolver(): Promise<(given: SmallCase) => number | undefined> {
  const highs = await loadHighs();
  return (given) => {
    const { shards, tenants, limit } = given;
    const name = (tenant: number, shard: number) => `x_${String(tenant)}_${String(shard)}`;
    const each = <T>(count: number, of: (index: number) => T) => Array.from({ length: count }, (_, index) => of(index));
    // Most tenants stay: the fewest moves are all but the most that stay.
    const model = [
      'Maximize',
      ` stay: ${tenants.map(({ at }, tenant) => name(tenant, at)).join(' + ')}`,
      'Subject To',
      ...tenants.map((_, tenant) => ` one_${String(tenant)}: ${each(shards, (shard) => name(tenant, shard)).join(' + ')} = 1`),
      ...each(
        shards,
        (shard) =>
          ` room_${String(shard)}: ${tenants.map(({ load }, tenant) => `${String(load)} ${name(tenant, shard)}`).join(' + ')} <= ${String(limit)}`,
      ),
      'Binary',
      ` ${tenants.flatMap((_, tenant) => each(shards, (shard) => name(tenant, shard))).join(' ')}`,
      'End',
    ].join('\n');
    const solved = highs.solve(model, { output_flag: false, mip_rel_gap: 0, mip_abs_gap: 0.5 });
    if (solved.Status === 'Infeasible') return undefined;
    if (solved.Status !== 'Optimal') throw new Error(`HiGHS ended with ${solved.Status}`);
    const columns = solved.Columns as Record<string, { Primal?: number }>;
    const placed = tenants.map(({ load }, tenant) => {
      const at = each(shards, (shard) => columns[name(tenant, shard)]?.Primal ?? 0).findIndex((value) => value > 0.5);
      return { load, at };
    });
    const moves = placed.filter(({ at }, tenant) => at !== tenants[tenant]?.at).length;
    if (!isWithin({ ...given, tenants: placed }) || placed.some(({ at }) => at < 0)) throw new Error('the solution of HiGHS is none');
    if (tenants.length - Math.round(solved.ObjectiveValue) !== moves) throw new Error('HiGHS counts other moves than it makes');
    return moves;
  };
}
