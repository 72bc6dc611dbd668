import { eventCatalogue, FairleadError, type EventCatalogue } from '@fairlead/contracts';
import { sqlState, type Sql } from '@fairlead/postgres';
import { currentContext } from '@fairlead/telemetry';
import { encodeCommand } from './command.js';
import type { AnyCommand, AppendOutcome, Command } from './types.js';

const tooLarge = '54000';

interface ResultRow {
  status: 'ok' | 'repeated' | 'conflict';
  first_position: number | null;
  last_position: number | null;
  conflict: { aggregate_type: string; aggregate_id: string; expected: number; actual: number } | null;
}

export interface Appended {
  firstPosition: number;
  lastPosition: number;
  /** The command was appended before, by an earlier try; nothing was appended now. */
  repeated: boolean;
}

/**
 * Appends within the caller's transaction. Call it last: it holds the log's head until the transaction ends, so
 * everybody else's appends wait, and a transaction that takes longer than 3 s from here is cut off. Throws
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

async function appendAll(tx: Sql, commands: readonly AnyCommand[], catalogue: EventCatalogue): Promise<Appended[]> {
  if (commands.length === 0) return [];
  const context = currentContext();
  const outcomes = await callAppend(
    tx,
    commands.map((command) => encodeCommand(command, context, catalogue).json),
  );
  return outcomes.map((outcome) => {
    if (outcome.status === 'ok')
      return { firstPosition: outcome.firstPosition, lastPosition: outcome.lastPosition, repeated: outcome.repeated };
    throw new FairleadError('version_conflict', `${outcome.aggregateType} ${outcome.aggregateId} has changed meanwhile`, {
      details: { expected: outcome.expected, actual: outcome.actual },
    });
  });
}

/** Calls log.append once; one outcome a command, in their order. */
export async function callAppend(sql: Sql, commands: readonly string[]): Promise<AppendOutcome[]> {
  let rows: ResultRow[];
  try {
    rows = await sql.query<ResultRow>(
      'select status, first_position, last_position, conflict from log.append($1::jsonb) order by command_index',
      [`[${commands.join(',')}]`],
    );
  } catch (error) {
    if (sqlState(error) === tooLarge) throw new FairleadError('too_large', 'more than the event log takes at once', { cause: error });
    throw error;
  }
  if (rows.length !== commands.length) throw new Error('each command has one outcome');
  return rows.map(outcomeOf);
}

function outcomeOf(row: ResultRow): AppendOutcome {
  if (row.status === 'conflict') {
    if (row.conflict === null) throw new Error('a conflict says what it is about');
    const { aggregate_type: aggregateType, aggregate_id: aggregateId, expected, actual } = row.conflict;
    return { status: 'conflict', aggregateType, aggregateId, expected, actual };
  }
  if (row.first_position === null || row.last_position === null) throw new Error('what was appended has positions');
  return { status: 'ok', firstPosition: row.first_position, lastPosition: row.last_position, repeated: row.status === 'repeated' };
}
