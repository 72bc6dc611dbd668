import type { NatsConnection } from '@nats-io/nats-core';
import { describeError } from '@fairlead/contracts';
import { createAssembler } from './assembler.js';
import { createBell } from './bell.js';
import { compareVersions, decodeIncrement, markerKey, type Increment, type PlacementVersion } from './format/index.js';
import { placementNames, type PlacementNames } from './names.js';
import type { PlacementSnapshot } from './snapshot.js';

/** Follows placement. */
export interface PlacementWatch {
  /** The newest complete snapshot seen; kept while its origin is away or lost. Undefined before the first. */
  current(): PlacementSnapshot | undefined;
  stop(): Promise<void>;
}

/** Follows placement in KV. */
export interface PlacementReader extends PlacementWatch {
  /** Looks into the bucket now, as it is done every second: worth it when a connection came back. */
  look(): void;
}

/** Where a reader tells what it can't do; pino's and many others fit. */
export interface ReaderLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const longestPauseMs = 1000;
const shortestPauseMs = 5;
/** What shows is right for as long after it was told of: publishers do so every three seconds. */
const vouchedForMs = 5000;
const readsAtOnce = 32;
const readTimeoutMs = 5000;
const notFound = 404;

/**
 * Follows the placement bucket in the background for ever, through lost connections and a bucket made anew. `onSnapshot`
 * runs for each new snapshot, never for an older or repeated version; what it throws is logged.
 *
 * Each publication comes as an increment over core NATS, and in between publishers tell every three seconds what is in force. Who missed something, or
 * has nothing yet, reads the bucket; so does everybody each second in which nobody tells. That needs two rights and no more: to read values directly, and to hear of increments (docs/adr/0011).
 */
export function watchPlacement(options: {
  /** A connection that reconnects by itself; or what gives the one at hand, undefined while there is none. */
  connection: NatsConnection | (() => NatsConnection | undefined);
  /** Where placement stands; the default namespace's when not given. */
  names?: PlacementNames;
  logger?: ReaderLogger;
  onSnapshot?: (snapshot: PlacementSnapshot) => void;
}): PlacementReader {
  const { connection: given, names = placementNames(), logger } = options;
  const connected = typeof given === 'function' ? given : () => (given.isClosed() ? undefined : given);
  const assembler = createAssembler();
  const bell = createBell();
  let stopping = false;
  let woken = true;
  /** The highest version heard of and not shown. */
  let heard: PlacementVersion | undefined;
  /** Until when what is shown needs no look. */
  let vouchedUntilMs = -Infinity;
  let problem: string | undefined;
  let listening: { connection: NatsConnection; stop(): void } | undefined;

  async function read(connection: NatsConnection, key: string): Promise<Uint8Array | undefined> {
    const subject = `$KV.${names.bucket}.${key}`;
    const stored = await connection.request(`$JS.API.DIRECT.GET.KV_${names.bucket}.${subject}`, '', { timeout: readTimeoutMs });
    const { headers } = stored;
    if (headers === undefined) throw new Error('NATS answered with something else than a value');
    if (headers.code === notFound) return undefined;
    if (headers.code !== 0) throw new Error(`NATS does not give the value: ${headers.status}`);
    // Who deletes a key leaves a message without a value.
    return headers.get('Nats-Subject') === subject && !headers.has('KV-Operation') ? stored.data : undefined;
  }

  /** Reads the marker and the chunks that it names and are not here yet. True when all of them are: not when they were replaced meanwhile. */
  async function look(connection: NatsConnection): Promise<boolean> {
    const marker = await read(connection, markerKey);
    if (marker === undefined) throw new Error('there is no placement in the bucket yet');
    // What an earlier look did not complete may have been replaced since, also by an older state.
    assembler.forget();
    if (assembler.isShown(marker)) return true;
    tell(assembler.take(markerKey, marker));
    const missing = assembler.missing();
    for (let start = 0; start < missing.length; start += readsAtOnce) {
      await Promise.all(
        missing.slice(start, start + readsAtOnce).map(async (key) => {
          const value = await read(connection, key);
          // At once: what an increment brings meanwhile is newer.
          if (value !== undefined) tell(assembler.take(key, value));
        }),
      );
    }
    return assembler.missing().length === 0;
  }

  function tell(snapshot: PlacementSnapshot | undefined): void {
    if (snapshot === undefined || stopping) return;
    try {
      options.onSnapshot?.(snapshot);
    } catch (error) {
      const { epoch, revision } = snapshot;
      logger?.error({ epoch, revision, error: describeError(error) }, 'a placement snapshot was not applied');
    }
  }

  async function tryLook(connection: NatsConnection): Promise<boolean> {
    try {
      const complete = await look(connection);
      if (problem !== undefined) logger?.info({ bucket: names.bucket }, 'placement can be read again');
      problem = undefined;
      return complete;
    } catch (error) {
      const text = describeError(error);
      if (text !== problem && connected() !== undefined && !isStopping()) {
        logger?.warn({ bucket: names.bucket, error: text }, 'placement can not be read; the last snapshot stays');
        problem = text;
      }
      return false;
    }
  }

  function hear(error: Error | null, data: Uint8Array): void {
    let increment: Increment;
    try {
      if (error !== null) throw error;
      increment = decodeIncrement(data);
    } catch (failure) {
      logger?.warn({ subject: names.increments, error: describeError(failure) }, 'a placement increment was not understood');
      wake();
      return;
    }
    const outcome = assembler.advance(increment);
    if (outcome === 'old') return;
    if (outcome === 'same') {
      vouchedUntilMs = performance.now() + vouchedForMs;
      return;
    }
    if (outcome === 'missed') {
      if (heard === undefined || compareVersions(increment, heard) > 0) heard = increment;
      wake();
      return;
    }
    vouchedUntilMs = performance.now() + vouchedForMs;
    tell(outcome);
  }

  /** Listens on the connection at hand, if that is another one than before; the client restores it when one comes back. */
  function listen(connection: NatsConnection): void {
    if (listening?.connection === connection) return;
    listening?.stop();
    const subscription = connection.subscribe(names.increments, {
      callback: (error, message) => {
        hear(error, error === null ? message.data : new Uint8Array());
      },
    });
    listening = {
      connection,
      stop: () => {
        subscription.unsubscribe();
      },
    };
  }

  const isBehind = () => {
    const shown = assembler.current();
    return heard !== undefined && (shown === undefined || compareVersions(heard, shown) > 0);
  };

  function wake(): void {
    woken = true;
    bell.ring();
  }

  /** Waits until it is time to look. */
  async function rest(pauseMs: number): Promise<void> {
    let untilMs = performance.now() + pauseMs;
    while (!woken && !stopping && performance.now() < untilMs) {
      await bell.wait(untilMs - performance.now());
      if (pauseMs === longestPauseMs) untilMs = Math.max(untilMs, vouchedUntilMs);
    }
  }

  async function run(): Promise<void> {
    let pauseMs = longestPauseMs;
    while (!isStopping()) {
      // A replica of the bucket may be behind what was heard of: soon, and then less often, it is looked for again.
      if (woken) pauseMs = shortestPauseMs;
      woken = false;
      const connection = connected();
      if (connection !== undefined) listen(connection);
      const complete = connection !== undefined && (await tryLook(connection));
      pauseMs = complete && !isBehind() ? longestPauseMs : Math.min(pauseMs * 2, longestPauseMs);
      await rest(pauseMs);
    }
  }
  // A function, because the compiler cannot know that stop() runs while we wait.
  const isStopping = () => stopping;

  void run();
  return {
    current: () => assembler.current(),
    look: wake,
    stop() {
      stopping = true;
      listening?.stop();
      bell.ring();
      // A question that has no answer yet is not waited for; what it answers is dropped.
      return Promise.resolve();
    },
  };
}
