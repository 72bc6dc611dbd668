/** Pages of events are bounded by what they take in memory too: 1,000 small events are one page, 1,000 large ones are many. */
import type { StoredEvent } from './types.js';
import { oncePerEvent } from './filter.js';

/** A page ends once its events take so much; the first is always in it. */
export const pageBytes = 4 * 1024 * 1024;

/** A smaller page, for readers of whom there may be many, and who may be slow: each keeps one while it does not read on. */
export const smallPageBytes = 256 * 1024;

export const eventColumns = 'position, aggregate_type, aggregate_id, version, type, schema_version, payload, meta, recorded_at';

/**
 * SQL for what an event takes in memory, told without unpacking it: of a packed column the size it most likely has
 * unpacked, so that a page of them takes some 5 times `pageBytes` at the very worst (Postgres packs a constant text to an 85th).
 */
export const eventBytesSql = ['payload', 'meta']
  .map(
    (column) => `case when pg_column_compression(${column}) is null then pg_column_size(${column}) else 16 * pg_column_size(${column}) end`,
  )
  .join(' + ');

/**
 * SQL for the first events that meet the conditions, in position order or the one given (SQL), as many as `limit` (SQL) and `bytes` allow.
 * `is_cut` of the last one says that the bytes ended the page: more of what was asked for follows.
 */
export function boundedSql(conditions: string, limit: string, bytes = pageBytes, order = 'position'): string {
  return `select ${eventColumns}, is_cut from (
      select *, sum(bytes) over page - bytes as bytes_before, lead(position) over page is not null as is_cut from (
        select ${eventColumns}, ${eventBytesSql} as bytes from log.event where ${conditions} order by ${order} limit ${limit}
      ) wanted window page as (order by ${order} rows unbounded preceding)
    ) summed where bytes_before < ${String(bytes)}`;
}

/** About as many bytes as an event takes in memory, and on the wire. */
export const sizeOf = oncePerEvent(({ payload, meta }: StoredEvent) => JSON.stringify(payload).length + JSON.stringify(meta).length);

/** As many of the first events as take so many bytes together; the first always. */
export function fitting(events: StoredEvent[], bytes: number): StoredEvent[] {
  let left = bytes;
  const end = events.findIndex((event, index) => (left -= sizeOf(event)) < 0 && index > 0);
  return end === -1 ? events : events.slice(0, end);
}
