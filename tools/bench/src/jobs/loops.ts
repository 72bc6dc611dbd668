/** Periodic checks: what tens of thousands of them ask of the database, and whether any turn is missed. */
import { compare, type Row } from '../figures.js';
import { query } from '../log/appends.js';
import { clusterOf } from '../log/servers.js';
import type { BenchRun } from '../run.js';
import { inProcesses } from './processes.js';
import { openOurTables, peerNames } from './throughput.js';
import type { Ticked, TickingOptions } from './ticking.js';

interface Found extends Ticked {
  transactionsPerSecond: number;
}

/** The part `loops`. */
export async function measureLoops(run: BenchRun): Promise<Row[]> {
  const cluster = await clusterOf(run);
  const timing = run.quick ? { intervalMs: 3_000, ms: 12_000 } : { intervalMs: 30_000, ms: 66_000 };
  const counts = run.quick ? { ours: 3_000, dbos: 500 } : { ours: 30_000, dbos: 5_000 };
  const ours = await found(run, 'ourLoops', { ...(await openOurTables(cluster, 'loops_ours')), checks: counts.ours, ...timing });
  const dbos = await found(run, 'dbosSchedules', { ...(await cluster.empty('loops_dbos')), checks: counts.dbos, ...timing });
  const what = `${counts.ours.toLocaleString('en')} checks every ${String(timing.intervalMs / 1_000)} s`;
  const peerName = `${peerNames.dbos}, ${counts.dbos.toLocaleString('en')} schedules`;
  const row = (metric: string, unit: string, pick: (one: Found) => number, goal?: { atMost: number }) =>
    compare({ metric: `${what}, ${metric}`, unit, ours: [pick(ours)], peer: [pick(dbos)], peerName, goal });
  return [
    row('transactions', '/s', (one) => one.transactionsPerSecond, { atMost: 0.02 }),
    row('memory', 'MB', (one) => one.rssBytes / 1e6),
    row('turns', '', (one) => one.turns),
    {
      metric: `${what}, turns missed`,
      unit: '',
      ours: ours.missed,
      peer: dbos.missed,
      peer_name: peerName,
      ratio: ours.missed === 0 ? 0 : ours.missed / Math.max(1, dbos.missed),
      goal: 'none',
      met: ours.missed === 0,
    },
  ];
}

async function found(run: BenchRun, task: 'ourLoops' | 'dbosSchedules', options: TickingOptions & { adminUrl: string }): Promise<Found> {
  const transactions = async () => {
    const sql = 'select (xact_commit + xact_rollback)::float8 as count from pg_stat_database where datname = current_database()';
    return ((await query(options.adminUrl, sql)) as { count: number }).count;
  };
  let [count, at] = [0, 0];
  let perSecond = NaN;
  const [ticked] = await inProcesses(task, [options], {
    begin: async () => {
      [count, at] = [await transactions(), performance.now()];
    },
    end: async () => {
      perSecond = ((await transactions()) - count) / ((performance.now() - at) / 1_000);
    },
  });
  if (ticked === undefined) throw new Error('one process has one answer');
  run.log(
    `  ${task.padEnd(13)} ${perSecond.toFixed(1)} transactions/s, ${(ticked.rssBytes / 1e6).toFixed(0)} MB, ` +
      `${String(ticked.turns)} turns, ${String(ticked.missed)} missed`,
  );
  return { ...ticked, transactionsPerSecond: perSecond };
}
