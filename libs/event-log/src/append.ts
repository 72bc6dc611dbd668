import { FairleadError } from '@fairlead/contracts';
import { isConnectionError, type Sql } from '@fairlead/postgres';
import { currentContext, traceIdOf } from '@fairlead/telemetry';
import type { AppendOutcome, Command, EventMeta, NewEvent } from './types.js';

/** The largest payload of one event, in bytes of JSON. */
export const maxEventBytes = 256 * 1024;
const maxEventsPerCommand = 1_000;

interface ResultRow {
  command_index: number;
  status: 'ok' | 'repeated' | 'conflict';
  first_position: number | null;
  last_position: number | null;
  conflict: { aggregate_type: string; aggregate_id: string; expected: number; actual: number } | null;
}

export interface Appended {
  firstPosition: number;
  lastPosition: number;
  repeated: boolean;
}

/**
 * Appends within the caller's transaction. Call it last: it holds the log's head until the transaction ends, so
 * everybody else's appends wait. Throws `version_conflict`; then the transaction must not be committed.
 */
export async function appendInTransaction(tx: Sql, command: Command): Promise<Appended> {
  const [appended] = await appendAllInTransaction(tx, [command]);
  if (appended === undefined) throw new Error('one command has one outcome');
  return appended;
}

/** The same for several commands in one call. */
export async function appendAllInTransaction(tx: Sql, commands: readonly Command[]): Promise<Appended[]> {
  const outcomes = await callAppend(tx, commands.map(encodeCommand));
  return outcomes.map((outcome) => {
    if (outcome.status === 'ok') return outcome;
    throw new FairleadError('version_conflict', `${outcome.aggregateType} ${outcome.aggregateId} has changed meanwhile`, {
      details: { expected: outcome.expected, actual: outcome.actual },
    });
  });
}

export interface Appender {
  /** Appends one command; commands given at the same time travel together. A conflict is an outcome, not an error. */
  append(command: Command): Promise<AppendOutcome>;
  /** Waits for what is queued; later appends are refused. */
  close(): Promise<void>;
}

interface Queued {
  encoded: string;
  resolve(outcome: AppendOutcome): void;
  reject(error: unknown): void;
}

/**
 * Makes an appender that coalesces concurrent commands into one short statement each. More than `maxQueued`
 * waiting commands are refused with `overloaded` instead of queued without bound.
 */
export function createAppender(options: { sql: Sql; onAppended?: (position: number) => void; maxQueued?: number; maxBatch?: number }): Appender {
  const { sql, onAppended, maxQueued = 10_000, maxBatch = 500 } = options;
  const queue: Queued[] = [];
  let draining: Promise<void> | undefined;
  let closed = false;

  async function drain(): Promise<void> {
    while (queue.length > 0) await flush(queue.splice(0, maxBatch));
    draining = undefined;
  }

  async function flush(batch: Queued[]): Promise<void> {
    try {
      settle(batch, await callSafely(sql, batch.map((entry) => entry.encoded)));
    } catch (error) {
      if (batch.length === 1) {
        batch[0]?.reject(error);
        return;
      }
      // One bad command fails the whole statement: each is tried alone, so that it fails alone.
      for (const entry of batch) await flush([entry]);
    }
  }

  function settle(batch: Queued[], outcomes: AppendOutcome[]): void {
    const last = outcomes.reduce((reached, outcome) => (outcome.status === 'ok' ? Math.max(reached, outcome.lastPosition) : reached), 0);
    if (last > 0) onAppended?.(last);
    batch.forEach((entry, index) => {
      const outcome = outcomes[index];
      if (outcome === undefined) entry.reject(new Error('each command has an outcome'));
      else entry.resolve(outcome);
    });
  }

  return {
    append: (command) => {
      if (closed) return Promise.reject(new FairleadError('unavailable', 'the appender is closed'));
      if (queue.length >= maxQueued) return Promise.reject(new FairleadError('overloaded', `${String(maxQueued)} commands wait to be appended`));
      let encoded: string;
      try {
        encoded = encodeCommand(command);
      } catch (error) {
        return Promise.reject(error instanceof Error ? error : new Error(String(error)));
      }
      return new Promise((resolve, reject) => {
        queue.push({ encoded, resolve, reject });
        draining ??= Promise.resolve().then(drain);
      });
    },
    close: async () => {
      closed = true;
      await draining;
    },
  };
}

/** After a lost connection the outcome is unknown; the command ids make one repeat safe. */
async function callSafely(sql: Sql, commands: readonly string[]): Promise<AppendOutcome[]> {
  try {
    return await callAppend(sql, commands);
  } catch (error) {
    if (!isConnectionError(error)) throw error;
    return callAppend(sql, commands);
  }
}

async function callAppend(sql: Sql, commands: readonly string[]): Promise<AppendOutcome[]> {
  const rows = await sql.query<ResultRow>('select command_index, status, first_position, last_position, conflict from log.append($1::jsonb)', [`[${commands.join(',')}]`]);
  return rows.map((row) =>
    row.status === 'conflict' && row.conflict !== null
      ? { status: 'conflict', aggregateType: row.conflict.aggregate_type, aggregateId: row.conflict.aggregate_id, expected: row.conflict.expected, actual: row.conflict.actual }
      : { status: 'ok', firstPosition: row.first_position ?? 0, lastPosition: row.last_position ?? 0, repeated: row.status === 'repeated' },
  );
}

/** A command as JSON; throws `too_large` or `invalid_argument` for what the log would refuse. */
function encodeCommand(command: Command): string {
  if (command.events.length === 0 || command.events.length > maxEventsPerCommand) {
    throw new FairleadError('invalid_argument', `a command has 1 to ${String(maxEventsPerCommand)} events`);
  }
  return JSON.stringify({ command_id: command.commandId, events: command.events.map(encodeEvent) });
}

function encodeEvent(event: NewEvent) {
  if (Buffer.byteLength(JSON.stringify(event.payload)) > maxEventBytes) {
    throw new FairleadError('too_large', `event ${event.type} is larger than ${String(maxEventBytes)} bytes`);
  }
  return {
    aggregate_type: event.aggregateType,
    aggregate_id: event.aggregateId,
    ...(event.expectedVersion === undefined ? {} : { expected_version: event.expectedVersion }),
    type: event.type,
    schema_version: event.schemaVersion ?? 1,
    payload: event.payload,
    meta: metaOf(event.meta),
  };
}

function metaOf(given: Partial<EventMeta> = {}): EventMeta {
  const context = currentContext();
  const fromContext: Partial<EventMeta> =
    context === undefined
      ? {}
      : {
          principal: context.principal,
          via: context.via,
          tenant_id: context.tenantId,
          request_id: context.requestId,
          correlation_id: context.correlationId,
          trace_id: traceIdOf(context),
          job_id: context.jobId,
          step: context.step,
        };
  const meta = { ...fromContext, ...given };
  return { ...meta, principal: meta.principal ?? 'system', request_id: meta.request_id ?? '', correlation_id: meta.correlation_id ?? '' };
}
