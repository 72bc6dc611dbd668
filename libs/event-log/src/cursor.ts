/**
 * Where a reader stands in the log: a position, and the incarnation of the log that it belongs to. A restore from a
 * backup begins a new incarnation, which shares the earlier one's events up to the position it began after. A cursor
 * is translated as long as all that its holder has seen is still in the log, and refused beyond that.
 */
import { FairleadError } from '@fairlead/contracts';
import type { Sql } from '@fairlead/postgres';
import type { LogHead } from './read.js';

export interface LogCursor {
  /** Of the last event that was seen or passed over; 0 before all. */
  readonly position: number;
  /** Left out: the present one. */
  readonly incarnation?: string;
}

/** One life of the log. */
export interface Incarnation {
  readonly incarnation: string;
  /** Events up to this position are those of the incarnation before. */
  readonly beganAfter: number;
}

/** Where the log stands, and its incarnations, earliest first. */
export interface LogHistory {
  readonly head: LogHead;
  readonly incarnations: readonly Incarnation[];
}

const cursorPattern = /^(0|[1-9]\d{0,15})(?:\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}))?$/;

/** Reads `<position>` or `<position>.<incarnation>`. Throws `invalid_argument` for anything else. */
export function parseCursor(text: string): LogCursor {
  const [, digits = '', incarnation] = cursorPattern.exec(text) ?? [];
  const position = Number(digits);
  if (digits === '' || !Number.isSafeInteger(position)) {
    throw new FairleadError('invalid_argument', 'a cursor is a position, or a position and an incarnation as it was handed out');
  }
  return incarnation === undefined ? { position } : { position, incarnation };
}

/** The text of a cursor, as parseCursor reads it. */
export function formatCursor({ position, incarnation }: LogCursor): string {
  return incarnation === undefined ? String(position) : `${String(position)}.${incarnation}`;
}

/** Reads the log's head and its incarnations in one statement. */
export async function readHistory(sql: Sql): Promise<LogHistory> {
  const rows = await sql.query<LogHead & { began: string | null; began_after: number | null }>(
    `select h.position, h.incarnation::text, i.incarnation::text as began, i.began_after
       from log.head h left join log.incarnation i on true order by i.incarnation`,
  );
  const [first] = rows;
  if (first === undefined) throw new Error('the event log is not installed');
  return {
    head: { position: first.position, incarnation: first.incarnation },
    incarnations: rows.flatMap(({ began, began_after }) => (began === null ? [] : [{ incarnation: began, beganAfter: began_after ?? 0 }])),
  };
}

/**
 * Up to which position the events of an incarnation are still those of the log: without end for the present one, 0
 * for one that the log does not know (an older backup has forgotten it).
 */
export function validUntil({ head, incarnations }: LogHistory, incarnation: string): number {
  if (incarnation === head.incarnation) return Number.MAX_SAFE_INTEGER;
  const at = incarnations.findIndex((one) => one.incarnation === incarnation);
  if (at < 0) return 0;
  return Math.min(...incarnations.slice(at + 1).map((later) => later.beganAfter));
}

/**
 * The cursor's position in the present incarnation. Throws `cursor_superseded` when its holder has seen what the log no
 * longer holds, `log_behind` when the log is behind the cursor without a new incarnation.
 */
export function resolveWith(history: LogHistory, cursor: LogCursor): number {
  const { head } = history;
  const until = validUntil(history, cursor.incarnation ?? head.incarnation);
  if (cursor.position > until) throw superseded(head.incarnation, until);
  if (cursor.position > head.position) throw behind(head.position);
  return cursor.position;
}

/** resolveWith on what the database says. */
export async function resolveCursor(sql: Sql, cursor: LogCursor): Promise<number> {
  return resolveWith(await readHistory(sql), cursor);
}

/** What is known after `validUntilPosition` is no longer so: drop it, and go on from there in the incarnation named. */
export function superseded(incarnation: string, validUntilPosition: number): FairleadError {
  return new FairleadError('cursor_superseded', 'the event log was restored: what came after the valid position is no longer in it', {
    details: { incarnation, valid_until: validUntilPosition },
  });
}

/** The log has lost what the cursor's holder has seen; an operator has yet to begin a new incarnation. */
export function behind(head: number): FairleadError {
  return new FairleadError('log_behind', 'the event log is behind the cursor', { details: { position: head } });
}
