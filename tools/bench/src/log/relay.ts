/** How fast the relay fills a stream that lacks many events, beside one publish for each. */
import { setTimeout as pause } from 'node:timers/promises';
import { headers } from '@nats-io/nats-core';
import { readLog, startRelay } from '@fairlead/event-log';
import type { Messaging } from '@fairlead/messaging';
import type { Database } from '@fairlead/postgres';
import { createLogger } from '@fairlead/telemetry';
import { compare, type Row } from '../figures.js';
import type { BenchRun } from '../run.js';
import { openBus, ownBus } from './bus.js';
import { fillLog } from './filling.js';
import { clusterOf, startBus } from './servers.js';
import { openOurDatabase } from './database.js';

const pipelined = 100;
const peerStream = 'PEER';

/** The part `relay`. */
export async function measureRelay(run: BenchRun): Promise<Row[]> {
  const cluster = await clusterOf(run);
  const nats = await startBus(run, 'relay-nats');
  const { url } = await cluster.eventLog('relay');
  const db = await openOurDatabase(url);
  const messaging = await openBus(ownBus(nats.url));
  const rates = { ours: [] as number[], peer: [] as number[] };
  try {
    const events = await fillLog(db, run.quick ? 3_000 : 30_000);
    for (let round = 0; round < (run.quick ? 1 : 3); round += 1) {
      for (const who of round % 2 === 0 ? (['ours', 'peer'] as const) : (['peer', 'ours'] as const)) {
        const elapsedMs = await (who === 'ours' ? relayed(db, messaging, events) : published(db, messaging, events));
        rates[who].push((events / elapsedMs) * 1_000);
        run.log(`  ${who.padEnd(5)} ${(rates[who].at(-1) ?? 0).toFixed(0)} /s`);
      }
    }
  } finally {
    await messaging.close();
    await db.close();
  }
  const peerName = `one publish per message, ${String(pipelined)} awaited at once`;
  return [compare({ metric: 'relay catches up', unit: '/s', ours: rates.ours, peer: rates.peer, peerName, goal: { atLeast: 5 } })];
}

/** Our relay, from a stream that is not there to one that has all. */
async function relayed(db: Database, messaging: Messaging, events: number): Promise<number> {
  const stream = messaging.topology.streams.evt.name;
  const manager = await messaging.manager();
  await manager.streams.delete(stream).catch(() => undefined);
  const since = performance.now();
  const relay = startRelay({ sql: db, messaging, logger: createLogger({ service: 'bench', level: 'silent' }) });
  let last = 0;
  while (last < events) {
    await pause(5);
    last = (await manager.streams.info(stream).catch(() => undefined))?.state.last_seq ?? 0;
  }
  const elapsedMs = performance.now() - since;
  await relay.stop();
  const { state } = await manager.streams.info(stream);
  if (state.messages !== events || state.first_seq !== 1) throw new Error(`the stream has ${JSON.stringify(state)}`);
  await manager.streams.delete(stream);
  return elapsedMs;
}

/** What relays commonly do: each message by itself, with an id that keeps doubles out, a hundred acknowledgements awaited at once. */
async function published(db: Database, messaging: Messaging, events: number): Promise<number> {
  const manager = await messaging.manager();
  await manager.streams.delete(peerStream).catch(() => undefined);
  const since = performance.now();
  await manager.streams.add({ name: peerStream, subjects: ['peer.>'], storage: 'file' });
  const client = messaging.jetstream();
  let cursor = 0;
  while (cursor < events) {
    const page = await readLog(db, { after: cursor, limit: pipelined });
    await Promise.all(
      page.map((event) => {
        const carried = headers();
        carried.set('x-request-id', event.meta.request_id);
        carried.set('x-correlation-id', event.meta.correlation_id);
        return client.publish(`peer.${event.aggregateType}.${event.aggregateId}.${event.type}`, JSON.stringify(event), {
          msgID: String(event.position),
          headers: carried,
        });
      }),
    );
    cursor = page.at(-1)?.position ?? events;
  }
  const elapsedMs = performance.now() - since;
  const { state } = await manager.streams.info(peerStream);
  if (state.messages !== events) throw new Error(`the peer's stream has ${JSON.stringify(state)}`);
  await manager.streams.delete(peerStream);
  return elapsedMs;
}
