/** The two ends of a latency, each in a process of its own: who appends at a pace, and who sees it. */
import { setTimeout as pause } from 'node:timers/promises';
import { Registry } from 'prom-client';
import { followLog, headPosition, readLog, startRelay } from '@fairlead/event-log';
import { createLogger } from '@fairlead/telemetry';
import { openBus, ownBus } from './bus.js';
import { openOurDatabase } from './database.js';
import { openStore } from './stores.js';

export interface PaceOptions {
  url: string;
  natsUrl: string;
  perSecond: number;
  seconds: number;
  label: string;
}

export interface WatchOptions {
  url: string;
  /** Where pokes come from; without it the log is looked at every 5 ms. */
  natsUrl?: string;
  /** Waits until it reads the stream that a relay fills; else it reads Postgres at each poke. */
  streaming?: boolean;
  /** Events to see. */
  count: number;
}

export interface RelayOptions {
  url: string;
  natsUrl: string;
}

/** By the order of events: when each was committed, or seen, on the machine's monotonic clock, in milliseconds. */
export type Times = number[];

const logger = createLogger({ service: 'bench', level: 'silent' });

export const pollMs = 5;
/** The machine's monotonic clock, the same in all processes. */
export const nowMs = () => Number(process.hrtime.bigint()) / 1e6;

/** Appends at a steady pace, whether or not the append before has ended. */
export async function preparePace({ url, natsUrl, perSecond, seconds, label }: PaceOptions): Promise<() => Promise<Times>> {
  const store = await openStore({ store: 'ours', url, natsUrl, appenders: 1 });
  return async () => {
    const begun = nowMs();
    const appended: Promise<number>[] = [];
    for (let n = 0; n < perSecond * seconds; n += 1) {
      const late = begun + (n * 1_000) / perSecond - nowMs();
      if (late > 1) await pause(late);
      appended.push(store.append(`${label}_${String(n)}`, 0).then(nowMs));
    }
    const times = await Promise.all(appended);
    await store.close();
    return times;
  };
}

/** Sees so many events as they come. */
export async function prepareWatch({ url, natsUrl, streaming = false, count }: WatchOptions): Promise<() => Promise<Times>> {
  const db = await openOurDatabase(url);
  const after = await headPosition(db);
  const times: Times = [];
  if (natsUrl === undefined) {
    return async () => {
      for (let cursor = after; times.length < count;) {
        const events = await readLog(db, { after: cursor, limit: 1_000 });
        for (const _ of events) times.push(nowMs());
        cursor = events.at(-1)?.position ?? cursor;
        await pause(pollMs);
      }
      await db.close();
      return times;
    };
  }
  const messaging = await openBus(ownBus(natsUrl));
  const registry = new Registry();
  const follower = followLog({ sql: db, messaging, logger, registry });
  const aborter = new AbortController();
  const cursor = await follower.cursor();
  while (streaming && !(await registry.metrics()).includes('fairlead_follower_streaming 1')) await pause(50);
  return async () => {
    for await (const { events } of follower.subscribe({ cursor, signal: aborter.signal })) {
      for (const _ of events) times.push(nowMs());
      if (times.length >= count) break;
    }
    await follower.stop();
    await messaging.close();
    await db.close();
    return times;
  };
}

/** Runs a relay until the process ends. */
export async function prepareRelay({ url, natsUrl }: RelayOptions): Promise<() => Promise<Times>> {
  const [sql, messaging] = await Promise.all([openOurDatabase(url), openBus(ownBus(natsUrl))]);
  startRelay({ sql, messaging, logger });
  return () => Promise.resolve([]);
}
