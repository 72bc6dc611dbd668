/** One event to a thousand readers with filters: SSE clients of a real gateway, beside core-NATS subscribers. */
import type { Stack } from '@fairlead/dev-env';
import { compare, percentile, type Row } from '../figures.js';
import type { BenchRun } from '../run.js';
import { wantedTenant, type AnnounceOptions } from './announcing.js';
import { cpuUs, cpuUsWithChildren } from './cpu.js';
import { busOf, changesFrom, databaseOf, startGateway } from './gateway.js';
import { delays } from './latency.js';
import { inProcesses } from './processes.js';
import type { ReadOptions } from './reading.js';
import { clusterOf, startBus } from './servers.js';

const perSecond = 10;
const subject = 'bench.fanout.tenant';

/** What one round finds: the delays until all had an event, and what a delivery cost the servers. */
interface Found {
  p50Ms: number;
  p99Ms: number;
  /** Of who delivers: the gateway and NATS, or NATS alone. */
  deliveringUs: number;
  /** With PostgreSQL and, of ours, `audit`, which has the relay in it and projections of its own. */
  serversUs: number;
}

/** One way to the readers. */
interface Way {
  announce: Pick<AnnounceOptions, 'url' | 'bus' | 'publish'>;
  from: ReadOptions['from'];
  deliveringUs: () => number;
  otherUs: () => number;
}

/** The part `fanout`. */
export async function measureFanout(run: BenchRun): Promise<Row[]> {
  const readers = run.quick ? 100 : 1_000;
  const events = run.quick ? 10 : 100;
  const stack = await startGateway(run);
  const ours = await changeStream(stack);
  const ways = { ours, core: await coreNats(run, await oneChange(ours)) };
  const found: Record<keyof typeof ways, Found[]> = { ours: [], core: [] };
  for (let round = 0; round < (run.quick ? 1 : 4); round += 1) {
    for (const who of round % 2 === 0 ? (['ours', 'core'] as const) : (['core', 'ours'] as const)) {
      const one = await measured(ways[who], readers, events);
      found[who].push(one);
      run.log(
        `  ${who.padEnd(5)} all have it after p50/p99 ${one.p50Ms.toFixed(1)}/${one.p99Ms.toFixed(1)} ms, ` +
          `CPU a delivery ${one.deliveringUs.toFixed(1)} µs, of all servers ${one.serversUs.toFixed(1)} µs`,
      );
    }
  }
  const peerName = `${String(readers)} core-NATS subscribers`;
  const row = (metric: string, unit: string, pick: (one: Found) => number) =>
    compare({ metric, unit, ours: found.ours.map(pick), peer: found.core.map(pick), peerName });
  return [
    row(`commit to all of ${String(readers)} readers, p50`, 'ms', (one) => one.p50Ms),
    row(`commit to all of ${String(readers)} readers, p99`, 'ms', (one) => one.p99Ms),
    row('CPU a delivery, gateway and NATS', 'µs', (one) => one.deliveringUs),
    row('CPU a delivery, all servers', 'µs', (one) => one.serversUs),
  ];
}

async function measured({ announce, from, deliveringUs, otherUs }: Way, readers: number, events: number): Promise<Found> {
  const before = { delivering: 0, other: 0 };
  const [committed, had] = await inProcesses<'announce' | 'read'>(
    ['announce', 'read'],
    [
      { ...announce, events, perSecond },
      { from, readers, events },
    ],
    {
      begin: () => {
        [before.delivering, before.other] = [deliveringUs(), otherUs()];
      },
    },
  );
  const [delivering, other] = [deliveringUs() - before.delivering, otherUs() - before.other];
  const times = delays(committed ?? [], had ?? []);
  const deliveries = readers * events;
  return {
    p50Ms: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
    deliveringUs: delivering / deliveries,
    serversUs: (delivering + other) / deliveries,
  };
}

/** Append, relay, stream, the gateway's one consumer, and each reader's filter and connection. */
async function changeStream(stack: Stack): Promise<Way> {
  const pid = (name: string) => stack.pids()[name] ?? NaN;
  return {
    announce: { url: databaseOf(stack, 'placement'), bus: busOf(stack) },
    from: await changesFrom(stack, `types=tenant.*&tenant=${wantedTenant}`),
    deliveringUs: () => cpuUs(pid('api-gateway')) + cpuUs(pid('nats')),
    otherUs: () => cpuUs(pid('audit')) + cpuUsWithChildren(pid('postgres')),
  };
}

/** Nothing is kept, and nothing can be resumed: the appender publishes after each commit what readers of ours get. */
async function coreNats(run: BenchRun, data: string): Promise<Way> {
  const nats = await startBus(run, 'fanout-nats');
  const cluster = await clusterOf(run);
  const { url } = await cluster.eventLog('fanout');
  const bus = { url: nats.url, namespace: 'bench' };
  return {
    announce: { url, bus, publish: { subject, data } },
    from: { bus, subject: `${subject}.${wantedTenant}` },
    deliveringUs: () => cpuUs(nats.pid),
    otherUs: () => cpuUsWithChildren(cluster.pid),
  };
}

/** What a reader of ours gets of one event. */
async function oneChange({ announce, from }: Way): Promise<string> {
  await inProcesses('announce', [{ ...announce, events: 1, perSecond: 100 }]);
  if (!('changes' in from)) throw new Error('the change stream has an address');
  const headers = { authorization: `Bearer ${from.token}` };
  const response = await fetch(`${from.changes}&cursor=0&wait_seconds=10&limit=1`, { headers });
  const { items } = (await response.json()) as { items?: object[] };
  if (items?.[0] === undefined) throw new Error(`the change stream was answered with ${String(response.status)} and no change`);
  return JSON.stringify(items[0]);
}
