/**
 * Publishes committed events to the JetStream stream EVT, stream sequence = position.
 *
 * There is no checkpoint: the stream's last sequence says what is next, and each publish expects the one before,
 * so that any number of relays may compete and none can skip or double. On any error the last sequence is read
 * again. A relay that was beaten stands by: it looks at the stream now and then, and takes over when it stays behind.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { JetStreamApiError, type JetStreamClient } from '@nats-io/jetstream';
import { contextHeaders, describeError } from '@fairlead/contracts';
import type { Messaging } from '@fairlead/messaging';
import type { Sql } from '@fairlead/postgres';
import { contextFromHeaders, noTracing, type Logger, type Registry, type Tracing } from '@fairlead/telemetry';
import { logBell } from './bell.js';
import { encodeEvent, headersOf } from './event-message.js';
import { lastSequence, openEventStream } from './event-stream.js';
import { relayMetrics } from './metrics.js';
import { assertGapless, headPosition, readLog } from './read.js';
import type { StoredEvent } from './types.js';

export interface RelayOptions {
  sql: Sql;
  messaging: Messaging;
  logger: Logger;
  registry?: Registry;
  /** Gets a producer span per event that this relay published within a minute and whose trace is kept. */
  tracing?: Tracing;
}

const pageSize = 500;
/** Publishes on their way at once. */
const maxPipelined = 100;
const maxPipelinedBytes = 4 * 1024 * 1024;
const pollMs = 100;
/** How often the stream itself is looked at while there is nothing to publish: it may have been lost or replaced. */
const lookMs = 2_000;
const standbyMs = 100;
const awayMs = 500;
/** Events older than this are published without a span. */
const spanMaxAgeMs = 60_000;

/** Starts a relay. NATS or Postgres away: it waits and goes on. `stop()` ends after what is on its way. */
export function startRelay(options: RelayOptions): { stop(): Promise<void> } {
  const { sql, messaging, logger } = options;
  const aborter = new AbortController();
  const { signal } = aborter;
  const { bell, close } = logBell(messaging);
  const metrics = relayMetrics(options.registry);
  let standby = false;
  let trouble: string | undefined;

  /** From one look at the stream to the next. */
  async function round(): Promise<void> {
    const connection = messaging.connections();
    const { incarnation, ...opened } = await openEventStream(options);
    let { last } = opened;
    recovered();
    const lookAt = performance.now() + lookMs;
    while (!signal.aborted && messaging.connections() === connection) {
      const events = await readLog(sql, { after: last, limit: pageSize });
      if (events.length === 0) {
        metrics.at(last, await headPosition(sql));
        if (performance.now() >= lookAt) return;
        await bell.wait(pollMs, signal);
        continue;
      }
      assertGapless(last, events);
      if (standby) {
        // The relay that won has been told of these events too.
        await pause(standbyMs * (0.5 + Math.random()), undefined, { signal });
        const now = await lastSequence(messaging);
        if (now < last) return;
        standby = now > last;
        last = now;
        continue;
      }
      await publishPage(messaging, options.tracing ?? noTracing, events, incarnation);
      last = events.at(-1)?.position ?? last;
      metrics.at(last);
    }
  }

  function recovered(): void {
    if (trouble !== undefined) logger.info('the relay goes on');
    trouble = undefined;
    metrics.stopped(false);
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        if (messaging.connected()) await round();
        else await bell.wait(awayMs, signal);
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
    // Said once; it is tried again for ever.
    const reason = describeError(error);
    if (reason !== trouble) logger.warn({ reason }, 'the relay can not go on; it is tried again');
    trouble = reason;
    metrics.stopped(true);
    await pause(awayMs, undefined, { signal }).catch(() => undefined);
  }

  const running = run();
  return {
    stop: async () => {
      aborter.abort();
      await running;
      close();
    },
  };
}

type EventMessage = ReturnType<typeof encodeEvent>;

const wrongLastSequence = 10071;

/** The stream has moved on: another relay was first. */
function isBeaten(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === wrongLastSequence;
}

async function publishPage(messaging: Messaging, tracing: Tracing, events: readonly StoredEvent[], incarnation: string): Promise<void> {
  const client = messaging.jetstream();
  let onTheWay: Promise<void>[] = [];
  let bytes = 0;
  for (const event of events) {
    const message = encodeEvent(messaging.topology, event, incarnation);
    if (onTheWay.length >= maxPipelined || bytes + message.data.length > maxPipelinedBytes) {
      await Promise.all(onTheWay);
      onTheWay = [];
      bytes = 0;
    }
    onTheWay.push(traced(tracing, messaging, event, message, () => publish(client, event.position, message)));
    bytes += message.data.length;
  }
  await Promise.all(onTheWay);
}

/**
 * Publishes in a span of the event's own trace, which the message then names to its consumers. Old events, as a stream
 * that was lost is filled with, leave none: their traces are over, and they are many.
 */
async function traced(
  tracing: Tracing,
  messaging: Messaging,
  event: StoredEvent,
  message: EventMessage,
  work: () => Promise<void>,
): Promise<void> {
  const found = headersOf(event);
  if (found[contextHeaders.traceparent] === undefined || Date.now() - event.recordedAt.getTime() > spanMaxAgeMs) {
    await work();
    return;
  }
  const stream = messaging.topology.streams.evt.name;
  const attributes = {
    'messaging.system.name': 'nats',
    'messaging.operation.name': 'publish',
    'messaging.operation.type': 'send',
    'messaging.destination.name': stream,
    'messaging.message.id': String(event.position),
    'fairlead.event.type': `${event.aggregateType}.${event.type}`,
  };
  const context = contextFromHeaders((name) => found[name]);
  const span = tracing.start(`publish ${stream}`, { kind: 'producer', context, attributes });
  message.headers.set(contextHeaders.traceparent, (span.context ?? context).traceparent);
  try {
    await work();
  } catch (error) {
    // The relay that was first leaves the span; without an end this one leaves nothing.
    if (isBeaten(error)) throw error;
    span.fail(error);
    span.end();
    throw error;
  }
  span.end();
}

async function publish(client: JetStreamClient, position: number, { subject, data, headers }: EventMessage): Promise<void> {
  const ack = await client.publish(subject, data, { headers, expect: { lastSequence: position - 1 } });
  if (ack.seq !== position) throw new Error(`position ${String(position)} became sequence ${String(ack.seq)}`);
}
