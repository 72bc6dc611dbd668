/**
 * Publishes committed events to the JetStream stream EVT, stream sequence = position.
 *
 * There is no checkpoint: the stream's last sequence says what is next, and each publish expects the one before,
 * so that any number of relays may compete and none can skip or double. On any error the last sequence is read
 * again. A relay that was beaten stands by: it looks at the stream now and then, and takes over when it stays behind.
 *
 * Each page is read from the last event published on, which must still be there: so a database that is restored
 * under a running relay is noticed before anything of it is put after what the stream has.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { JetStreamApiError } from '@nats-io/jetstream';
import { describeError } from '@fairlead/contracts';
import type { Messaging } from '@fairlead/messaging';
import type { Sql } from '@fairlead/postgres';
import { noTracing, type Logger, type Registry, type Tracing } from '@fairlead/telemetry';
import { logBell } from './bell.js';
import { lastSequence, openEventStream } from './event-stream.js';
import { isSameEvent, LogApart } from './fork.js';
import { relayMetrics } from './metrics.js';
import { readTextPage, type TextPage } from './page.js';
import { isBeaten, maxBatched, publishPage, worthABatch } from './publish.js';
import { assertGapless, headPosition } from './read.js';
import { takeover, type BeginIncarnation } from './takeover.js';
import type { EventText } from './types.js';

export interface RelayOptions {
  sql: Sql;
  messaging: Messaging;
  logger: Logger;
  registry?: Registry;
  /** Gets a producer span per event that this relay published within a minute and whose trace is kept. */
  tracing?: Tracing;
  /** What to do when the database turns out to have been restored; without it the relay waits for an administrator. */
  beginIncarnation?: BeginIncarnation;
  /**
   * How often the stream itself is looked at while there is nothing to publish, since it may have been lost or
   * replaced, and how often the other relays are told that this one's log agrees with it; 2 s when not given.
   */
  lookMs?: number;
}

const pageSize = maxBatched;
const pollMs = 100;
const standbyMs = 100;
const awayMs = 500;
/**
 * When events come faster than this, they are gathered for a while and published in fewer batches: setting one up costs NATS as much
 * as many events. Readers of the stream hear of them so much later; those of the log do not.
 */
const busyPerMs = 2;
const gatherMs = 100;
/** How long no batch is tried after the server refused one. */
const batchesOffMs = 60_000;

/** Starts a relay. NATS or Postgres away: it waits and goes on. `stop()` ends after what is on its way. */
export function startRelay(options: RelayOptions): { stop(): Promise<void> } {
  const { sql, messaging, logger, tracing = noTracing, lookMs = 2_000 } = options;
  const aborter = new AbortController();
  const { signal } = aborter;
  const { bell, close } = logBell(messaging);
  const metrics = relayMetrics(options.registry);
  const succession = takeover({ ...options, lookMs });
  let standby = false;
  let trouble: string | undefined;
  let batchesFrom = 0;

  /** From one look at the stream to the next. */
  async function round(): Promise<void> {
    const connection = messaging.connections();
    const { incarnation, last: begunAt, ...stream } = await openEventStream(options);
    recovered(incarnation);
    let last = begunAt;
    let known = await eventAt(sql, last);
    const lookAt = performance.now() + lookMs;
    let ahead: Promise<TextPage> | undefined;
    let readAt = performance.now();
    while (!signal.aborted && messaging.connections() === connection) {
      const page = await (ahead ??
        readTextPage(sql, { after: Math.max(0, last - 1), limit: known === undefined ? pageSize : pageSize + 1 }));
      ahead = undefined;
      const events = following(page.events, known);
      if (page.head.incarnation !== incarnation || events === undefined) return;
      if (events.length === 0) {
        metrics.at(last, page.head.position);
        if (performance.now() >= lookAt) return;
        await bell.wait(pollMs, signal);
        continue;
      }
      assertGapless(last, events);
      if (standby) {
        // The relay that won has been told of these events too.
        await pause(gatherMs + standbyMs * (0.5 + Math.random()), undefined, { signal });
        const reached = await lastSequence(messaging);
        standby = reached > last;
        // It stays behind: what it ends with is compared once more before anything is put after it.
        if (!standby) return;
        last = reached;
        known = await eventAt(sql, last);
        if (known === undefined) return;
        continue;
      }
      // When there is much, what comes next is read meanwhile, from the last of these on as always.
      const next = events.at(-1)?.position ?? last;
      const now = performance.now();
      const gathers = events.length >= worthABatch && events.length < pageSize && events.length > busyPerMs * (now - readAt);
      readAt = now;
      if (!gathers && next < page.head.position) ahead = readTextPage(sql, { after: next - 1, limit: pageSize + 1 });
      // What fails with it is met when it is awaited, unless the publishing fails too.
      ahead?.catch(() => undefined);
      await publishPage({ messaging, tracing, incarnation, atomic: stream.atomic && performance.now() >= batchesFrom }, events);
      known = events.at(-1) ?? known;
      last = known?.position ?? last;
      metrics.at(last, page.head.position);
      if (gathers) await pause(gatherMs, undefined, { signal });
    }
  }

  function recovered(incarnation: string): void {
    if (trouble !== undefined) logger.info('the relay goes on');
    trouble = undefined;
    metrics.stopped(false);
    succession.agreed(incarnation);
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        if (messaging.connected()) await round();
        else {
          await tellLag();
          await bell.wait(awayMs, signal);
        }
      } catch (error) {
        await restAfter(error);
      }
    }
  }

  async function restAfter(error: unknown): Promise<void> {
    if (signal.aborted) return;
    if (isBeaten(error)) {
      standby = true;
      return;
    }
    if (error instanceof JetStreamApiError) batchesFrom = performance.now() + batchesOffMs;
    const reason = await whyStopped(error);
    if (reason === undefined) return;
    // Said once; it is tried again for ever.
    if (reason !== trouble) logger.warn({ reason }, 'the relay can not go on; it is tried again');
    trouble = reason;
    metrics.stopped(true);
    await tellLag();
    await pause(awayMs, undefined, { signal }).catch(() => undefined);
  }

  /** The log goes on while nothing of it is relayed. */
  async function tellLag(): Promise<void> {
    try {
      metrics.waiting(await headPosition(sql));
    } catch {
      // Postgres is away too: nothing is appended.
    }
  }

  /** Undefined when a new incarnation was begun, so that it can go on. */
  async function whyStopped(error: unknown): Promise<string | undefined> {
    if (!(error instanceof LogApart)) return describeError(error);
    try {
      return await succession.onApart(error);
    } catch (failure) {
      return describeError(failure);
    }
  }

  const running = run();
  return {
    stop: async () => {
      aborter.abort();
      await running;
      succession.close();
      close();
    },
  };
}

async function eventAt(sql: Sql, position: number): Promise<EventText | undefined> {
  return position < 1 ? undefined : (await readTextPage(sql, { after: position - 1, limit: 1 })).events[0];
}

/** The events after the one that was published last, which a page begins with; undefined when it does not. */
function following(page: readonly EventText[], known: EventText | undefined): readonly EventText[] | undefined {
  if (known === undefined) return page;
  const [again, ...events] = page;
  return again !== undefined && isSameEvent(again, known) ? events : undefined;
}
