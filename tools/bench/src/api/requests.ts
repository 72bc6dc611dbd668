/** Requests a second, how long they take and what they cost: the gateway beside a bare Fastify app. */
import { compare, type Goal, type Row } from '../figures.js';
import { cpuUs, cpuUsWithChildren } from '../log/cpu.js';
import type { BenchRun } from '../run.js';
import { inProcesses } from './processes.js';
import { openStage, type Stage } from './stage.js';

const connections = 32;
const names = ['ours', 'bare'] as const;
type Name = (typeof names)[number];

/** What a turn of one server finds. */
interface Found {
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** Of the server's own process. */
  ownMs: number;
  /** With PostgreSQL, and of ours with the service that is asked. */
  serversMs: number;
}

/** The part `requests`. */
export async function measureRequests(run: BenchRun): Promise<Row[]> {
  const stage = await openStage(run);
  const rows: Row[] = [];
  for (const route of stage.routes) {
    const found: Record<Name, Found[]> = { ours: [], bare: [] };
    for (let round = 0; round < (run.quick ? 1 : 9); round += 1) {
      for (const who of round % 2 === 0 ? names : names.toReversed()) {
        const one = await measured(run, stage, who, route);
        found[who].push(one);
        run.log(`  ${route.name.padEnd(22)} ${who.padEnd(4)} ${tell(one)}`);
      }
    }
    rows.push(...rowsOf(route, found));
  }
  return rows;
}

async function measured(run: BenchRun, stage: Stage, who: Name, { path, expected, asks }: Stage['routes'][number]): Promise<Found> {
  const { url, pid } = stage[who];
  const timing = run.quick ? { warmUpMs: 400, ms: 400 } : { warmUpMs: 1_000, ms: 1_500 };
  const used = { own: 0, others: 0 };
  const count = (sign: 1 | -1) => {
    used.own += sign * cpuUs(pid());
    used.others += sign * cpuUsWithChildren(stage.pidOf('postgres'));
    if (who === 'ours' && asks !== undefined) used.others += sign * cpuUs(stage.pidOf(asks));
  };
  const [loaded] = await inProcesses('load', [{ url, path, expected, token: stage.token, connections, ...timing }], {
    begin: () => {
      count(-1);
    },
    end: () => {
      count(1);
    },
  });
  if (loaded === undefined) throw new Error('the load has no figures');
  const { requests, elapsedMs, p50Ms, p99Ms } = loaded;
  const each = (us: number) => us / 1_000 / requests;
  return { perSecond: (requests / elapsedMs) * 1_000, p50Ms, p99Ms, ownMs: each(used.own), serversMs: each(used.own + used.others) };
}

function rowsOf({ name, asks }: Stage['routes'][number], found: Record<Name, Found[]>): Row[] {
  const own = asks === undefined;
  const row = (what: string, unit: string, pick: (one: Found) => number, goal?: Goal) =>
    compare({
      ...{ metric: `${what}, ${name}`, unit, goal: own ? goal : undefined },
      ...{ ours: found.ours.map(pick), peer: found.bare.map(pick) },
      peerName: own ? 'bare Fastify' : 'bare Fastify, from memory',
    });
  return [
    row('requests', '/s', (one) => one.perSecond, { atLeast: 0.6 }),
    row('p50', 'ms', (one) => one.p50Ms),
    row('p99', 'ms', (one) => one.p99Ms, { atMost: 2 }),
    row('CPU a request, the server alone', 'ms', (one) => one.ownMs),
    row(`CPU a request, with PostgreSQL${own ? '' : ` and ${asks}`}`, 'ms', (one) => one.serversMs),
  ];
}

function tell({ perSecond, p50Ms, p99Ms, ownMs, serversMs }: Found): string {
  const times = `p50/p99 ${p50Ms.toFixed(1)}/${p99Ms.toFixed(1)} ms`;
  return `${perSecond.toFixed(0).padStart(6)} /s  ${times}  CPU a request ${ownMs.toFixed(3)} ms, of all servers ${serversMs.toFixed(3)} ms`;
}
