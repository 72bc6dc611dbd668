/** Rebalancing of 50,000 tenants through what happens to a fleet, beside two ways of hashing. */
import { planRebalance, type Goal, type Snapshot } from '@fairlead/placement';
import { compare, median, type Row } from '../figures.js';
import type { BenchRun } from '../run.js';
import { drift, hash, randomOf, ratios, zipf } from './data.js';
import { boundedLoads, rendezvous } from './peers.js';

const tenantCount = 50_000;
const exponents = [0.6, 0.8, 1];
const goalRatio = 1.05;
const limitMs = 500;

interface Phase {
  readonly name: string;
  readonly shards: readonly number[];
  readonly loads: readonly number[];
  /** Is emptied in this phase; `shards` are the others. */
  readonly emptied?: number;
}

interface Found {
  ratio: number;
  overMean: number;
  /** Moves after the start, and in all, by tenants. */
  moves: number;
  startMoves: number;
  /** Of each phase. */
  ms: number[];
}

/** The part `rebalance`. */
export function measureRebalance(run: BenchRun): Promise<Row[]> {
  const rounds = run.quick ? 1 : 5;
  return Promise.resolve(exponents.flatMap((exponent) => rowsOf(exponent, rounds, run.log)));
}

function rowsOf(exponent: number, rounds: number, log: (line: string) => void): Row[] {
  const phases = phasesOf(exponent);
  const ours = Array.from({ length: rounds }, () => runOurs(phases));
  const first = ours[0];
  if (first === undefined) throw new Error('there is a round');
  const byPhase = phases.map((_, phase) => median(ours.map(({ ms }) => ms[phase] ?? NaN)));
  log(`  zipf ${String(exponent)}: ${phases.map(({ name }, phase) => `${name} ${(byPhase[phase] ?? NaN).toFixed(0)} ms`).join(', ')}`);
  const hashed = runPeer(phases, ({ shards }) => rendezvous(shards, tenantCount));
  const bounded = runPeer(phases, ({ shards, loads }) => boundedLoads(shards, loads, goalRatio));
  const row = (metric: string, unit: string, mine: number, peer: number, peerName: string, atMost?: number) =>
    compare({
      ...{ metric: `zipf ${exponent.toFixed(1)}, ${metric}`, unit, ours: [mine], peer: [peer], peerName },
      goal: atMost === undefined ? undefined : { atMost },
    });
  const share = ({ moves }: Found) => (100 * moves) / tenantCount;
  const names = { hashed: 'rendezvous hashing', bounded: 'consistent hashing, bounded loads' };
  return [
    row('highest load', 'of the mean or largest tenant', first.ratio, goalRatio, 'the goal', 1),
    row('highest load', 'of the mean or largest tenant', first.ratio, hashed.ratio, names.hashed),
    row('highest load', 'of the mean or largest tenant', first.ratio, bounded.ratio, names.bounded),
    row('highest load', 'of the mean', first.overMean, bounded.overMean, names.bounded),
    row('moved after the start', '% of tenants', share(first), share(hashed), names.hashed),
    row('moved after the start', '% of tenants', share(first), share(bounded), names.bounded),
    row('moved from where a hash puts them', '% of tenants', (100 * first.startMoves) / tenantCount, 100, 'all of them'),
    row('a plan', 'ms', Math.max(...byPhase), limitMs, 'the limit', 1),
  ];
}

/** What happens, in its order. */
function phasesOf(exponent: number): Phase[] {
  const random = randomOf(Math.round(exponent * 1_000));
  const loads = zipf(tenantCount, exponent);
  const drifted = loads.map((load) => load * drift(random, 0.3));
  const shards = Array.from({ length: 200 }, (_, shard) => shard);
  const more = [...shards, ...Array.from({ length: 20 }, (_, shard) => 200 + shard)];
  const emptied = [3, 41, 97, 150, 199];
  return [
    { name: 'start', shards, loads },
    { name: 'drift', shards, loads: drifted },
    { name: '20 shards more', shards: more, loads: drifted },
    ...emptied.map((shard, count) => ({
      name: `${String(count + 1)} less`,
      shards: more.filter((other) => !emptied.slice(0, count + 1).includes(other)),
      loads: drifted,
      emptied: shard,
    })),
  ];
}

const shardName = (shard: number) => `shard-${String(shard).padStart(3, '0')}`;
const tenantName = (tenant: number) => `tenant-${String(tenant).padStart(5, '0')}`;

function runOurs(phases: readonly Phase[]): Found {
  const at = Array.from({ length: tenantCount }, (_, tenant) => hash(tenant, 5) % 200);
  const found: Found = { ratio: 0, overMean: 0, moves: 0, startMoves: 0, ms: [] };
  for (const [index, { shards, loads, emptied }] of phases.entries()) {
    const all = emptied === undefined ? shards : [...shards, emptied];
    const snapshot = (): Snapshot => ({
      shards: all.map((shard) => ({ shardId: shardName(shard), weight: 1, state: 'active', healthy: true })),
      tenants: loads.map((load, tenant) => ({ tenantId: tenantName(tenant), shardId: shardName(at[tenant] ?? -1), load, pinned: false })),
    });
    const rest = { tolerance: goalRatio - 1, cooldownMs: 0, nowMs: 0 };
    const goal: Goal = emptied === undefined ? { mode: 'balance', ...rest } : { mode: 'empty', shardId: shardName(emptied), ...rest };
    const given = snapshot();
    const began = performance.now();
    const { moves, after } = planRebalance(given, goal);
    found.ms.push(performance.now() - began);
    for (const { tenantId, from, to } of moves) {
      const tenant = Number(tenantId.slice(7));
      if (shardName(at[tenant] ?? -1) !== from) throw new Error(`${tenantId} is not where its move begins`);
      at[tenant] = Number(to.slice(6));
    }
    const placed = loads.map((load, tenant) => ({ load, at: at[tenant] ?? -1 }));
    const now = ratios(shards, placed);
    const told = new Map(after.map(({ shardId, tenants }) => [shardId, tenants]));
    for (const shard of all)
      if (told.get(shardName(shard)) !== at.filter((where) => where === shard).length)
        throw new Error('a plan leads elsewhere than it tells');
    if (index < 3 && planRebalance(snapshot(), goal).moves.length > 0) throw new Error('a second plan has moves');
    if (index === 0) found.startMoves = moves.length;
    else found.moves += moves.length;
    found.ratio = Math.max(found.ratio, now.ratio);
    found.overMean = Math.max(found.overMean, now.overMean);
  }
  return found;
}

function runPeer(phases: readonly Phase[], place: (phase: Phase) => number[]): Found {
  const found: Found = { ratio: 0, overMean: 0, moves: 0, startMoves: 0, ms: [] };
  let before: number[] | undefined;
  for (const phase of phases) {
    const at = place(phase);
    const now = ratios(
      phase.shards,
      phase.loads.map((load, tenant) => ({ load, at: at[tenant] ?? -1 })),
    );
    found.moves += before === undefined ? 0 : at.filter((shard, tenant) => shard !== before?.[tenant]).length;
    found.ratio = Math.max(found.ratio, now.ratio);
    found.overMean = Math.max(found.overMean, now.overMean);
    before = at;
  }
  return found;
}
