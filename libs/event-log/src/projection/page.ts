import { crc32 } from 'node:zlib';
import type { Sql } from '@fairlead/postgres';
import { eventBytesSql, pageBytes } from '../bounded.js';
import { eventOfRow, type EventRow } from '../read.js';
import type { StoredEvent } from '../types.js';

export interface PartsOptions {
  /** Positions after this one. */
  after: number;
  /** Up to this one, which is committed. */
  until: number;
  /** Positions to look at, at most. */
  limit: number;
  /** Only events whose aggregates are in these parts, of so many. */
  parts: { mine: readonly number[]; of: number };
  /** Only events of these aggregate types; left out for all. */
  aggregateTypes?: readonly string[];
}

export interface Page {
  events: readonly StoredEvent[];
  /** The last position looked at: none before it is missing. */
  until: number;
}

/** The part an aggregate is in, of so many: by a checksum with a definition of its own, which no release of Postgres changes. */
export function partOf(event: { aggregateType: string; aggregateId: string }, parts: number): number {
  return crc32(`${event.aggregateType}/${event.aggregateId}`) % parts;
}

/** The same in SQL. */
const partSql = (parts: string) => `crc32(convert_to(e.aggregate_type || '/' || e.aggregate_id, 'UTF8')) % ${parts}`;

/** Reads a page for some parts. Throws when a position is missing among those it looked at: the log has no gaps. */
export async function readParts(sql: Sql, { after, until, limit, parts, aggregateTypes }: PartsOptions): Promise<Page> {
  const params: unknown[] = [after, until, limit];
  const bind = (value: unknown, type: string) => `$${params.push(value)}::${type}`;
  const conditions = ['e.position > $1', 'e.position <= $2', 'e.position <= looked.until'];
  if (parts.mine.length < parts.of) conditions.push(`${partSql(bind(parts.of, 'int'))} = any (${bind(parts.mine, 'int[]')})`);
  if (aggregateTypes !== undefined) conditions.push(`e.aggregate_type = any (${bind(aggregateTypes, 'text[]')})`);
  // The left join answers one row without an event when the page has none that are wanted.
  const rows = await sql.query<{ looked_until: number | null; looked_at: number } & (EventRow | { position: null })>(
    `with looked as materialized (
       select max(position) as until, count(*) as at from (
         select position, sum(bytes) over (order by position rows unbounded preceding) - bytes as bytes_before from (
           select position, ${eventBytesSql} as bytes from log.event where position > $1 and position <= $2 order by position limit $3
         ) sized
       ) page where bytes_before < ${String(pageBytes)}
     )
     select looked.until as looked_until, looked.at as looked_at, e.*
     from looked left join lateral (select * from log.event e where ${conditions.join(' and ')} order by e.position) e on true`,
    params,
  );
  const reached = rows[0]?.looked_until ?? after;
  if (rows[0]?.looked_at !== reached - after || (reached === after && until > after))
    throw new Error(`a position is missing between ${after + 1} and ${Math.min(until, after + limit)}`);
  // They come in order as the one row of `looked` is joined; to sort the whole page in Postgres to be sure would cost as much as reading it.
  const events = rows.flatMap((row) => (row.position === null ? [] : [eventOfRow(row)])).sort((a, b) => a.position - b.position);
  return { events, until: reached };
}

/** The beginning of a page, with so many events at most. */
export function cutPage(page: Page, limit: number): Page {
  const last = page.events[limit - 1];
  return page.events.length <= limit || last === undefined ? page : { events: page.events.slice(0, limit), until: last.position };
}
