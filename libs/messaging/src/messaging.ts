import { jetstream, jetstreamManager, JetStreamApiError, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection, Subscription } from '@nats-io/nats-core';
import { FairleadError, describeError, topology, type Topology } from '@fairlead/contracts';
import { noTracing, type Logger, type Registry, type Tracing } from '@fairlead/telemetry';
import type { TlsSource } from '@fairlead/tls';
import { startConsumer, type ConsumeOptions } from './consumer.js';
import { createDeadLetters, publishDeadLetter, type DeadLetters, type GivenUp } from './dead-letters.js';
import { createHooks } from './hooks.js';
import { openLink } from './link.js';
import { createMessagingMetrics } from './metrics.js';
import { ensureStream, streamConfig } from './streams.js';
import { createTurns } from './turns.js';

/** How long a JetStream request may take. */
const requestTimeoutMs = 5000;

/** A service's connection to NATS. Everything on it works, or waits, whether NATS is there or not. */
export interface Messaging {
  readonly topology: Topology;
  /** Replicas asked for every stream and bucket. */
  readonly replicas: number;
  /** The live connection, or undefined while NATS is away. */
  readonly connection: NatsConnection | undefined;
  connected(): boolean;
  /** How many times NATS was connected so far; tells one connection from the next. */
  connections(): number;
  /**
   * Runs a function now if connected and at every (re)connection, after the declared streams were ensured. A failing
   * one is run again every second while that connection lasts; runs of one function never overlap. Returns its removal.
   */
  onConnect(run: () => Promise<void>): () => void;
  /** Runs a function each time the connection is lost. Returns its removal. */
  onDisconnect(run: () => void): () => void;
  /** Throws FairleadError('unavailable') while NATS is away, as does `manager()`. */
  jetstream(): JetStreamClient;
  manager(): Promise<JetStreamManager>;
  /** Publishes JSON over core NATS, at most once: dropped while NATS is away. Never throws. */
  publishCore(subject: string, data: object): void;
  /** Subscribes over core NATS, through all reconnections; messages sent meanwhile are missed. Returns the removal. */
  subscribeCore(subject: string, handler: (data: unknown) => void): () => void;
  /** Starts a durable consumer of a declared stream and of its own replays; see consumer.ts. The stream may come into being later. */
  consume(options: ConsumeOptions & { stream: Exclude<keyof Topology['streams'], 'retry'> }): { stop(): Promise<void> };
  /** Messages that consumers gave up on. */
  readonly deadLetters: DeadLetters;
  /** Stops consumers, then drains and closes the connection. */
  close(): Promise<void>;
}

interface CoreSubscription {
  readonly subject: string;
  readonly handler: (data: unknown) => void;
  on?: { connection: NatsConnection; subscription: Subscription };
}

/**
 * Connects to NATS in the background for ever and returns at once, connected or not. `url` may list several servers
 * separated by commas. `name` is shown in the server's monitoring.
 */
export function connectMessaging(options: {
  url: string;
  /** Whose password `token` is; without it the token alone says who we are. */
  user?: string;
  token?: string;
  /** The certificate to show servers whose URL begins with `tls:`, and whom to trust. */
  tls?: TlsSource;
  namespace: string;
  name: string;
  logger: Logger;
  registry?: Registry;
  /** Gets a consumer span per message that is handled. */
  tracing?: Tracing;
  /** Replicas of streams and buckets; 1 when not given. */
  replicas?: number;
  /** Makes the streams that all share, where they are missing; true when not given. Others wait until somebody has made them. */
  makesStreams?: boolean;
  /** What the connection's inboxes begin with, where the server holds each user to inboxes of its own. */
  inboxPrefix?: string;
}): Promise<Messaging> {
  const names = topology(options.namespace);
  const { replicas = 1, tracing = noTracing, makesStreams = true } = options;
  const logger = options.logger.child({ part: 'messaging' });
  const metrics = createMessagingMetrics(options.registry);
  const coreSubscriptions = new Set<CoreSubscription>();
  const consumers = new Set<{ stop(): Promise<void> }>();
  const lostHooks = new Set<() => void>();
  let connections = 0;
  const hooks = createHooks({ prepare: ensureStreams, logger });
  const link = openLink({
    url: options.url,
    user: options.user,
    token: options.token,
    tls: options.tls,
    inboxPrefix: options.inboxPrefix,
    name: options.name,
    logger,
    onUp: (connection) => {
      connections += 1;
      metrics.connected(true);
      coreSubscriptions.forEach((wanted) => {
        attach(wanted, connection);
      });
      hooks.connected();
    },
    onDown: () => {
      metrics.connected(false);
      hooks.disconnected();
      lostHooks.forEach((run) => {
        run();
      });
    },
  });

  function live(): NatsConnection {
    const connection = link.current();
    if (connection === undefined) throw new FairleadError('unavailable', 'NATS is not connected');
    return connection;
  }

  const client = () => jetstream(live(), { timeout: requestTimeoutMs });
  const manager = async () => await jetstreamManager(live(), { timeout: requestTimeoutMs, checkAPI: false });

  async function ensureStreams(): Promise<void> {
    if (!makesStreams) return;
    for (const spec of Object.values(names.streams)) {
      if (spec.createdBy !== 'messaging') continue;
      try {
        await ensureStream(await manager(), streamConfig(spec, { replicas }), logger);
      } catch (error) {
        if (!(error instanceof JetStreamApiError)) throw error;
        // Asking again would not change the server's mind; the rest must go on.
        logger.error({ stream: spec.name, error: describeError(error) }, 'the NATS server refuses to make the stream');
      }
    }
  }

  function attach(wanted: CoreSubscription, connection: NatsConnection): void {
    // The client restores subscriptions of a connection that came back by itself.
    if (wanted.on?.connection === connection) return;
    const subscription = connection.subscribe(wanted.subject, {
      callback: (error, message) => {
        try {
          if (error !== null) throw error;
          wanted.handler(message.json());
        } catch (failure) {
          logger.warn({ subject: wanted.subject, error: describeError(failure) }, 'a core NATS message was not handled');
        }
      },
    });
    wanted.on = { connection, subscription };
  }

  async function storeDeadLetter(letter: GivenUp): Promise<void> {
    try {
      await publishDeadLetter(client(), names, letter);
    } catch {
      // The stream may have been lost while we were connected.
      await ensureStreams();
      await publishDeadLetter(client(), names, letter);
    }
  }

  const messaging: Messaging = {
    topology: names,
    replicas,
    get connection() {
      return link.current();
    },
    connected: () => link.current() !== undefined,
    connections: () => connections,
    onConnect: (run) => hooks.add(run),
    onDisconnect(run) {
      lostHooks.add(run);
      return () => {
        lostHooks.delete(run);
      };
    },
    jetstream: client,
    manager,
    publishCore(subject, data) {
      try {
        link.current()?.publish(subject, JSON.stringify(data));
      } catch (error) {
        logger.warn({ subject, error: describeError(error) }, 'a core NATS message was not sent');
      }
    },
    subscribeCore(subject, handler) {
      const wanted: CoreSubscription = { subject, handler };
      coreSubscriptions.add(wanted);
      const connection = link.current();
      if (connection !== undefined) attach(wanted, connection);
      return () => {
        coreSubscriptions.delete(wanted);
        wanted.on?.subscription.unsubscribe();
      };
    },
    consume({ stream, ...consumeOptions }) {
      const shared = { messaging, logger, metrics, tracing, deadLetter: storeDeadLetter, turns: createTurns() };
      const parts = [
        startConsumer({ ...shared, stream: names.streams[stream].name, replays: false }, consumeOptions),
        startConsumer(
          { ...shared, stream: names.streams.retry.name, replays: true },
          { ...consumeOptions, filters: [names.subjects.retry(consumeOptions.name)] },
        ),
      ];
      const consumer = {
        async stop() {
          consumers.delete(consumer);
          await Promise.all(parts.map((part) => part.stop()));
        },
      };
      consumers.add(consumer);
      return consumer;
    },
    deadLetters: createDeadLetters({ client, manager, topology: names, ensureStreams }),
    async close() {
      const stopped = Promise.all([...consumers].map((consumer) => consumer.stop()));
      if (link.current() !== undefined) await stopped;
      // Closing ends the requests that wait for an answer, so it must not wait for them.
      await Promise.all([stopped, hooks.stop(), link.close()]);
    },
  };
  return Promise.resolve(messaging);
}
