import type { ConsumerMessages } from '@nats-io/jetstream';
import { describeError } from '@fairlead/contracts';
import type { Logger } from '@fairlead/telemetry';
import { createBell } from './bell.js';

/** A subscription's life on one connection: from a verified consumer until it is lost. */
export interface Session {
  /** Resolves with the reason when the session can deliver nothing more. */
  readonly ended: Promise<string>;
  close(): Promise<void>;
}

/** What a session needs to know of the connection. */
export interface Connections {
  connected(): boolean;
  /** How many times NATS was connected so far; tells one connection from the next. */
  connections(): number;
  onConnect(run: () => Promise<void>): () => void;
  onDisconnect(run: () => void): () => void;
}

const shortestPauseMs = 20;
const longestPauseMs = 1000;
/** A session that lived this long was healthy; the next one starts without a pause. */
const healthyMs = 2000;

/**
 * Keeps one session open for ever: opens it when NATS is connected, anew after every reconnection and whenever it
 * ended, with growing pauses (at most 1 s) while it cannot be opened. `stop()` closes the current one.
 */
export function keepSession(options: { messaging: Connections; what: string; logger: Logger; open: () => Promise<Session> }): {
  stop(): Promise<void>;
} {
  const { messaging, logger, what } = options;
  const bell = createBell();
  let stopping = false;
  /** The connection whose streams are ensured. */
  let ready = 0;
  let pauseMs = shortestPauseMs;
  let problem: string | undefined;

  const removeHook = messaging.onConnect(() => {
    ready = messaging.connections();
    bell.ring();
    return Promise.resolve();
  });
  // Closed at once, or the client would resume pulling at the reconnection, before we have looked at the consumer,
  // and what it got meanwhile would wait for a redelivery.
  const removeEnd = messaging.onDisconnect(() => {
    bell.ring();
  });

  async function live(session: Session, connection: number): Promise<void> {
    let ended: string | undefined;
    void session.ended.then((reason) => {
      ended = reason;
      bell.ring();
    });
    if (problem !== undefined) logger.info({ subscription: what }, 'the subscription works again');
    problem = undefined;
    const openedAt = performance.now();
    const lasts = () => ended === undefined && messaging.connected() && connection === messaging.connections() && !stopping;
    while (lasts()) await bell.wait();
    if (performance.now() - openedAt > healthyMs) pauseMs = shortestPauseMs;
    if (ended !== undefined && messaging.connected()) report(ended);
    await session.close();
  }

  function report(reason: string): void {
    if (reason !== problem && !stopping) logger.warn({ subscription: what, reason }, 'a NATS subscription is down; it is made anew');
    problem = reason;
  }

  async function run(): Promise<void> {
    let connection = 0;
    while (!stopping) {
      if (!messaging.connected() || ready !== messaging.connections()) {
        await bell.wait();
        continue;
      }
      if (connection !== ready) pauseMs = shortestPauseMs;
      else await bell.wait(pauseMs);
      connection = ready;
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      if (isStopping()) return;
      try {
        await live(await options.open(), connection);
      } catch (error) {
        report(describeError(error));
      }
    }
  }
  // A function, because the compiler cannot know that stop() runs while we wait.
  const isStopping = () => stopping;

  const done = run();
  return {
    async stop() {
      stopping = true;
      removeHook();
      removeEnd();
      bell.ring();
      await done;
    },
  };
}

const fatalNotifications = new Set(['consumer_deleted', 'consumer_not_found', 'stream_not_found', 'heartbeats_missed', 'no_responders']);

/** Resolves when a pull subscription can deliver nothing more, with the reason. */
export function endOfMessages(messages: ConsumerMessages): Promise<string> {
  const notified = async () => {
    for await (const notification of messages.status()) {
      if (fatalNotifications.has(notification.type)) return notification.type;
    }
    return 'closed';
  };
  return Promise.race([notified(), messages.closed().then((error) => (error instanceof Error ? describeError(error) : 'closed'))]);
}
