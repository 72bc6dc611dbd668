/** Reads a page of a table: what is asked is found right, recorded, and only then read, as a role that can read nothing else. */
import { FairleadError } from '@fairlead/contracts';
import { appendInTransaction } from '@fairlead/event-log';
import { dataReaderRole, sqlState, type Database } from '@fairlead/postgres';
import { readTables, type Column, type Table } from './tables.js';
import { cursorOf, mask, maxCellLength, nameOf, orderText, questionOf, statementOf, type Asked, type Question } from './question.js';

export interface Data {
  /** Tables, and what of them may be read. */
  tables(): Promise<Table[]>;
  /**
   * A page of a table's rows. Throws `not_found`, `permission_denied` and `invalid_argument` as {@link questionOf} does, `rate_limited` while
   * others read, `deadline_exceeded` when Postgres takes too long; and what recording it throws, such as `audit_unavailable`: then nothing
   * was read.
   */
  read(name: { schema: string; name: string }, asked: Asked): Promise<Rows>;
}

export interface Rows {
  readonly table: Table;
  readonly columns: readonly Column[];
  /** A value for each of the columns: a text cut to a bounded length, null, or {@link mask}. */
  readonly rows: readonly (readonly (string | null)[])[];
  /** Undefined at the end. */
  readonly next: string | undefined;
}

/** How long a page may take in Postgres, waiting for locks included. */
const timeoutMs = 5_000;
/** The texts of a page; it ends with the row that goes beyond, and goes on behind it. */
const maxPageLength = 1_000_000;
/** Pages that are read at the same time: each holds one of the gateway's connections. */
const maxReads = 2;
/** SQLSTATE of a statement that took too long. */
const tookTooLong = '57014';

/** Makes the browser of a gateway's database. */
export function createData({ database, onAppended }: { database: Database; onAppended: (position: number) => void }): Data {
  let reads = 0;
  return {
    tables: () => readTables(database),
    read: async (name, asked) => {
      const [table] = await readTables(database, name);
      if (table === undefined) throw new FairleadError('not_found', `There is no table ${nameOf(name)}`);
      const question = questionOf(table, asked);
      if (reads >= maxReads)
        throw new FairleadError('rate_limited', `${String(maxReads)} pages of tables are being read already: try again`);
      reads += 1;
      try {
        onAppended(await record(database, question));
        return pageOf(question, await select(database, question));
      } finally {
        reads -= 1;
      }
    },
  };
}

/** Commits the event that says what is about to be handed out, to the principal at hand; answers its position. */
async function record(database: Database, question: Question): Promise<number> {
  const payload = {
    columns: question.columns.map(({ name }) => name),
    filter: question.filter.map((condition) => ({ ...condition })),
    order: orderText(question),
    limit: question.limit,
    continued: question.after !== undefined,
  };
  const event = { aggregateType: 'data_table', aggregateId: nameOf(question.table), type: 'data_read', payload } as const;
  return database.transaction(async (tx) => (await appendInTransaction(tx, { events: [event] })).lastPosition);
}

interface Row {
  readonly cells: readonly (string | null)[];
  readonly place: readonly string[];
}

async function select(database: Database, question: Question): Promise<Row[]> {
  const { text, params } = statementOf(question);
  try {
    return await database.transaction(async (tx) => {
      await tx.query('set transaction read only');
      await tx.query(
        `select set_config('statement_timeout', $1, true), set_config('timezone', 'UTC', true), set_config('search_path', '', true)`,
        [String(timeoutMs)],
      );
      // Last: from here on nothing but what the role was given can be read.
      await tx.query(`set local role ${dataReaderRole}`);
      return tx.query<Row>(text, params);
    });
  } catch (error) {
    if (sqlState(error) !== tookTooLong) throw error;
    throw new FairleadError(
      'deadline_exceeded',
      `Postgres did not answer within ${String(timeoutMs / 1_000)} s: ask for less, by a filter or an order that an index serves, such as the key`,
      { cause: error },
    );
  }
}

function pageOf(question: Question, found: readonly Row[]): Rows {
  const rows: (string | null)[][] = [];
  let length = 0;
  for (const { cells } of found.slice(0, question.limit)) {
    if (length > maxPageLength) break;
    length += cells.reduce((sum, cell) => sum + (cell?.length ?? 0), 0);
    const values = cells.map((cell) => cut(cell))[Symbol.iterator]();
    rows.push(question.columns.map(({ masked }) => (masked ? mask : (values.next().value ?? null))));
  }
  const last = found[rows.length - 1];
  const next = last !== undefined && found.length > rows.length ? cursorOf(question, last.place) : undefined;
  return { table: question.table, columns: question.columns, rows, next };
}

function cut(cell: string | null): string | null {
  if (cell === null || cell.length <= maxCellLength) return cell;
  const points = Array.from(cell);
  return points.length <= maxCellLength ? cell : `${points.slice(0, maxCellLength).join('')}…`;
}
