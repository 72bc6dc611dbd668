/**
 * Coalesces concurrent commands: while one call to the log is on its way, what comes meanwhile waits, and travels
 * together in the next. One call at a time, so a process's commands are appended in the order they were given, and a
 * large one is never overtaken. The longer a call takes, because others hold the head, the more the next one carries.
 */
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { eventCatalogue, FairleadError, type EventCatalogue, type ProductEvents } from '@fairlead/contracts';
import { isConnectionError, sqlState, type Sql } from '@fairlead/postgres';
import { currentContext, type Registry } from '@fairlead/telemetry';
import { callAppend } from './append.js';
import { encodeCommand, maxCommandBytes, type EncodedCommand } from './command.js';
import { appendMetrics } from './metrics.js';
import { partitionMissing } from './sql/append.js';
import type { AppendOutcome, Command } from './types.js';

export interface AppenderOptions<Catalogue extends EventCatalogue = ProductEvents> {
  sql: Sql;
  /** What may be appended; the product's events when left out. */
  catalogue?: Catalogue;
  /** Told the last position of each call; pokes readers. Must not throw. */
  onAppended?: (position: number) => void;
  /** Commands that may wait; more are refused. */
  maxQueued?: number;
  /** What may wait, in bytes of JSON; more is refused. */
  maxQueuedBytes?: number;
  /** Commands in one call. */
  maxBatch?: number;
  registry?: Registry;
}

export interface Appender<Catalogue extends EventCatalogue = ProductEvents> {
  /**
   * Appends one command. A conflict is an outcome, not an error. Throws `unknown_event`, `invalid_argument` and
   * `too_large` for what the log does not take, `overloaded` when too much waits, and `unavailable` when the connection was lost and stayed
   * so: then the outcome is unknown, and the same command may be given again.
   *
   * A signal that aborts while the command still waits takes it back: nothing of it is appended, and it throws
   * `deadline_exceeded`. Once it is on its way the signal is not heard any more, and the outcome is waited for.
   */
  append(command: Command<Catalogue>, options?: { signal?: AbortSignal }): Promise<AppendOutcome>;
  /** Waits for what is queued; later appends are refused. */
  close(): Promise<void>;
}

interface Queued extends EncodedCommand {
  resolve(outcome: AppendOutcome): void;
  reject(error: unknown): void;
}

/** What one call carries at most; a command's own bounds let each one fit. */
const maxBatchBytes = maxCommandBytes;
const maxBatchEvents = 5_000;
/** Pauses before a call is repeated whose connection was lost. */
const retryPausesMs = [50, 500];

/** SQLSTATE of a transaction that held the head for longer than it may. */
const tookTooLong = '25P04';

/** Fewer travel in one call: that costs less than two. */
const worthHalving = 40;

/** Makes an appender; commands given at the same time travel together, in one short statement. */
export function createAppender<Catalogue extends EventCatalogue = ProductEvents>(options: AppenderOptions<Catalogue>): Appender<Catalogue> {
  const { sql, onAppended, maxQueued = 10_000, maxQueuedBytes = 64 * 1024 * 1024, maxBatch = 500 } = options;
  const catalogue: EventCatalogue = options.catalogue ?? eventCatalogue;
  const measure = appendMetrics(options.registry);
  /** In the order they were given. */
  const queue = new Set<Queued>();
  let queuedBytes = 0;
  /** Commands that a call can carry now: half of what took the log too long, then more with each call that went well. */
  let pace = maxBatch;
  let draining: Promise<void> | undefined;
  let closed = false;

  async function drain(): Promise<void> {
    let tellLast: () => void = () => undefined;
    let untold = 0;
    while (queue.size > 0) {
      const batch = takeBatch(untold);
      const settled = call(batch);
      if (untold > 0) {
        // Told only when the next call is on the wire: who hears it gives the next command while the log is at work.
        await nextTurn();
        tellLast();
      }
      tellLast = await settled;
      untold = batch.length;
    }
    draining = undefined;
    tellLast();
  }

  /**
   * Takes from the queue's front what travels together; at least one command. Of many callers that all wait, half are left
   * to the call after, so that this process and Postgres work at the same time and not in turn.
   */
  function takeBatch(untold: number): Queued[] {
    const outstanding = queue.size + untold;
    const most = outstanding < worthHalving ? pace : Math.min(pace, Math.ceil(outstanding / 2));
    const batch: Queued[] = [];
    let bytes = 0;
    let events = 0;
    for (const entry of queue) {
      bytes += entry.bytes;
      events += entry.events.length;
      if (batch.length > 0 && (batch.length >= most || bytes > maxBatchBytes || events > maxBatchEvents)) break;
      batch.push(entry);
      leave(entry);
    }
    return batch;
  }

  function leave(entry: Queued): void {
    if (queue.delete(entry)) queuedBytes -= entry.bytes;
  }

  /** Never throws; answers how to tell the callers. */
  async function call(batch: readonly Queued[]): Promise<() => void> {
    try {
      const outcomes = await callSafely(sql, batch);
      if (batch.length >= pace) pace = Math.min(maxBatch, pace + Math.ceil(pace / 8));
      return () => {
        settle(batch, outcomes);
      };
    } catch (error) {
      return failed(batch, error);
    }
  }

  async function failed(batch: readonly Queued[], error: unknown): Promise<() => void> {
    if (batch.length > 1 && sqlState(error) === tookTooLong) {
      pace = Math.ceil(batch.length / 2);
      const halves = [batch.slice(0, pace), batch.slice(pace)];
      for (const half of halves) (await call(half))();
      return () => undefined;
    }
    if (batch.length > 1 && !isConnectionError(error)) {
      // One bad command fails the whole statement: each is tried alone, so that it fails alone.
      for (const entry of batch) (await call([entry]))();
      return () => undefined;
    }
    const told = isConnectionError(error)
      ? new FairleadError('unavailable', 'the connection to the log was lost; the command may be repeated with its id', { cause: error })
      : error;
    return () => {
      for (const entry of batch) entry.reject(told);
    };
  }

  function settle(batch: readonly Queued[], outcomes: readonly AppendOutcome[]): void {
    measure(outcomes);
    const last = outcomes.reduce((reached, outcome) => (outcome.status === 'ok' ? Math.max(reached, outcome.lastPosition) : reached), 0);
    if (last > 0) onAppended?.(last);
    batch.forEach((entry, index) => {
      const outcome = outcomes[index];
      if (outcome !== undefined) entry.resolve(outcome);
    });
  }

  function enqueue(encoded: EncodedCommand, signal: AbortSignal | undefined): Promise<AppendOutcome> {
    return new Promise((resolve, reject) => {
      const entry: Queued = { ...encoded, resolve, reject };
      queue.add(entry);
      queuedBytes += entry.bytes;
      draining ??= Promise.resolve().then(drain);
      if (signal === undefined) return;
      const giveUp = () => {
        if (!queue.has(entry)) return;
        leave(entry);
        reject(givenUp(signal));
      };
      const stopListening = () => {
        signal.removeEventListener('abort', giveUp);
      };
      signal.addEventListener('abort', giveUp, { once: true });
      entry.resolve = (outcome) => {
        stopListening();
        resolve(outcome);
      };
      entry.reject = (error) => {
        stopListening();
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what the database threw is told as it is
        reject(error);
      };
    });
  }

  return {
    append: async (command, { signal } = {}) => {
      if (closed) throw new FairleadError('unavailable', 'the appender is closed');
      if (signal?.aborted === true) throw givenUp(signal);
      if (queue.size >= maxQueued) throw new FairleadError('overloaded', `${String(maxQueued)} commands wait to be appended`);
      const encoded = encodeCommand(command, currentContext(), catalogue);
      if (queuedBytes + encoded.bytes > maxQueuedBytes) {
        throw new FairleadError('overloaded', `commands of ${String(queuedBytes)} bytes wait to be appended`);
      }
      return enqueue(encoded, signal);
    },
    close: async () => {
      closed = true;
      await draining;
    },
  };
}

function givenUp(signal: AbortSignal): FairleadError {
  return new FairleadError('deadline_exceeded', 'the command was given up before it was on its way; nothing of it is appended', {
    cause: signal.reason,
  });
}

/** After a lost connection the outcome is unknown; the command ids make a repeat safe. */
async function callSafely(sql: Sql, commands: readonly EncodedCommand[]): Promise<AppendOutcome[]> {
  for (const pauseMs of retryPausesMs) {
    try {
      return await callAppend(sql, commands);
    } catch (error) {
      if (sqlState(error) === partitionMissing) await sql.query('select log.keep_partitions()');
      else if (commands.length > 1 && sqlState(error) === tookTooLong) throw error;
      else if (isConnectionError(error)) await pause(pauseMs);
      else throw error;
    }
  }
  return callAppend(sql, commands);
}
