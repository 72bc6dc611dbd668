import { PermissionViolationError } from '@nats-io/nats-core';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { describeError } from '@fairlead/contracts';
import type { Logger } from '@fairlead/telemetry';
import { speaksFor, type TlsSource } from '@fairlead/tls';
import { createBell } from './bell.js';

/** One NATS connection, kept up in the background for ever. */
export interface Link {
  /** The live connection, or undefined while NATS is away. */
  current(): NatsConnection | undefined;
  /** Drains and closes; gives up draining after a few seconds. */
  close(): Promise<void>;
}

const firstRetryMs = 100;
const longestRetryMs = 2000;
const drainTimeoutMs = 3000;

/**
 * Starts connecting and returns at once. `onUp` runs at the first connection and after each reconnection,
 * `onDown` when the connection is lost. A server that refuses us is asked again for ever: credentials and
 * servers may be put right without a restart of ours.
 */
export function openLink(options: {
  url: string;
  user?: string;
  token?: string;
  /** Mutual TLS with servers whose URL begins with `tls:`; there is no connection to such a one that offers none. */
  tls?: TlsSource;
  /** What inboxes begin with; `_INBOX` when not given. */
  inboxPrefix?: string;
  name: string;
  logger: Logger;
  onUp: (connection: NatsConnection) => void;
  onDown: () => void;
}): Link {
  const { logger } = options;
  const bell = createBell();
  let connection: NatsConnection | undefined;
  let up = false;
  let closing = false;

  function setUp(): void {
    if (connection === undefined || up) return;
    up = true;
    logger.info({ server: connection.getServer() }, 'connected to NATS');
    options.onUp(connection);
  }

  function setDown(): void {
    if (!up) return;
    up = false;
    if (!closing) logger.warn('lost the connection to NATS');
    options.onDown();
  }

  async function live(fresh: NatsConnection): Promise<void> {
    connection = fresh;
    setUp();
    for await (const status of fresh.status()) {
      if (status.type === 'disconnect') setDown();
      if (status.type === 'reconnect') setUp();
      if (status.type === 'error') report(status.error);
    }
    connection = undefined;
    setDown();
  }

  function report(error: Error): void {
    // Nothing of ours asks for what its service may not do.
    if (error instanceof PermissionViolationError)
      logger.error({ error: describeError(error) }, 'NATS refuses what this service may not do');
    else logger.warn({ error: describeError(error) }, 'NATS reported an error');
  }

  async function run(): Promise<void> {
    let retryMs = firstRetryMs;
    let lastProblem = '';
    while (!closing) {
      try {
        const fresh = await connect(connectOptions(options));
        retryMs = firstRetryMs;
        lastProblem = '';
        if (isClosing()) await fresh.close();
        else await live(fresh);
      } catch (error) {
        const problem = describeError(error);
        if (problem !== lastProblem) logger.warn({ error: problem }, 'NATS is not reachable; trying again in the background');
        lastProblem = problem;
        await bell.wait(retryMs);
        retryMs = Math.min(retryMs * 2, longestRetryMs);
      }
    }
  }
  // A function, because the compiler cannot know that close() runs while we wait.
  const isClosing = () => closing;

  void run();

  return {
    current: () => (up ? connection : undefined),
    async close() {
      closing = true;
      bell.ring();
      const open = connection;
      if (open === undefined) return;
      if (up) await within(drainTimeoutMs, open.drain());
      await open.close();
    },
  };
}

/**
 * What a handshake is made with, read anew for each. The server is known by whom its certificate speaks for: clusters are found under
 * many names.
 */
function tlsOptions(source: TlsSource) {
  return {
    get cert() {
      return source.current().cert;
    },
    get key() {
      return source.current().key;
    },
    get ca() {
      return source.current().ca;
    },
    checkServerIdentity: speaksFor('nats'),
  };
}

function connectOptions(options: { url: string; user?: string; token?: string; tls?: TlsSource; inboxPrefix?: string; name: string }) {
  const tls = options.url.startsWith('tls:') ? options.tls : undefined;
  return {
    ...(tls === undefined ? {} : { tls: tlsOptions(tls) }),
    servers: options.url.split(',').map((server) => server.trim()),
    ...(options.inboxPrefix === undefined ? {} : { inboxPrefix: options.inboxPrefix }),
    ...(options.user === undefined ? { token: options.token } : { user: options.user, pass: options.token }),
    name: options.name,
    timeout: 5000,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 200,
    reconnectJitter: 200,
    ignoreAuthErrorAbort: true,
    // A peer that vanished without closing is noticed within 20 s.
    pingInterval: 10_000,
    maxPingOut: 2,
    noAsyncTraces: true,
  };
}

async function within(timeoutMs: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  // A connection that dies while it drains has nothing left to send.
  await Promise.race([work.catch(() => undefined), timeout]);
  clearTimeout(timer);
}
