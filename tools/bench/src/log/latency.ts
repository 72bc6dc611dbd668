/** From the commit to a consumer in another process: one that the poke wakes, which then reads, and one that polls. */
import { compare, percentile, type Row } from '../figures.js';
import type { BenchRun } from '../run.js';
import { inProcesses } from './processes.js';
import { clusterOf, startBus } from './servers.js';
import { pollMs, type Times } from './watching.js';

/** The part `latency`. */
export async function measureLatency(run: BenchRun): Promise<Row[]> {
  const cluster = await clusterOf(run);
  const nats = await startBus(run, 'latency-nats');
  const { url } = await cluster.eventLog('latency');
  const rows: Row[] = [];
  for (const perSecond of [50, 1_000]) {
    const found = { ours: { p50: [] as number[], p99: [] as number[] }, polling: { p50: [] as number[], p99: [] as number[] } };
    for (let round = 0; round < (run.quick ? 1 : 4); round += 1) {
      for (const way of round % 2 === 0 ? (['ours', 'polling'] as const) : (['polling', 'ours'] as const)) {
        const seconds = run.quick ? 1 : 4;
        const pace = { url, natsUrl: nats.url, perSecond, seconds, label: `${way}${String(perSecond)}r${String(round)}` };
        const watch = { url, natsUrl: way === 'ours' ? nats.url : undefined, count: perSecond * seconds };
        const [committed, seen] = await inProcesses<'pace' | 'watch'>(['pace', 'watch'], [pace, watch]);
        const latencies = delays(committed ?? [], seen ?? []);
        found[way].p50.push(percentile(latencies, 0.5));
        found[way].p99.push(percentile(latencies, 0.99));
        run.log(
          `  ${String(perSecond)}/s ${way.padEnd(8)} p50/p99 ${percentile(latencies, 0.5).toFixed(2)}/${percentile(latencies, 0.99).toFixed(2)} ms`,
        );
      }
    }
    for (const share of ['p50', 'p99'] as const) {
      const given = { ours: found.ours[share], peer: found.polling[share], peerName: `polling every ${String(pollMs)} ms` };
      const goal = share === 'p50' ? { atMost: 0.3 } : undefined;
      rows.push(compare({ metric: `commit to consumer at ${String(perSecond)}/s, ${share}`, unit: 'ms', ...given, goal }));
    }
  }
  return rows;
}

/** A commit is known to its caller only after it happened, so a consumer may see it sooner: that counts as no delay. */
export function delays(committed: Times, seen: Times): number[] {
  if (committed.length !== seen.length) throw new Error(`${String(committed.length)} events were committed, ${String(seen.length)} seen`);
  // One appender appends in the order of asking, so the nth that was committed is the nth that was seen.
  return committed.map((time, n) => Math.max(0.001, (seen[n] ?? NaN) - time));
}
