/** Moves to a thousand readers, and what they cost when nothing moves. */
import type { RunningNats } from '@fairlead/local-servers';
import { compare, percentile, type Row } from '../figures.js';
import { cpuUs } from '../log/cpu.js';
import { startBus } from '../log/servers.js';
import type { BenchRun } from '../run.js';
import { inProcesses } from './processes.js';
import type { Shown } from './tasks.js';
import { announce, fill, sides, type Side } from './world.js';

const tenants = 20;
const quietMs = 15_000;

type Found = Readonly<Record<'p50Ms' | 'p99Ms' | 'cpuUs' | 'bytes', number>>;

/** The part `moves`. */
export async function measureMoves(run: BenchRun): Promise<Row[]> {
  const readers = run.quick ? 100 : 1_000;
  const moves = run.quick ? 10 : 30;
  const found: Record<Side, Found[]> = { ours: [], peer: [] };
  for (let round = 0; round < (run.quick ? 1 : 4); round += 1) {
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
      const nats = await startServer(run, `moves-${String(round)}`, side);
      const { url, pid } = nats;
      const common = { side, url, tenants, after: 0, moves };
      let spentUs = 0;
      const [shown, begun] = await inProcesses<'read' | 'move'>(['read', 'move'], [{ ...common, readers, quietMs: 0 }, common], {
        begin: () => void (spentUs = -cpuUs(pid)),
        end: () => void (spentUs += cpuUs(pid)),
      });
      await nats.stop();
      const { times, bytes } = shown as Shown;
      const delays = times.flatMap((seen, move) => seen.map((at) => at - ((begun as number[])[move] ?? NaN)));
      const deliveries = readers * moves;
      if (delays.length !== deliveries) throw new Error(`${String(delays.length)} deliveries, not ${String(deliveries)}`);
      const one = {
        p50Ms: percentile(delays, 0.5),
        p99Ms: percentile(delays, 0.99),
        cpuUs: spentUs / deliveries,
        bytes: bytes / deliveries,
      };
      found[side].push(one);
      run.log(
        `  ${side.padEnd(5)} p50/p99 ${one.p50Ms.toFixed(1)}/${one.p99Ms.toFixed(1)} ms, CPU a delivery ${one.cpuUs.toFixed(1)} µs, ${one.bytes.toFixed(0)} bytes`,
      );
    }
  }
  const peerName = `${String(readers)} × kv.watch()`;
  const row = (metric: string, unit: string, pick: (one: Found) => number, atMost?: number) =>
    compare({
      metric: `a move to ${String(readers)} readers, ${metric}`,
      unit,
      ours: found.ours.map(pick),
      peer: found.peer.map(pick),
      peerName,
      goal: atMost === undefined ? undefined : { atMost },
    });
  return [
    row('p50', 'ms', (one) => one.p50Ms),
    row('p99', 'ms', (one) => one.p99Ms, 0.6),
    row('CPU of NATS a delivery', 'µs', (one) => one.cpuUs, 0.25),
    row('received by each', 'bytes', (one) => one.bytes),
  ];
}

/** The part `quiet`. */
export async function measureQuiet(run: BenchRun): Promise<Row[]> {
  const readers = run.quick ? 100 : 1_000;
  const found: Record<Side, number[]> = { ours: [], peer: [] };
  for (let round = 0; round < (run.quick ? 1 : 3); round += 1) {
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
      const nats = await startServer(run, `quiet-${String(round)}`, side);
      const { url, pid } = nats;
      const stopTelling = side === 'ours' ? await announce(url, tenants) : undefined;
      let spentUs = 0;
      await inProcesses('read', [{ side, url, tenants, after: 0, moves: 0, readers, quietMs }], {
        begin: () => void (spentUs = -cpuUs(pid)),
        end: () => void (spentUs += cpuUs(pid)),
      });
      await stopTelling?.();
      await nats.stop();
      found[side].push(spentUs / readers / (quietMs / 1_000));
      run.log(`  ${side.padEnd(5)} CPU of a quiet second and reader ${(found[side].at(-1) ?? NaN).toFixed(1)} µs`);
    }
  }
  const metric = `a quiet second of each of ${String(readers)} readers, CPU of NATS`;
  return [compare({ metric, unit: 'µs', ours: found.ours, peer: found.peer, peerName: 'kv.watch()' })];
}

/** A server with the seats of one turn: consumers of the turn before linger for minutes. */
async function startServer(run: BenchRun, turn: string, side: Side): Promise<RunningNats> {
  const nats = await startBus(run, `${turn}-${side}`);
  await fill(side, nats.url, tenants);
  return nats;
}
