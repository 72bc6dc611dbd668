/** Statements that write and tell the log of it at once, when all of it can be written. */
import { appendWithin, type AppendAnswer, type Appended, type PreparedCommand } from '@fairlead/event-log';
import { sqlState, type Sql } from '@fairlead/postgres';

/** Raised by our functions when something of what they were given is not to be written; nothing has happened then. */
const refused = 'FL001';

const parameters = Array.from({ length: 10 }, (_, n) => `$${String(n + 1)}`).join(', ');

/**
 * Calls one of the functions; undefined when something was refused: then find out what, in a transaction of its own. Answers one
 * row for each thing given, and what became of each command.
 */
export async function writeAndTell(
  sql: Sql,
  name: 'tell_transitions' | 'start_jobs',
  given: readonly object[],
  commands: readonly PreparedCommand[],
): Promise<{ answers: readonly unknown[]; appended: Appended[] } | undefined> {
  const { params, appended } = appendWithin(commands);
  try {
    const [row] = await sql.query<AppendAnswer & { answers: unknown[] }>(
      `select answers, first_position, outcomes from ${name}(${parameters})`,
      [JSON.stringify(given), ...params],
      name,
    );
    if (row === undefined) throw new Error('a function answers one row');
    return { answers: row.answers, appended: commands.length === 0 ? [] : appended(row) };
  } catch (error) {
    if (sqlState(error) === refused) return undefined;
    throw error;
  }
}
