/**
 * Coalesces concurrent commands: while one call to log.append is on its way, what comes meanwhile waits, and travels
 * together in the next. One call at a time, so a process's commands are appended in the order they were given.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { eventCatalogue, FairleadError, type EventCatalogue, type ProductEvents } from '@fairlead/contracts';
import { isConnectionError, sqlState, type Sql } from '@fairlead/postgres';
import { currentContext, type Registry } from '@fairlead/telemetry';
import { callAppend } from './append.js';
import { encodeCommand, type EncodedCommand } from './command.js';
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
  /** Commands in one call. */
  maxBatch?: number;
  registry?: Registry;
}

export interface Appender<Catalogue extends EventCatalogue = ProductEvents> {
  /**
   * Appends one command. A conflict is an outcome, not an error. Throws `unknown_event`, `invalid_argument` and
   * `too_large` for what the log does not take, `overloaded` when too many wait, and `unavailable` when the connection was lost and stayed
   * so: then the outcome is unknown, and the same command may be given again.
   */
  append(command: Command<Catalogue>): Promise<AppendOutcome>;
  /** Waits for what is queued; later appends are refused. */
  close(): Promise<void>;
}

interface Queued extends EncodedCommand {
  resolve(outcome: AppendOutcome): void;
  reject(error: unknown): void;
}

const maxBatchBytes = 4 * 1024 * 1024;
const maxBatchEvents = 5_000;
/** Pauses before a call is repeated whose connection was lost. */
const retryPausesMs = [50, 500];

/** Makes an appender; commands given at the same time travel together, in one short statement. */
export function createAppender<Catalogue extends EventCatalogue = ProductEvents>(options: AppenderOptions<Catalogue>): Appender<Catalogue> {
  const { sql, onAppended, maxQueued = 10_000, maxBatch = 500 } = options;
  const catalogue: EventCatalogue = options.catalogue ?? eventCatalogue;
  const measure = appendMetrics(options.registry);
  const queue: Queued[] = [];
  let draining: Promise<void> | undefined;
  let closed = false;

  async function drain(): Promise<void> {
    while (queue.length > 0) await flush(queue.splice(0, batchLength(queue, maxBatch)));
    draining = undefined;
  }

  async function flush(batch: readonly Queued[]): Promise<void> {
    let outcomes: AppendOutcome[];
    try {
      outcomes = await callSafely(
        sql,
        batch.map((entry) => entry.json),
      );
    } catch (error) {
      await fail(batch, error);
      return;
    }
    settle(batch, outcomes);
  }

  async function fail(batch: readonly Queued[], error: unknown): Promise<void> {
    if (batch.length > 1 && !isConnectionError(error)) {
      // One bad command fails the whole statement: each is tried alone, so that it fails alone.
      for (const entry of batch) await flush([entry]);
      return;
    }
    const told = isConnectionError(error)
      ? new FairleadError('unavailable', 'the connection to the log was lost; the command may be repeated with its id', { cause: error })
      : error;
    for (const entry of batch) entry.reject(told);
  }

  function settle(batch: readonly Queued[], outcomes: readonly AppendOutcome[]): void {
    measure(outcomes);
    const last = outcomes.reduce((reached, outcome) => (outcome.status === 'ok' ? Math.max(reached, outcome.lastPosition) : reached), 0);
    batch.forEach((entry, index) => {
      const outcome = outcomes[index];
      if (outcome !== undefined) entry.resolve(outcome);
    });
    if (last > 0) onAppended?.(last);
  }

  return {
    append: async (command) => {
      if (closed) throw new FairleadError('unavailable', 'the appender is closed');
      if (queue.length >= maxQueued) throw new FairleadError('overloaded', `${String(maxQueued)} commands wait to be appended`);
      const encoded = encodeCommand(command, currentContext(), catalogue);
      return new Promise((resolve, reject) => {
        queue.push({ ...encoded, resolve, reject });
        draining ??= Promise.resolve().then(drain);
      });
    },
    close: async () => {
      closed = true;
      await draining;
    },
  };
}

/** How many commands from the queue's front travel together; at least one. */
function batchLength(queue: readonly EncodedCommand[], maxBatch: number): number {
  let bytes = 0;
  let events = 0;
  let length = 0;
  for (const entry of queue) {
    bytes += entry.json.length;
    events += entry.events;
    if (length > 0 && (length >= maxBatch || bytes > maxBatchBytes || events > maxBatchEvents)) break;
    length += 1;
  }
  return length;
}

/** After a lost connection the outcome is unknown; the command ids make a repeat safe. */
async function callSafely(sql: Sql, commands: readonly string[]): Promise<AppendOutcome[]> {
  for (const pauseMs of retryPausesMs) {
    try {
      return await callAppend(sql, commands);
    } catch (error) {
      if (sqlState(error) === partitionMissing) await sql.query('select log.keep_partitions()');
      else if (isConnectionError(error)) await pause(pauseMs);
      else throw error;
    }
  }
  return callAppend(sql, commands);
}
