/** From the commit to a consumer in another process: woken by the poke to read Postgres, given it by the stream, and polling. */
import { compare, percentile, type Row } from '../figures.js';
import type { BenchRun } from '../run.js';
import { inProcesses } from './processes.js';
import { clusterOf, startBus } from './servers.js';
import { pollMs, type PaceOptions, type RelayOptions, type Times, type WatchOptions } from './watching.js';

const ways = {
  poke: 'commit to a reader of Postgres, poked',
  stream: 'commit to a follower of the stream',
  polling: `polling every ${String(pollMs)} ms`,
} as const;
type Way = keyof typeof ways;
const names = ['poke', 'stream', 'polling'] as const;

/** The part `latency`. */
export async function measureLatency(run: BenchRun): Promise<Row[]> {
  const cluster = await clusterOf(run);
  // The stream has a server of its own, so that readers of Postgres find none.
  const streamed = { ...(await cluster.eventLog('latency_stream')), natsUrl: (await startBus(run, 'stream-nats')).url };
  const plain = { ...(await cluster.eventLog('latency')), natsUrl: (await startBus(run, 'latency-nats')).url };
  const rows: Row[] = [];
  for (const perSecond of [50, 1_000]) {
    const found: Record<Way, Times[]> = { poke: [], stream: [], polling: [] };
    for (let round = 0; round < (run.quick ? 1 : 4); round += 1) {
      for (let turn = 0; turn < names.length; turn += 1) {
        const way = names[(round + turn) % names.length] ?? 'poke';
        const label = `${way}${String(perSecond)}r${String(round)}`;
        const latencies = await delaysOf(way, way === 'stream' ? streamed : plain, { perSecond, seconds: run.quick ? 1 : 4, label });
        found[way].push(latencies);
        const [p50, p99] = [percentile(latencies, 0.5), percentile(latencies, 0.99)];
        run.log(`  ${String(perSecond)}/s ${way.padEnd(8)} p50/p99 ${p50.toFixed(2)}/${p99.toFixed(2)} ms`);
      }
    }
    for (const way of ['poke', 'stream'] as const) {
      for (const [name, share] of [
        ['p50', 0.5],
        ['p99', 0.99],
      ] as const) {
        const of = (one: Way) => found[one].map((latencies) => percentile(latencies, share));
        const metric = `${ways[way]}, at ${String(perSecond)}/s, ${name}`;
        const goal = { atMost: 0.3 };
        rows.push(compare({ metric, unit: 'ms', ours: of(way), peer: of('polling'), peerName: ways.polling, goal }));
      }
    }
  }
  return rows;
}

/** Of each event, in milliseconds. */
async function delaysOf(
  way: Way,
  { url, natsUrl }: RelayOptions,
  pace: Pick<PaceOptions, 'perSecond' | 'seconds' | 'label'>,
): Promise<Times> {
  const watch: WatchOptions = {
    url,
    count: pace.perSecond * pace.seconds,
    ...(way === 'polling' ? {} : { natsUrl, streaming: way === 'stream' }),
  };
  const relay = way === 'stream' ? ([{ url, natsUrl }] as const) : [];
  const [committed, seen] = await inProcesses<'pace' | 'watch' | 'relay'>(
    ['pace', 'watch', 'relay'],
    [{ url, natsUrl, ...pace }, watch, ...relay],
  );
  return delays(committed ?? [], seen ?? []);
}

/** A commit is known to its caller only after it happened, so a consumer may see it sooner: that counts as no delay. */
export function delays(committed: Times, seen: Times): number[] {
  if (committed.length !== seen.length) throw new Error(`${String(committed.length)} events were committed, ${String(seen.length)} seen`);
  // One appender appends in the order of asking, so the nth that was committed is the nth that was seen.
  return committed.map((time, n) => Math.max(0.001, (seen[n] ?? NaN) - time));
}
