/**
 * Coalesces concurrent commands: while one call to the log is on its way, what comes meanwhile waits, and travels
 * together in the next. The calls of a process follow each other, on one connection, so its commands are appended in the
 * order they were given, and a large one is never overtaken. Only those of a call that failed may come later: one that was
 * given after them without waiting, and expects their versions, is then a conflict. The longer a call takes, because others
 * hold the head, the more the next one carries.
 */
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { eventCatalogue, FairleadError, newId, type EventCatalogue, type ProductEvents } from '@fairlead/contracts';
import { isConnectionError, sqlState, type Pipeline, type Sql } from '@fairlead/postgres';
import { currentContext, type Registry } from '@fairlead/telemetry';
import { callAppend } from './append.js';
import { encodeCommand, maxCommandBytes, type EncodedCommand } from './command.js';
import { appendMetrics } from './metrics.js';
import { partitionMissing } from './sql/append.js';
import type { AppendOutcome, Command } from './types.js';

export interface AppenderOptions<Catalogue extends EventCatalogue = ProductEvents> {
  /** On a pipeline a second call is sent after the first while many wait; else one call at a time. */
  sql: Sql | Pipeline;
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

type Batch = readonly Queued[];

/** What one call carries at most; a command's own bounds let each one fit. */
const maxBatchBytes = maxCommandBytes;
const maxBatchEvents = 5_000;
/** Pauses before a call is repeated whose connection was lost. */
const retryPausesMs = [50, 500];

/** SQLSTATE of a transaction that held the head for longer than it may. */
const tookTooLong = '25P04';

/** So many must wait before a second call is sent after the first: of fewer, one call more costs more than it gains. */
const worthASecondCall = 20;

/** Makes an appender; commands given at the same time travel together, in one short statement. */
export function createAppender<Catalogue extends EventCatalogue = ProductEvents>(options: AppenderOptions<Catalogue>): Appender<Catalogue> {
  const { sql, onAppended, maxQueued = 10_000, maxQueuedBytes = 64 * 1024 * 1024, maxBatch = 500 } = options;
  const catalogue: EventCatalogue = options.catalogue ?? eventCatalogue;
  const measure = appendMetrics(options.registry);
  /** In the order they were given. */
  const queue: Queued[] = [];
  let queuedBytes = 0;
  /** Commands that a call can carry now: half of what took the log too long, then more with each call that went well. */
  let pace = maxBatch;
  const maxCalls = 'inOrder' in sql ? 2 : 1;
  let calls = 0;
  /** Commands in these calls. */
  let onTheirWay = 0;
  /** Calls that failed, and are not done with. */
  let troubles = 0;
  /** Resolves when all calls so far are settled. */
  let settled = Promise.resolve();
  let sending = false;
  let closed = false;

  /** At the end of this turn, so that what is given in it travels together. */
  function sendSoon(): void {
    if (sending) return;
    sending = true;
    process.nextTick(send);
  }

  function send(): void {
    sending = false;
    while (queue.length > 0 && (calls === 0 || (calls < maxCalls && troubles === 0 && queue.length >= worthASecondCall))) {
      const batch = takeBatch();
      calls += 1;
      onTheirWay += batch.length;
      const before = settled;
      const done = call(batch, before).then(() => {
        calls -= 1;
        onTheirWay -= batch.length;
        if (queue.length > 0) sendSoon();
      });
      settled = Promise.all([before, done]).then(() => undefined);
    }
  }

  /**
   * Takes from the queue's front what travels together; at least one command. Of many callers that all wait, half are left
   * to the call after, so that this process and Postgres work at the same time and not in turn.
   */
  function takeBatch(): Batch {
    const waiting = queue.length + onTheirWay;
    const most = maxCalls === 1 || waiting < 2 * worthASecondCall ? pace : Math.min(pace, Math.ceil(waiting / 2));
    let [size, bytes, events] = [0, 0, 0];
    for (const entry of queue) {
      if (size > 0 && (size >= most || bytes + entry.bytes > maxBatchBytes || events + entry.events.length > maxBatchEvents)) break;
      size += 1;
      bytes += entry.bytes;
      events += entry.events.length;
    }
    queuedBytes -= bytes;
    return queue.splice(0, size);
  }

  /** Never throws. What its first try fails with is dealt with when the calls before it are settled. */
  async function call(batch: Batch, before: Promise<void>): Promise<void> {
    try {
      settle(batch, await callAppend(sql, batch));
    } catch (error) {
      troubles += 1;
      await before;
      await mend(batch, error, retryPausesMs);
      troubles -= 1;
    }
  }

  /** After a lost connection the outcome is unknown; the command ids make a repeat safe. Never throws. */
  async function mend(batch: Batch, error: unknown, [pauseMs, ...pausesMs]: readonly number[]): Promise<void> {
    if (batch.length > 1 && sqlState(error) === tookTooLong) {
      pace = Math.ceil(batch.length / 2);
      await callEach([batch.slice(0, pace), batch.slice(pace)]);
    } else if (pauseMs !== undefined && (isConnectionError(error) || sqlState(error) === partitionMissing)) {
      try {
        // When it can't be made, the call tells.
        if (sqlState(error) === partitionMissing) await sql.query('select log.keep_partitions()').catch(() => undefined);
        else await pause(pauseMs);
        settle(batch, await callAppend(sql, batch));
      } catch (again) {
        await mend(batch, again, pausesMs);
      }
    } else if (batch.length > 1 && !isConnectionError(error)) {
      // One bad command fails the whole statement: each is tried alone, so that it fails alone.
      await callEach(batch.map((entry) => [entry]));
    } else {
      const told = isConnectionError(error)
        ? new FairleadError('unavailable', 'the connection to the log was lost; the command may be repeated with its id', { cause: error })
        : error;
      for (const entry of batch) entry.reject(told);
    }
  }

  async function callEach(batches: readonly Batch[]): Promise<void> {
    for (const batch of batches) {
      try {
        settle(batch, await callAppend(sql, batch));
      } catch (error) {
        await mend(batch, error, retryPausesMs);
      }
    }
  }

  function settle(batch: Batch, outcomes: readonly AppendOutcome[]): void {
    if (batch.length >= pace) pace = Math.min(maxBatch, pace + Math.ceil(pace / 8));
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
      queue.push(entry);
      queuedBytes += entry.bytes;
      sendSoon();
      if (signal === undefined) return;
      const giveUp = () => {
        const at = queue.indexOf(entry);
        if (at === -1) return;
        queue.splice(at, 1);
        queuedBytes -= entry.bytes;
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
      if (queue.length >= maxQueued) throw new FairleadError('overloaded', `${String(maxQueued)} commands wait to be appended`);
      // A call whose connection was lost is made again.
      const encoded = encodeCommand({ ...command, commandId: command.commandId ?? newId('command') }, currentContext(), catalogue);
      if (queuedBytes + encoded.bytes > maxQueuedBytes) {
        throw new FairleadError('overloaded', `commands of ${String(queuedBytes)} bytes wait to be appended`);
      }
      return enqueue(encoded, signal);
    },
    close: async () => {
      closed = true;
      while (queue.length > 0 || calls > 0) {
        await settled;
        await nextTurn();
      }
    },
  };
}

function givenUp(signal: AbortSignal): FairleadError {
  return new FairleadError('deadline_exceeded', 'the command was given up before it was on its way; nothing of it is appended', {
    cause: signal.reason,
  });
}
