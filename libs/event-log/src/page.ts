/** A page of events together with the log's head: one statement, so that both are of the same incarnation. */
import type { Sql } from '@fairlead/postgres';
import { boundedSql, eventColumns, pageBytes } from './bounded.js';
import { isWanted, type EventFilter } from './filter.js';
import { eventOfRow, type EventRow, type EventTextRow, type LogHead } from './read.js';
import type { EventText, StoredEvent } from './types.js';

export interface PageOptions {
  /** Events after this position. */
  readonly after: number;
  /** Events at most. */
  readonly limit: number;
  /** About as many bytes of events at most, but one event at least; `pageBytes` when not given. */
  readonly bytes?: number;
  readonly filter?: EventFilter;
}

export interface Page {
  readonly head: LogHead;
  /** Those that are wanted, in position order. */
  readonly events: StoredEvent[];
  /** Up to here everything was looked at. */
  readonly position: number;
  /** False when the log does not hold positions that were looked at: whoever skips them would miss events. */
  readonly whole: boolean;
}

/** Events from the first one looked for on, without a gap, as text. */
export interface TextPage {
  readonly head: LogHead;
  readonly events: EventText[];
}

/**
 * Positions that one statement looks through, so that it answers within some 50 ms also when none of them matches: an
 * aggregate's events are found by index, those of a type by a scan.
 */
const positionsPerPage = { aggregate: 1_000_000, types: 50_000 };

/**
 * SQL: true when positions are missing after `$1` up to `$2`. It looks at the ends and at one position of each partition in between, so
 * that it costs little however far the range reaches: a partition that is not there is found, a single row is not. The bounds
 * are said twice, lest every partition is locked.
 */
const tornSql = `exists (
  select from log.head h
    cross join lateral (select least($2, h.position) as until) r
    cross join lateral (select generate_series($1 + 1, r.until, h.partition_size) union all select r.until where r.until > $1) probe (position)
    left join lateral (select true as found from log.event e where e.position > $1 and e.position <= $2 and e.position = probe.position limit 1) f on true
    where f.found is null)`;

/**
 * Reads what is wanted of the events after a position. Bounded, also in bytes: it may find few or nothing, and be far from
 * the head still; `position` tells.
 */
export async function readPage(sql: Sql, options: PageOptions): Promise<Page> {
  const { aggregateTypes, aggregateId } = options.filter ?? {};
  return aggregateTypes === undefined && aggregateId === undefined ? readAll(sql, options) : readFiltered(sql, options);
}

/** The same, of all events, with their JSON unread. */
export async function readTextPage(sql: Sql, options: Omit<PageOptions, 'filter'>): Promise<TextPage> {
  const { events, last } = await readNext(sql, options, asText);
  return { head: { position: last.head, incarnation: last.incarnation }, events };
}

interface Reading<Row, Event> {
  readonly columns: string;
  readonly preparedAs: string;
  readonly eventOf: (row: Row) => Event;
}

const asEvents: Reading<EventRow, StoredEvent> = { columns: '*', preparedAs: 'log.read', eventOf: eventOfRow };
const asText: Reading<EventTextRow, EventText> = {
  columns: `head, incarnation, is_cut, ${eventColumns.replace('payload, meta', 'payload::text, meta::text')}`,
  preparedAs: 'log.read_text',
  eventOf: eventOfRow,
};

type ReadRow<Row> = (Row & { position: number }) | { position: null; head: number | null; incarnation: string; is_cut: boolean };

async function readNext<Row, Event>(
  sql: Sql,
  { after, limit, bytes = pageBytes }: Omit<PageOptions, 'filter'>,
  { columns, preparedAs, eventOf }: Reading<Row, Event>,
): Promise<{ events: Event[]; last: { head: number; incarnation: string; is_cut: boolean } }> {
  const rows = await sql.query<ReadRow<Row>>(`select ${columns} from log.read($1, $2, $3)`, [after, limit, bytes], preparedAs);
  const last = rows.pop();
  if (last?.position !== null || last.head === null) throw new Error('the event log is not installed');
  return { events: rows.flatMap((row) => (row.position === null ? [] : [eventOf(row)])), last: { ...last, head: last.head } };
}

async function readAll(sql: Sql, { filter = {}, ...options }: PageOptions): Promise<Page> {
  const { after, limit } = options;
  const { events: found, last } = await readNext(sql, options, asEvents);
  const cutAt = last.is_cut ? found.at(-1)?.position : undefined;
  const position = cutAt ?? Math.max(after, Math.min(after + limit, last.head));
  return {
    head: { position: last.head, incarnation: last.incarnation },
    events: found.filter((event) => isWanted(filter, event)),
    position,
    whole: found.length === position - after,
  };
}

async function readFiltered(sql: Sql, { after, limit, bytes, filter = {} }: PageOptions): Promise<Page> {
  const until = after + (filter.aggregateId !== undefined ? positionsPerPage.aggregate : positionsPerPage.types);
  const rows = await sql.query<
    { head: number; incarnation: string; torn: boolean } & ((EventRow & { is_cut: boolean }) | { position: null })
  >(
    `select h.position as head, h.incarnation::text, ${tornSql} as torn, e.*
       from log.head h left join lateral (
         ${boundedSql('position > $1 and position <= $2 and ($3::text[] is null or aggregate_type = any ($3)) and ($4::text is null or aggregate_id = $4)', '$5', bytes)}
       ) e on true
       order by e.position`,
    [after, until, filter.aggregateTypes ?? null, filter.aggregateId ?? null, limit],
  );
  const [first] = rows;
  if (first === undefined) throw new Error('the event log is not installed');
  const last = rows.at(-1);
  const full = last !== undefined && last.position !== null && (last.is_cut || rows.length === limit);
  const found = rows.flatMap((row) => (row.position === null ? [] : [eventOfRow(row)]));
  return {
    head: { position: first.head, incarnation: first.incarnation },
    events: found.filter((event) => isWanted(filter, event)),
    position: full ? last.position : limit === 0 ? after : Math.max(after, Math.min(until, first.head)),
    whole: !first.torn,
  };
}
