/** One event to a thousand readers with filters: followers of our log in one process, beside core-NATS subscribers in one. */
import { readFileSync } from 'node:fs';
import { followLog, startRelay, type StoredEvent } from '@fairlead/event-log';
import { createLogger } from '@fairlead/telemetry';
import { compare, median, type Row } from '../figures.js';
import type { BenchRun } from '../run.js';
import { clusterOf, startBus } from './servers.js';
import { openMessaging, openOurDatabase, openStore } from './stores.js';

const readers = 1_000;
const subject = 'fanout.tenant.changed';
const logger = createLogger({ service: 'bench', level: 'silent' });

/** What one round finds: until all had an event, and what a delivery cost this process and the NATS server. */
interface Found {
  allHaveItMs: number;
  cpuUs: number;
}

/** Readers that count: `next` resolves when each has had one event more. */
function counting() {
  let missing = 0;
  let done = (): void => undefined;
  return {
    next: () =>
      new Promise<void>((resolve) => {
        missing = readers;
        done = resolve;
      }),
    hadOne: () => {
      missing -= 1;
      if (missing === 0) done();
      if (missing < 0) throw new Error('a reader had an event twice');
    },
  };
}

/** The part `fanout`. */
export async function measureFanout(run: BenchRun): Promise<Row[]> {
  const nats = await startBus(run, 'fanout-nats');
  const { url } = await (await clusterOf(run)).eventLog('fanout');
  const events = run.quick ? 10 : 100;
  const found: Record<'ours' | 'core', Found[]> = { ours: [], core: [] };
  for (let round = 0; round < (run.quick ? 1 : 3); round += 1) {
    for (const who of round % 2 === 0 ? (['ours', 'core'] as const) : (['core', 'ours'] as const)) {
      const one = await (who === 'ours' ? followed(url, nats, events, round) : subscribed(nats, events));
      found[who].push(one);
      run.log(`  ${who.padEnd(5)} all have it after ${one.allHaveItMs.toFixed(2)} ms, ${one.cpuUs.toFixed(1)} µs CPU a delivery`);
    }
  }
  const peerName = `${String(readers)} core-NATS subscribers`;
  const row = (metric: string, unit: string, pick: (one: Found) => number) =>
    compare({ metric, unit, ours: found.ours.map(pick), peer: found.core.map(pick), peerName });
  return [
    row(`commit to all of ${String(readers)} readers`, 'ms', (one) => one.allHaveItMs),
    row('CPU a delivery, readers and NATS', 'µs', (one) => one.cpuUs),
  ];
}

/** The whole way: append, relay, stream, one consumer, and each reader's filter and queue. */
async function followed(url: string, nats: { url: string; pid: number }, events: number, round: number): Promise<Found> {
  const db = await openOurDatabase(url);
  const messaging = await openMessaging(nats.url);
  const relay = startRelay({ sql: db, messaging, logger });
  const follower = followLog({ sql: db, messaging, logger });
  const store = await openStore({ store: 'ours', url, natsUrl: nats.url, appenders: 1 });
  const aborter = new AbortController();
  const { next, hadOne } = counting();
  const cursor = await follower.cursor();
  const filter = { aggregateTypes: ['tenant'], matches: (event: StoredEvent) => event.type === 'tenant_created' };
  const reading = Array.from({ length: readers }, async () => {
    for await (const batch of follower.subscribe({ cursor, filter, signal: aborter.signal })) batch.events.forEach(hadOne);
  });
  const append = (n: number) => store.append(`fanout_${String(round)}_${String(n)}`, 0);
  const result = await measured(nats.pid, events, next, append);
  aborter.abort();
  await Promise.all(reading);
  await store.close();
  await follower.stop();
  await relay.stop();
  await messaging.close();
  await db.close();
  return result;
}

/** No log, no order, nothing kept: the server copies each message to each subscriber. */
async function subscribed(nats: { url: string; pid: number }, events: number): Promise<Found> {
  const [publisher, messaging] = await Promise.all([openMessaging(nats.url), openMessaging(nats.url)]);
  const { next, hadOne } = counting();
  const ends = Array.from({ length: readers }, () => messaging.subscribeCore(subject, hadOne));
  await messaging.connection?.flush();
  const result = await measured(nats.pid, events, next, (n) => {
    publisher.publishCore(subject, { n, type: 'tenant_created', payload: 'x'.repeat(300) });
    return Promise.resolve();
  });
  for (const end of ends) end();
  await Promise.all([publisher.close(), messaging.close()]);
  return result;
}

async function measured(natsPid: number, events: number, next: () => Promise<void>, send: (n: number) => Promise<void>): Promise<Found> {
  const times: number[] = [];
  const cpuBefore = cpuUs(natsPid);
  for (let n = 0; n < events; n += 1) {
    const all = next();
    const sent = send(n).then(() => performance.now());
    await all;
    times.push(Math.max(0.001, performance.now() - (await sent)));
  }
  return { allHaveItMs: median(times), cpuUs: (cpuUs(natsPid) - cpuBefore) / (events * readers) };
}

/** Of this process and another one, on Linux, in microseconds; ticks are a hundredth of a second. */
function cpuUs(pid: number): number {
  const fields =
    readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
      .split(') ')[1]
      ?.split(' ') ?? [];
  const own = process.cpuUsage();
  return own.user + own.system + (Number(fields[11]) + Number(fields[12])) * 10_000;
}
