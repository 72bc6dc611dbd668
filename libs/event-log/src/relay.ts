/**
 * Publishes committed events to the JetStream stream EVT, stream sequence = position.
 *
 * There is no checkpoint: the stream's last sequence says what is next, and each publish expects the one before,
 * so that any number of relays may compete and none can skip or double. On any error the last sequence is read
 * again. A stream that is gone is made anew with the first sequence that is still worth having.
 */
import { JetStreamApiError, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import { headers as natsHeaders } from '@nats-io/nats-core';
import { Gauge } from 'prom-client';
import { contextHeaders } from '@fairlead/contracts';
import { configDifferences, findStream, streamConfig, type Messaging } from '@fairlead/messaging';
import type { Sql } from '@fairlead/postgres';
import type { Logger, Registry } from '@fairlead/telemetry';
import { logBell } from './bell.js';
import { assertGapless, headPosition, readLog } from './read.js';
import type { StoredEvent } from './types.js';

export interface RelayOptions {
  sql: Sql;
  messaging: Messaging;
  logger: Logger;
  registry?: Registry;
}

const pageSize = 500;
/** Publishes on their way at once while catching up. */
const pipelined = 100;
const pollMs = 100;
const awayMs = 500;
/** A lost stream is refilled with this much at most; older events are read from Postgres. */
const refillEvents = 200_000;

/** Starts a relay. NATS or Postgres away: it waits and goes on. */
export function startRelay(options: RelayOptions): { stop(): Promise<void> } {
  const { sql, messaging, logger } = options;
  const aborter = new AbortController();
  const { bell, close } = logBell(messaging);
  const measure = metrics(options.registry);
  let ensuredOn = -1;

  async function round(): Promise<void> {
    const manager = await messaging.manager();
    const connection = messaging.connections();
    let last = await lastSequence(manager);
    if (ensuredOn !== connection) {
      await assertStream(manager, options);
      ensuredOn = connection;
    }
    const js = messaging.jetstream();
    while (!aborter.signal.aborted && messaging.connections() === connection) {
      const events = await readLog(sql, { after: last, limit: pageSize });
      if (events.length > 0) {
        assertGapless(last, events);
        for (let from = 0; from < events.length; from += pipelined) {
          const batch = events.slice(from, from + pipelined);
          await Promise.all(batch.map((event) => publish(js, messaging, event)));
        }
        last = events.at(-1)?.position ?? last;
        measure(last);
        continue;
      }
      measure(last, await headPosition(sql));
      await bell.wait(pollMs, aborter.signal);
    }
  }

  async function lastSequence(manager: JetStreamManager): Promise<number> {
    const name = messaging.topology.streams.evt.name;
    const found = await findStream(manager, name);
    if (found !== undefined) return found.state.last_seq;
    const head = await headPosition(sql);
    const firstSequence = Math.max(1, head - refillEvents + 1);
    try {
      const made = await manager.streams.add(streamConfig(messaging.topology.streams.evt, { replicas: messaging.replicas, firstSequence }));
      logger.info({ stream: name, first_sequence: firstSequence }, 'the event stream was made');
      return made.state.last_seq === 0 ? firstSequence - 1 : made.state.last_seq;
    } catch (error) {
      // Another relay may have made it at the same moment.
      const again = await findStream(manager, name);
      if (again === undefined) throw error;
      return again.state.last_seq;
    }
  }

  async function run(): Promise<void> {
    while (!aborter.signal.aborted) {
      if (!messaging.connected()) {
        await bell.wait(awayMs, aborter.signal);
        continue;
      }
      try {
        await round();
      } catch (error) {
        // A competing relay was first, the stream is gone, or something is away: the stream says where to go on.
        logger[isExpected(error) ? 'debug' : 'warn']({ err: error }, 'the relay starts over from the last sequence');
        await bell.wait(isExpected(error) ? 5 : awayMs, aborter.signal);
      }
    }
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

const wrongLastSequence = 10071;

function isExpected(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === wrongLastSequence;
}

async function publish(js: JetStreamClient, messaging: Messaging, event: StoredEvent): Promise<void> {
  const headers = natsHeaders();
  headers.set(contextHeaders.requestId, event.meta.request_id);
  headers.set(contextHeaders.correlationId, event.meta.correlation_id);
  if (event.meta.job_id !== undefined) headers.set(contextHeaders.jobId, event.meta.job_id);
  const subject = messaging.topology.subjects.event(event.aggregateType, event.aggregateId, event.type);
  const ack = await js.publish(subject, JSON.stringify(wireForm(event)), { headers, expect: { lastSequence: event.position - 1 } });
  if (ack.seq !== event.position) throw new Error(`position ${String(event.position)} became sequence ${String(ack.seq)}`);
}

/** An event as consumers of EVT receive it. */
function wireForm(event: StoredEvent) {
  return {
    position: event.position,
    aggregate_type: event.aggregateType,
    aggregate_id: event.aggregateId,
    version: event.version,
    type: event.type,
    schema_version: event.schemaVersion,
    payload: event.payload,
    meta: event.meta,
    recorded_at: event.recordedAt.toISOString(),
  };
}

async function assertStream(manager: JetStreamManager, { messaging, logger }: RelayOptions): Promise<void> {
  const asked = streamConfig(messaging.topology.streams.evt, { replicas: messaging.replicas });
  const info = await findStream(manager, asked.name);
  const differences = info === undefined ? [] : configDifferences(asked, info.config);
  if (differences.length > 0) logger.error({ stream: asked.name, differences }, 'the NATS server keeps the event stream with another configuration than asked for');
}

function metrics(registry: Registry | undefined): (position: number, head?: number) => void {
  if (registry === undefined) return () => undefined;
  const at = new Gauge({ name: 'fairlead_relay_position', help: 'The last position relayed to JetStream.', registers: [registry] });
  const lag = new Gauge({ name: 'fairlead_relay_lag', help: 'Events not relayed yet.', registers: [registry] });
  return (position, head) => {
    at.set(position);
    if (head !== undefined) lag.set(Math.max(0, head - position));
  };
}
