/** The part `collector`: the CPU of a cycle over a fleet, beside vmagent's. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { migrations } from '@fairlead/fleet-observer';
import { findVictoriaMetrics } from '@fairlead/local-servers';
import { compare, median, type Row } from '../figures.js';
import { cpuUsWithChildren } from '../log/cpu.js';
import { clusterOf } from '../log/servers.js';
import type { BenchRun } from '../run.js';
import type { CollectOptions } from './ours.js';
import { inProcesses } from './processes.js';
import type { Asked, FromTargets } from './targets.js';
import { runVmagent } from './vmagent.js';

const size = 2_000;
const cycleMs = 10_000;
const mostCpuSeconds = 5;

/** A fiftieth more or less: a window begins and ends in the middle of things. */
const slack = 0.02;

export async function measureCollector(run: BenchRun): Promise<Row[]> {
  const cluster = await clusterOf(run);
  const { url: databaseUrl } = await cluster.eventLog('fleet', { service: 'fleet-observer', migrations });
  const targets = await startTargets(run);
  const options: CollectOptions = {
    urls: targets.urls,
    intervalMs: cycleMs,
    metricsIntervalMs: 30_000,
    windowMs: run.quick ? 30_000 : 60_000,
  };
  const cycles = options.windowMs / cycleMs;
  const found = findVictoriaMetrics({ log: run.log });
  if ('missing' in found) run.log(`  ${found.missing}`);
  const peerName = 'missing' in found ? "a loop of Node's fetch" : 'vmagent';

  const cpu = { ours: [] as number[], peer: [] as number[], postgres: [] as number[] };
  const begin = async () => {
    await targets.asked();
  };
  const checked = {
    begin,
    end: async () => {
      assertAsked(await targets.asked(), options);
    },
  };
  const turns = {
    ours: async () => {
      let postgresUs = 0;
      const begin = async () => {
        await checked.begin();
        postgresUs = cpuUsWithChildren(cluster.pid);
      };
      const end = async () => {
        cpu.postgres.push((cpuUsWithChildren(cluster.pid) - postgresUs) / 1e6 / cycles);
        await checked.end();
      };
      const [collected] = await inProcesses('ours', [{ ...options, databaseUrl }], { begin, end });
      cpu.ours.push((collected?.cpuSeconds ?? NaN) / cycles);
    },
    peer: async () => {
      if ('missing' in found) {
        const [collected] = await inProcesses('fetchLoop', [options], checked);
        cpu.peer.push((collected?.cpuSeconds ?? NaN) / cycles);
      } else {
        const used = await runVmagent(run, { program: found.agent, receiver: targets.receiver, options, ...checked });
        cpu.peer.push(used / cycles);
      }
    },
  };
  for (let round = 0; round < (run.quick ? 1 : 3); round++) {
    for (const who of round % 2 === 0 ? (['ours', 'peer'] as const) : (['peer', 'ours'] as const)) await turns[who]();
    const told = (figures: readonly number[]) => `${(figures.at(-1) ?? NaN).toFixed(2)} s`;
    run.log(`  CPU of a cycle: ours ${told(cpu.ours)} (PostgreSQL ${told(cpu.postgres)}), ${peerName} ${told(cpu.peer)}`);
  }
  const what = `${size.toLocaleString('en')} endpoints, CPU of a cycle of ${String(cycleMs / 1_000)} s`;
  return [
    {
      ...compare({ metric: what, unit: 's', ours: cpu.ours, peer: cpu.peer, peerName }),
      goal: `ours <= ${String(mostCpuSeconds)} s`,
      met: median(cpu.ours) <= mostCpuSeconds,
    },
    compare({
      metric: `${what}, with PostgreSQL's`,
      unit: 's',
      ours: cpu.ours.map((own, round) => own + (cpu.postgres[round] ?? NaN)),
      peer: cpu.peer,
      peerName,
    }),
  ];
}

/** In each interval each endpoint was asked once, for each path. */
function assertAsked(asked: Asked, { urls, intervalMs, metricsIntervalMs, windowMs }: CollectOptions): void {
  const expected: Asked = {
    health: (urls.length * windowMs) / intervalMs,
    ready: (urls.length * windowMs) / intervalMs,
    metrics: (urls.length * windowMs) / metricsIntervalMs,
  };
  for (const path of ['health', 'ready', 'metrics'] as const) {
    if (Math.abs(asked[path] - expected[path]) > expected[path] * slack)
      throw new Error(`${path} was asked ${String(asked[path])} times, not ${String(expected[path])}`);
  }
}

interface Targets {
  readonly urls: readonly string[];
  /** A URL that takes everything. */
  readonly receiver: string;
  /** What was asked since the last call. */
  asked(): Promise<Asked>;
}

async function startTargets(run: BenchRun): Promise<Targets> {
  const children = await Promise.all([0, 1].map(() => startChild(run)));
  const perChild = size / children.length;
  const urls = children.flatMap(({ port }, child) =>
    Array.from(
      { length: perChild },
      (_, n) => `http://127.${String(child + 1)}.${String(Math.floor(n / 250))}.${String((n % 250) + 1)}:${String(port)}`,
    ),
  );
  return {
    urls,
    receiver: `http://127.0.0.1:${String(children[0]?.port)}`,
    asked: async () => {
      const all = await Promise.all(children.map(({ child }) => askedOf(child)));
      const sum = (path: keyof Asked) => all.reduce((total, one) => total + one[path], 0);
      return { health: sum('health'), ready: sum('ready'), metrics: sum('metrics') };
    },
  };
}

async function startChild(run: BenchRun): Promise<{ child: ChildProcess; port: number }> {
  const child = fork(fileURLToPath(new URL('./targets.js', import.meta.url)), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  run.defer(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  const message = await answerOf(child);
  if (!('port' in message)) throw new Error('the endpoints do not say where they are');
  return { child, port: message.port };
}

async function askedOf(child: ChildProcess): Promise<Asked> {
  const answered = answerOf(child);
  child.send('asked');
  const message = await answered;
  if (!('asked' in message)) throw new Error('the endpoints do not say what they were asked');
  return message.asked;
}

async function answerOf(child: ChildProcess): Promise<FromTargets> {
  const [message] = (await once(child, 'message')) as [FromTargets];
  return message;
}
