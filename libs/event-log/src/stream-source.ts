/**
 * Reads the end of the log from the JetStream stream EVT, by one consumer per process. The stream is a mirror that may
 * lag, be lost, be made anew or belong to another incarnation, so a message counts only when it is of the incarnation
 * at hand and its sequence, which is its position, comes next. At any doubt the consumer is given up and made anew;
 * meanwhile the log is read from Postgres.
 */
import { AckPolicy, DeliverPolicy, ReplayPolicy, type ConsumerInfo, type JsMsg } from '@nats-io/jetstream';
import { nanos } from '@nats-io/nats-core';
import { endOfMessages, findStream, keepSession, type Messaging, type Session } from '@fairlead/messaging';
import type { Sql } from '@fairlead/postgres';
import type { Logger } from '@fairlead/telemetry';
import { eventOfMessage, incarnationHeader } from './event-message.js';
import { readHead } from './read.js';
import type { Tail } from './tail.js';

export interface StreamSource {
  /** True while a consumer is there that can be trusted to deliver what comes next. */
  open(): boolean;
  /** Gives the consumer up and makes another one: the log is no longer what it was. */
  restart(reason: string): void;
  stop(): Promise<void>;
}

export interface StreamSourceOptions {
  readonly sql: Sql;
  readonly messaging: Messaging;
  readonly logger: Logger;
  readonly tail: Tail;
  /** Hears of each message that is in order: whether the tail took it, or had it already. */
  readonly onMessage: (seq: number, taken: boolean) => void;
  readonly onEnd: () => void;
}

/** Messages that the server sends ahead. */
const maxAhead = 500;
/** A stream that is behind by more is being filled anew. */
const maxBehind = 1_000;
/** Two of them are missed before a server that is silent is given up. */
const heartbeatMs = 1_000;
/** After a crash of ours the server forgets the consumer. */
const abandonedMs = 30_000;

/** Starts reading in the background; NATS away, or a stream that is no use: it tries again for ever. */
export function startStreamSource(options: StreamSourceOptions): StreamSource {
  const { sql, messaging, logger, tail } = options;
  const name = messaging.topology.streams.evt.name;
  let session: { end: (reason: string) => void } | undefined;

  async function open(): Promise<Session> {
    await requireUsable();
    const manager = await messaging.manager();
    const info = await manager.consumers.add(name, {
      // By name, so that the request's subject says which: that can be allowed apart from others' consumers.
      name: `follower-${crypto.randomUUID()}`,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: tail.position + 1,
      ack_policy: AckPolicy.None,
      replay_policy: ReplayPolicy.Instant,
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: nanos(abandonedMs),
    });
    return consume(info);
  }

  /** Throws unless the stream holds what comes next, of this incarnation of the log. */
  async function requireUsable(): Promise<void> {
    const { position, incarnation } = tail;
    const info = await findStream(await messaging.manager(), name);
    if (info === undefined) throw new Error('there is no event stream');
    // In the stream's metadata, as on its messages.
    if (info.config.metadata?.[incarnationHeader] !== incarnation)
      throw new Error('the event stream belongs to another incarnation of the log');
    const { first_seq: first, last_seq: last } = info.state;
    if (first > position + 1) throw new Error('the event stream begins after the position at hand');
    // A little is the relay's way through; what Postgres has brought meanwhile is passed over.
    if (last < position - maxBehind) throw new Error('the event stream is behind the log');
    // Read after the stream's state: one that mirrors this log can not be ahead of it.
    const head = await readHead(sql);
    if (last > head.position) throw new Error('the event stream is ahead of the log');
  }

  async function consume(info: ConsumerInfo): Promise<Session> {
    const consumer = messaging.jetstream().consumers.getConsumerFromInfo(info);
    let end: (reason: string) => void = () => undefined;
    const mistrusted = new Promise<string>((resolve) => {
      end = resolve;
    });
    const own = { end };
    const giveUp = (reason: string) => {
      // At once: the same packet may hold more messages.
      if (session === own) session = undefined;
      own.end(reason);
      options.onEnd();
    };
    session = own;
    const messages = await consumer
      .consume({
        max_messages: maxAhead,
        idle_heartbeat: heartbeatMs,
        abort_on_missing_resource: true,
        callback: (message) => {
          if (session !== own) return;
          const doubt = take(message);
          if (doubt !== undefined) giveUp(doubt);
        },
      })
      .catch((error: unknown) => {
        giveUp('not begun');
        throw error;
      });
    const ended = Promise.race([endOfMessages(messages), mistrusted]);
    void ended.then(giveUp);
    return {
      ended,
      close: async () => {
        giveUp('closed');
        await messages.close();
        if (messaging.connected()) void deleteConsumer(info);
      },
    };
  }

  async function deleteConsumer(info: ConsumerInfo): Promise<void> {
    try {
      await (await messaging.manager()).consumers.delete(name, info.name);
    } catch {
      // It went with its stream, or goes by itself.
    }
  }

  /** Takes a message if it is the next event; answers why it can't be trusted. */
  function take(message: JsMsg): string | undefined {
    const { seq, headers } = message;
    if (headers?.get(incarnationHeader) !== tail.incarnation) return 'a message is not of this incarnation of the log';
    // What is not new was read from Postgres meanwhile.
    const isNew = seq > tail.position;
    if (isNew) {
      const event = eventOfMessage(message.string());
      if (event?.position !== seq) return `sequence ${String(seq)} holds another position`;
      if (!tail.take(event, message.data.length)) return `sequence ${String(seq)} came after position ${String(tail.position)}`;
    }
    options.onMessage(seq, isNew);
    return undefined;
  }

  const kept = keepSession({ messaging, what: `${name} (follower)`, logger, open });
  return {
    open: () => session !== undefined,
    restart: (reason) => {
      const ending = session;
      session = undefined;
      ending?.end(reason);
    },
    stop: () => kept.stop(),
  };
}
