import type { Sql } from '@fairlead/postgres';
import { boundedSql, eventColumns } from './bounded.js';
import type { EventMeta, EventWith, StoredEvent } from './types.js';

interface RowWith<Payload, Meta> {
  position: number;
  aggregate_type: string;
  aggregate_id: string;
  version: number;
  type: string;
  schema_version: number;
  payload: Payload;
  meta: Meta;
  recorded_at: Date;
}

/** A row of log.event. */
export type EventRow = RowWith<Record<string, unknown>, EventMeta>;

/** A row of log.event whose JSON is read as text. */
export type EventTextRow = RowWith<string, string>;

export interface ReadOptions {
  /** Events after this position; 0 for all. */
  after: number;
  limit: number;
  /** Up to this position at most. */
  until?: number;
  aggregateType?: string;
  aggregateId?: string;
}

/** Reads committed events in position order; of large ones fewer than `limit`. None means that there are no more. */
export async function readLog(sql: Sql, options: ReadOptions): Promise<StoredEvent[]> {
  const rows = await sql.query<EventRow>(
    `${boundedSql('position > $1 and position <= $5 and ($2::text is null or aggregate_type = $2) and ($3::text is null or aggregate_id = $3)', '$4')}
     order by position`,
    [options.after, options.aggregateType ?? null, options.aggregateId ?? null, options.limit, options.until ?? Number.MAX_SAFE_INTEGER],
  );
  return rows.map(eventOfRow);
}

/** Reads the events at these positions, in position order; those that the log does not hold are left out. */
export async function readEventsAt(sql: Sql, positions: readonly number[]): Promise<StoredEvent[]> {
  if (positions.length === 0) return [];
  const rows = await sql.query<EventRow>(`select ${eventColumns} from log.event where position = any($1::bigint[]) order by position`, [
    positions,
  ]);
  return rows.map(eventOfRow);
}

/** The event that a row holds. */
export function eventOfRow<Payload, Meta>(row: RowWith<Payload, Meta>): EventWith<Payload, Meta> {
  return {
    position: row.position,
    aggregateType: row.aggregate_type,
    aggregateId: row.aggregate_id,
    version: row.version,
    type: row.type,
    schemaVersion: row.schema_version,
    payload: row.payload,
    meta: row.meta,
    recordedAt: row.recorded_at,
  };
}

export interface LogHead {
  /** Of the last committed event; 0 when there is none. */
  position: number;
  /** A restored log begins a new incarnation; its positions may mean other events. Later ones sort higher. */
  incarnation: string;
}

/** Where the log stands. */
export async function readHead(sql: Sql): Promise<LogHead> {
  const [head] = await sql.query<LogHead>('select position, incarnation::text from log.head');
  if (head === undefined) throw new Error('the event log is not installed');
  return head;
}

/** The position of the last committed event; 0 when there is none. */
export async function headPosition(sql: Sql): Promise<number> {
  return (await readHead(sql)).position;
}

/** Throws unless the events follow a position without a gap: the log has none, so a gap is a fault of the reader. */
export function assertGapless(after: number, events: readonly { position: number }[]): void {
  events.forEach((event, index) => {
    if (event.position !== after + 1 + index)
      throw new Error(`position ${String(event.position)} was read where ${String(after + 1 + index)} was expected`);
  });
}
