import { eventCatalogue, FairleadError, type EventCatalogue } from '@fairlead/contracts';
import { isConnectionError, sqlState, type Sql } from '@fairlead/postgres';
import { currentContext } from '@fairlead/telemetry';
import { notTaken } from './audit-gate.js';
import { encodeCommand, type EncodedCommand, type EncodedEvent } from './command.js';
import { partitionMissing } from './sql/append.js';
import { textArray } from './text-array.js';
import type { AnyCommand, AppendOutcome, Command } from './types.js';

const tooLarge = '54000';

/**
 * What the log answers when it takes nothing, whoever asks: no right to append or no such function (class 42), no partition for the next
 * position, no room (53), a standby, or files that are broken (58, XX).
 */
const takesNothing = new RegExp(`^(?:${partitionMissing}|23514|25006|42...|53...|58...|XX...)$`);

/** What becomes of one command, when not all of a call were appended. */
type Outcome =
  | { status: 'ok' | 'repeated'; first_position: number; last_position: number }
  | { status: 'conflict'; conflict: { aggregate_type: string; aggregate_id: string; expected: number; actual: number } };

export interface AppendAnswer {
  first_position: number | null;
  /** null when all were appended, one after the other. */
  outcomes: Outcome[] | null;
}

interface AppendEventAnswer {
  status: 'ok' | 'repeated' | 'conflict';
  first_position: number | null;
  last_position: number | null;
  actual: number | null;
}

export interface Appended {
  firstPosition: number;
  lastPosition: number;
  /** The command was appended before, by an earlier try; nothing was appended now. */
  repeated: boolean;
}

/**
 * Appends within the caller's transaction. Call it last: it holds the log's head until the transaction ends, so
 * everybody else's appends wait, and a transaction that takes longer than 2 s from here is cut off. Throws
 * `version_conflict`; then the transaction must not be committed. Events are of the product's catalogue, or of the given one.
 */
export async function appendInTransaction(tx: Sql, command: Command): Promise<Appended>;
export async function appendInTransaction<Catalogue extends EventCatalogue>(
  tx: Sql,
  command: Command<Catalogue>,
  catalogue: Catalogue,
): Promise<Appended>;
export async function appendInTransaction(tx: Sql, command: AnyCommand, catalogue: EventCatalogue = eventCatalogue): Promise<Appended> {
  const [appended] = await appendAll(tx, [command], catalogue);
  if (appended === undefined) throw new Error('one command has one outcome');
  return appended;
}

/** The same for several commands, in order, in one call: at most 10,000 events. */
export async function appendAllInTransaction(tx: Sql, commands: readonly Command[]): Promise<Appended[]>;
export async function appendAllInTransaction<Catalogue extends EventCatalogue>(
  tx: Sql,
  commands: readonly Command<Catalogue>[],
  catalogue: Catalogue,
): Promise<Appended[]>;
export async function appendAllInTransaction(
  tx: Sql,
  commands: readonly AnyCommand[],
  catalogue: EventCatalogue = eventCatalogue,
): Promise<Appended[]> {
  return appendAll(tx, commands, catalogue);
}

/** A command that was checked, with the metadata of the context it was prepared in. */
export type PreparedCommand = EncodedCommand;

/** Checks a command, so that it can be appended later beside others, whose contexts differ; throws what appending would. */
export function prepareCommand(command: Command): PreparedCommand {
  return encodeCommand(command, currentContext(), eventCatalogue);
}

async function appendAll(tx: Sql, commands: readonly AnyCommand[], catalogue: EventCatalogue): Promise<Appended[]> {
  const context = currentContext();
  return appendPrepared(
    tx,
    commands.map((command) => encodeCommand(command, context, catalogue)),
  );
}

/** As {@link appendAllInTransaction}, of commands that were prepared each in its own context. */
export async function appendPrepared(tx: Sql, commands: readonly PreparedCommand[]): Promise<Appended[]> {
  return commands.length === 0 ? [] : appendedOf(await callAppend(tx, commands));
}

/**
 * For functions of a service's own that call `log.append` with what else they write, in one statement: its parameters in their order, and
 * what its answer means. Throws `version_conflict`; then the statement must have been rolled back.
 */
export function appendWithin(commands: readonly PreparedCommand[]): { params: unknown[]; appended: (answer: AppendAnswer) => Appended[] } {
  return { params: parametersOf(commands), appended: (answer) => appendedOf(outcomesOf(commands, answer)) };
}

function appendedOf(outcomes: readonly AppendOutcome[]): Appended[] {
  return outcomes.map((outcome) => {
    if (outcome.status === 'ok')
      return { firstPosition: outcome.firstPosition, lastPosition: outcome.lastPosition, repeated: outcome.repeated };
    throw new FairleadError('version_conflict', `${outcome.aggregateType} ${outcome.aggregateId} has changed meanwhile`, {
      details: { expected: outcome.expected, actual: outcome.actual },
    });
  });
}

const appendText = 'select first_position, outcomes from log.append($1, $2, $3, $4, $5, $6, $7, $8, $9)';
const appendEventText = 'select status, first_position, last_position, actual from log.append_event($1, $2, $3, $4, $5, $6, $7, $8)';

/** Calls the log once; one outcome a command, in their order. */
export async function callAppend(sql: Sql, commands: readonly EncodedCommand[]): Promise<AppendOutcome[]> {
  const [first] = commands;
  const alone = commands.length === 1 && first?.events.length === 1 ? first.events[0] : undefined;
  try {
    if (first !== undefined && alone !== undefined) return [await callAppendEvent(sql, first.id, alone)];
    const [answer] = await sql.query<AppendAnswer>(appendText, parametersOf(commands), 'log.append');
    if (answer === undefined) throw new Error('a call has one answer');
    return outcomesOf(commands, answer);
  } catch (error) {
    throw appendFailure(error);
  }
}

/**
 * What an error of `log.append` means to who wanted to record something: `too_large`, `audit_unavailable` when the log takes nothing,
 * else the error as it is. For functions of a service's own that call it; the transaction must not be committed.
 */
export function appendFailure(error: unknown): unknown {
  const state = sqlState(error);
  if (state === tooLarge) return new FairleadError('too_large', 'more than the event log takes at once', { cause: error });
  return state !== undefined && takesNothing.test(state) && !isConnectionError(error) ? notTaken(error) : error;
}

/** A lone event takes the short way: nothing has to be brought in order among others. */
async function callAppendEvent(sql: Sql, commandId: string | null, event: EncodedEvent): Promise<AppendOutcome> {
  const { aggregateType, aggregateId, expectedVersion, type, schemaVersion, payload, meta } = event;
  const params = [commandId, aggregateType, aggregateId, expectedVersion, type, schemaVersion, payload, meta];
  const [row] = await sql.query<AppendEventAnswer>(appendEventText, params, 'log.append_event');
  if (row === undefined) throw new Error('an event has one outcome');
  if (row.status !== 'conflict') return appendedOutcome(row.status, row.first_position, row.last_position);
  return { status: 'conflict', aggregateType, aggregateId, expected: expectedVersion ?? 0, actual: row.actual ?? 0 };
}

function parametersOf(commands: readonly EncodedCommand[]): unknown[] {
  const events = commands.flatMap((command) => command.events);
  let end = 0;
  return [
    textArray(commands.map((command) => command.id)),
    commands.map((command) => (end += command.events.length)),
    textArray(events.map((event) => event.aggregateType)),
    textArray(events.map((event) => event.aggregateId)),
    events.map((event) => event.expectedVersion),
    textArray(events.map((event) => event.type)),
    events.map((event) => event.schemaVersion),
    textArray(events.map((event) => event.payload)),
    textArray(events.map((event) => event.meta)),
  ];
}

function outcomesOf(commands: readonly EncodedCommand[], { first_position: first, outcomes }: AppendAnswer): AppendOutcome[] {
  if (outcomes !== null) {
    if (outcomes.length !== commands.length) throw new Error('each command has one outcome');
    return outcomes.map(outcomeOf);
  }
  let next = first ?? NaN;
  return commands.map((command) => {
    next += command.events.length;
    return appendedOutcome('ok', next - command.events.length, next - 1);
  });
}

function outcomeOf(given: Outcome): AppendOutcome {
  if (given.status !== 'conflict') return appendedOutcome(given.status, given.first_position, given.last_position);
  const { aggregate_type: aggregateType, aggregate_id: aggregateId, expected, actual } = given.conflict;
  return { status: 'conflict', aggregateType, aggregateId, expected, actual };
}

function appendedOutcome(status: 'ok' | 'repeated', firstPosition: number | null, lastPosition: number | null): AppendOutcome {
  if (firstPosition === null || lastPosition === null || Number.isNaN(firstPosition)) throw new Error('what was appended has positions');
  return { status: 'ok', firstPosition, lastPosition, repeated: status === 'repeated' };
}
