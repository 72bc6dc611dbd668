import { nanos } from '@nats-io/nats-core';
import {
  AckPolicy,
  DeliverPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  ReplayPolicy,
  type ConsumerConfig,
  type ConsumerInfo,
  type JetStreamClient,
  type JetStreamManager,
} from '@nats-io/jetstream';
import { FairleadError, namePattern } from '@fairlead/contracts';
import type { Logger, Tracing } from '@fairlead/telemetry';
import type { GivenUp } from './dead-letters.js';
import { createDeliveries, type ConsumedMessage } from './deliveries.js';
import type { MessagingMetrics } from './metrics.js';
import { endOfMessages, keepSession, type Connections, type Session } from './sessions.js';
import { configDifferences } from './streams.js';
import type { Turns } from './turns.js';

/*
 * A durable pull consumer, shared by the replicas of a service.
 *
 * Messages are handled one at a time. While they wait or are being handled the server is told so (`working`), hence a
 * slow handler is not a failed one. A failed attempt is redelivered after the next pause of `backoffMs`, while later
 * messages go on; after `maxDeliver` deliveries the message goes to the dead-letter stream and only then is
 * acknowledged; from there an operator may have it replayed, to this consumer alone (dead-letters.ts). Delivery is at
 * least once: an acknowledgement can be lost, and a stream or consumer made anew is
 * delivered from the stream's start.
 *
 * The server knows consumers by name. After a wiped store an acknowledgement meant for the old consumer could hit a
 * message of the new one, so each message is tied to its consumer's creation time and is settled only after the
 * current connection has seen that same consumer.
 */

export interface ConsumeOptions {
  /** The durable's name: a DNS label, unique in the installation; replicas with one name share the work. */
  readonly name: string;
  /** Subjects to take; must not overlap. */
  readonly filters: readonly string[];
  readonly handler: (message: ConsumedMessage) => Promise<void>;
  /** Deliveries before a message is dead-lettered; 5 when not given. */
  readonly maxDeliver?: number;
  /** Pauses before each redelivery; the last one repeats. */
  readonly backoffMs?: readonly number[];
  /** How long the server waits for a sign of life from a replica before it redelivers; 15 s when not given. */
  readonly ackWaitMs?: number;
}

export interface ConsumerDependencies {
  readonly messaging: Connections & { jetstream(): JetStreamClient; manager(): Promise<JetStreamManager> };
  readonly stream: string;
  /** The stream holds replays: messages that say which one they stand for. */
  readonly replays: boolean;
  readonly logger: Logger;
  readonly metrics: MessagingMetrics;
  readonly tracing: Tracing;
  readonly deadLetter: (letter: GivenUp) => Promise<void>;
  /** Those of the handler, which takes from another stream too. */
  readonly turns: Turns;
}

const defaultMaxDeliver = 5;
const defaultBackoffMs = [100, 1000, 5000, 15_000];
const defaultAckWaitMs = 15_000;
/** Bounds what waits in memory: the server hands out no more unacknowledged messages than this. */
const maxAckPending = 64;
/** A consumer that is gone is noticed after two missed heartbeats; the server may delete a stream without a word. */
const heartbeatMs = 1500;

/** Starts consuming in the background. `stop()` handles what has been received (at most 10 s), then resolves. */
export function startConsumer(dependencies: ConsumerDependencies, options: ConsumeOptions): { stop(): Promise<void> } {
  if (!namePattern.test(options.name)) throw new FairleadError('invalid_argument', `consumer name ${options.name} is not a DNS label`);
  const { messaging, stream, replays, metrics, tracing, deadLetter, turns } = dependencies;
  const logger = dependencies.logger.child({ consumer: options.name, stream });
  /** The consumer's creation time, and the connection that has seen it. */
  let seen: { created: string; connection: number } | undefined;

  const deliveries = createDeliveries({
    name: options.name,
    stream,
    replays,
    maxDeliver: options.maxDeliver ?? defaultMaxDeliver,
    backoffMs: options.backoffMs ?? defaultBackoffMs,
    handler: options.handler,
    turns,
    deadLetter,
    verified: () => (messaging.connected() && seen?.connection === messaging.connections() ? seen.created : undefined),
    connected: () => messaging.connected(),
    logger,
    metrics,
    tracing,
  });

  async function open(): Promise<Session> {
    const connection = messaging.connections();
    const info = await ensureConsumer(await messaging.manager(), stream, options);
    for (const key of configDifferences(consumerConfig(options), info.config)) {
      logger.error({ setting: key }, 'the NATS server keeps a consumer setting other than the one asked for');
    }
    const messages = await messaging
      .jetstream()
      .consumers.getConsumerFromInfo(info)
      .consume({
        max_messages: maxAckPending,
        expires: 30_000,
        idle_heartbeat: heartbeatMs,
        abort_on_missing_resource: true,
        callback: (message) => {
          deliveries.add(message, info.created);
        },
      });
    seen = { created: info.created, connection };
    deliveries.begin(info.created);
    return {
      ended: endOfMessages(messages),
      async close() {
        seen = undefined;
        await messages.close();
      },
    };
  }

  const stillWorking = setInterval(
    () => {
      deliveries.stillWorking();
    },
    (options.ackWaitMs ?? defaultAckWaitMs) / 4,
  );
  const session = keepSession({ messaging, what: `${stream}/${options.name}`, logger, open });

  return {
    async stop() {
      // The session stays open meanwhile: what was handled must be acknowledged.
      await deliveries.stop();
      clearInterval(stillWorking);
      await session.stop();
    },
  };
}

function consumerConfig(options: ConsumeOptions): Partial<ConsumerConfig> {
  return {
    durable_name: options.name,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    replay_policy: ReplayPolicy.Instant,
    filter_subjects: [...options.filters],
    ack_wait: nanos(options.ackWaitMs ?? defaultAckWaitMs),
    // The bound stands in deliveries.ts: past the server's own bound a message would vanish without a dead letter.
    max_deliver: -1,
    max_ack_pending: maxAckPending,
  };
}

async function ensureConsumer(manager: JetStreamManager, stream: string, options: ConsumeOptions): Promise<ConsumerInfo> {
  const asked = consumerConfig(options);
  try {
    const info = await manager.consumers.info(stream, options.name);
    if (configDifferences(asked, info.config).length === 0) return info;
    return await manager.consumers.update(stream, options.name, asked);
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || error.code !== JetStreamApiCodes.ConsumerNotFound) throw error;
    return await manager.consumers.add(stream, asked);
  }
}
