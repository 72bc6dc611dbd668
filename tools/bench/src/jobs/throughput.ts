/** Jobs a second, what one costs, and how soon it begins: ours beside the peers. */
import { migrations } from '@fairlead/job-orchestrator/engine';
import { compare, type Goal, type Row } from '../figures.js';
import { query } from '../log/appends.js';
import { cpuUs, cpuUsWithChildren } from '../log/cpu.js';
import { clusterOf, startBus, type Access, type Cluster } from '../log/servers.js';
import type { BenchRun } from '../run.js';
import { engineNames, type EngineName } from './engines/engine.js';
import { ledgerTable, type Effect } from './ledger.js';
import { inProcesses } from './processes.js';
import type { Ran } from './running.js';

export const peerNames: Readonly<Record<Exclude<EngineName, 'ours'>, string>> = {
  dbos: 'DBOS 5.3.0',
  'pg-boss': 'pg-boss 12.35.0',
  'graphile-worker': 'graphile-worker 0.18.0',
};

/** What a turn of one engine finds. */
interface Found {
  perSecond: number;
  /** Of the processes that start and run jobs, of the relay and of the servers. */
  cpuMs: number;
  walBytes: number;
  p50Ms: number;
  p99Ms: number;
}

interface Setting {
  concurrency: number;
  effect: Effect;
  engines: readonly EngineName[];
}

const settings: readonly Setting[] = [
  { concurrency: 1, effect: 'count', engines: ['ours', 'dbos', 'pg-boss'] },
  { concurrency: 64, effect: 'count', engines: engineNames },
  { concurrency: 64, effect: 'row', engines: engineNames },
];

/** A database for each engine, with the ledger in it, and a NATS server for ours. */
interface Arena {
  access: Readonly<Record<EngineName, Access>>;
  natsUrl: string;
  /** Microseconds that the servers have used. */
  serversUs: () => number;
  wal: () => Promise<number>;
}

/** The part `throughput`. */
export async function measureThroughput(run: BenchRun): Promise<Row[]> {
  const arena = await openArena(run);
  const rows: Row[] = [];
  for (const setting of settings) {
    const found: Record<EngineName, Found[]> = { ours: [], dbos: [], 'pg-boss': [], 'graphile-worker': [] };
    for (let round = 0; round < (run.quick ? 1 : 3); round += 1) {
      for (let turn = 0; turn < setting.engines.length; turn += 1) {
        const engine = setting.engines[(round + turn) % setting.engines.length] ?? 'ours';
        const one = await measured(run, arena, engine, setting, round);
        found[engine].push(one);
        run.log(`  ${describe(setting)}: ${engine.padEnd(15)} ${tell(one)}`);
      }
    }
    rows.push(...rowsOf(setting, found));
  }
  return rows;
}

async function measured(run: BenchRun, arena: Arena, engine: EngineName, setting: Setting, round: number): Promise<Found> {
  const { access, natsUrl, serversUs, wal } = arena;
  const { url, adminUrl } = access[engine];
  const label = `${setting.effect}${String(setting.concurrency)}r${String(round)}`;
  const timing = run.quick ? { ms: 500, warmUpMs: 300 } : { ms: 6_000, warmUpMs: 4_000 };
  const { concurrency, effect } = setting;
  const told = { engine, url, adminUrl, label, concurrency, effect, ...timing, ...(engine === 'ours' ? { natsUrl } : {}) };
  const used = { us: 0, wal: 0 };
  const usedBy = async (pids: readonly number[], sign: 1 | -1) => {
    used.us += sign * (serversUs() + pids.reduce((sum, pid) => sum + cpuUs(pid), 0));
    used.wal += sign * (await wal());
  };
  const [ran] = await inProcesses<'run' | 'relay'>(
    engine === 'ours' ? ['run', 'relay'] : ['run'],
    engine === 'ours' ? [told, { url, natsUrl }] : [told],
    { begin: (pids) => usedBy(pids, -1), end: (pids) => usedBy(pids, 1) },
  );
  const { jobs, elapsedMs, firstStepP50Ms, firstStepP99Ms } = ran as Ran;
  return {
    perSecond: (jobs / elapsedMs) * 1_000,
    cpuMs: used.us / 1_000 / jobs,
    walBytes: used.wal / jobs,
    p50Ms: firstStepP50Ms,
    p99Ms: firstStepP99Ms,
  };
}

async function openArena(run: BenchRun): Promise<Arena> {
  const cluster = await clusterOf(run);
  const nats = await startBus(run, 'jobs-nats');
  const access = {
    ours: await openOurTables(cluster, 'jobs_ours'),
    dbos: await cluster.empty('jobs_dbos'),
    'pg-boss': await cluster.empty('jobs_pg_boss'),
    'graphile-worker': await cluster.empty('jobs_graphile_worker'),
  };
  for (const { adminUrl } of Object.values(access)) await query(adminUrl, ledgerTable);
  return {
    access,
    natsUrl: nats.url,
    serversUs: () => cpuUsWithChildren(cluster.pid) + cpuUs(nats.pid),
    wal: async () => {
      const row = (await query(access.ours.adminUrl, `select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 as bytes`)) as {
        bytes: number;
      };
      return row.bytes;
    },
  };
}

/** A new database with the event log and the tables of jobs. */
export function openOurTables(cluster: Cluster, name: string): Promise<Access> {
  return cluster.eventLog(name, { service: 'job-orchestrator', migrations });
}

function rowsOf(setting: Setting, found: Record<EngineName, Found[]>): Row[] {
  const where = describe(setting);
  const peers = setting.engines.filter((name) => name !== 'ours');
  const row = (what: string, unit: string, pick: (one: Found) => number, peer: Exclude<EngineName, 'ours'>, goal?: Goal) =>
    compare({
      metric: `${what}, ${where}`,
      unit,
      ours: found.ours.map(pick),
      peer: found[peer].map(pick),
      peerName: peerNames[peer],
      goal,
    });
  const many = setting.concurrency > 1;
  const rate = (one: Found) => one.perSecond;
  const goals: Partial<Record<EngineName, Goal>> = many ? { dbos: { atLeast: 3 }, 'pg-boss': { atLeast: 1 } } : {};
  return [
    ...peers.map((peer) => row('jobs', '/s', rate, peer, goals[peer])),
    ...(many && setting.effect === 'count' ? [row('jobs (the aim)', '/s', rate, 'dbos', { atLeast: 10 })] : []),
    ...peers.map((peer) => row('CPU a job', 'ms', (one) => one.cpuMs, peer, many && peer === 'dbos' ? { atMost: 0.333 } : undefined)),
    ...peers.map((peer) =>
      row('start to first step, p50', 'ms', (one) => one.p50Ms, peer, peer === 'dbos' ? { atMost: many ? 0.5 : 1 } : undefined),
    ),
    row('start to first step, p99', 'ms', (one) => one.p99Ms, 'dbos'),
    ...peers.map((peer) => row('WAL a job', 'B', (one) => one.walBytes, peer)),
  ];
}

function describe({ concurrency, effect }: Setting): string {
  return `${String(concurrency)} at once${effect === 'row' ? ', each step writes a row' : ''}`;
}

function tell(one: Found): string {
  const first = `${one.p50Ms.toFixed(1)}/${one.p99Ms.toFixed(1)} ms`;
  return `${one.perSecond.toFixed(0).padStart(5)} /s  ${one.cpuMs.toFixed(2)} ms CPU  ${one.walBytes.toFixed(0)} B WAL  first step ${first}`;
}
