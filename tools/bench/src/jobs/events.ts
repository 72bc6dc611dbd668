/** From the commit of a step until who watches is told: our change stream, and DBOS's streams. */
import type { Stack } from '@fairlead/dev-env';
import { compare, percentile, type Goal, type Row } from '../figures.js';
import { busOf, changesFrom, databaseOf, startGateway } from '../log/gateway.js';
import { clusterOf } from '../log/servers.js';
import type { BenchRun } from '../run.js';
import { steps } from './ledger.js';
import { inProcesses } from './processes.js';
import type { Moments } from './telling.js';

const ways = ['ours', 'client', 'launched'] as const;
type Way = (typeof ways)[number];
const peerNames = { client: "DBOS 5.3.0, its client's stream", launched: 'DBOS 5.3.0, a stream in its own process' } as const;

/** The part `events`. */
export async function measureEvents(run: BenchRun): Promise<Row[]> {
  const stack = await startGateway(run);
  const cluster = await clusterOf(run);
  const { url } = await cluster.empty('events_dbos');
  const found: Record<Way, number[][]> = { ours: [], client: [], launched: [] };
  for (let round = 0; round < (run.quick ? 1 : 3); round += 1) {
    for (let turn = 0; turn < ways.length; turn += 1) {
      const way = ways[(round + turn) % ways.length] ?? 'ours';
      const callers = run.quick ? 4 : 10;
      const each = run.quick ? 1 : 6;
      const jobs = Array.from({ length: callers }, (_, caller) =>
        Array.from({ length: each }, (_, n) => `${way}-${String(round)}-${String(caller)}-${String(n)}`),
      );
      const delays = way === 'ours' ? await changeStream(stack, jobs) : await streams(url, jobs, way === 'launched');
      if (delays.length !== callers * each * steps) throw new Error(`${way}: ${String(delays.length)} events were seen`);
      found[way].push(delays);
      run.log(`  ${way.padEnd(8)} p50/p99 ${percentile(delays, 0.5).toFixed(1)}/${percentile(delays, 0.99).toFixed(1)} ms`);
    }
  }
  const row = (name: string, share: number, peer: 'client' | 'launched', goal?: Goal) => {
    const of = (way: Way) => found[way].map((delays) => percentile(delays, share));
    return compare({
      metric: `step committed to event read, ${name}`,
      unit: 'ms',
      ours: of('ours'),
      peer: of(peer),
      peerName: peerNames[peer],
      goal,
    });
  };
  return [
    row('p50', 0.5, 'client', { atMost: 0.05 }),
    row('p99', 0.99, 'client'),
    row('p50', 0.5, 'launched'),
    row('p99', 0.99, 'launched'),
  ];
}

/** As browsers have it: the engine's commit, the relay, the stream, the gateway, a connection. */
async function changeStream(stack: Stack, jobs: string[][]): Promise<number[]> {
  const from = await changesFrom(stack, 'types=job.step_succeeded');
  const ours = { url: databaseOf(stack, 'job-orchestrator'), bus: busOf(stack) };
  const [committed, seen] = (await inProcesses<'paced' | 'changes'>(
    ['paced', 'changes'],
    [
      { ours, jobs, stepMs },
      { ...from, count: jobs.flat().length * steps },
    ],
  )) as Moments<number>[];
  // The log's positions are given in the order of commits: an event was committed by the first commit known that reaches its position.
  return (seen ?? []).map(([position, at]) => positive(at - (committed?.find(([last]) => last >= position)?.[1] ?? NaN)));
}

async function streams(url: string, jobs: string[][], launched: boolean): Promise<number[]> {
  const [committed, seen] = (await inProcesses<'paced' | 'streams'>(
    ['paced', 'streams'],
    [
      { dbos: { url }, jobs, stepMs },
      { url, jobs, launched },
    ],
  )) as Moments<string>[];
  const at = new Map(committed);
  return (seen ?? []).map(([key, time]) => positive(time - (at.get(key) ?? NaN)));
}

const stepMs = 100;

/** A commit is known to its caller only after it happened, so a reader may know sooner: that counts as no delay. */
function positive(delay: number): number {
  if (Number.isNaN(delay)) throw new Error('an event was seen that nobody committed');
  return Math.max(0.001, delay);
}
