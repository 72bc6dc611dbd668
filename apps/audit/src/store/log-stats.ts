import type { Sql } from '@fairlead/postgres';

/** Events of an aggregate type. */
export interface TypeCount {
  readonly aggregateType: string;
  readonly events: number;
}

/** About so many events are read to tell how many there are of each type. */
const sampleSize = 50_000;

/**
 * How many events there are of each aggregate type, most first; from a sample of the log's pages when it is large, and
 * from the other partitions when one is on its way to another tablespace.
 */
export async function countTypes(sql: Sql, head: number): Promise<{ types: TypeCount[]; estimated: boolean }> {
  const percent = head <= sampleSize ? 100 : (100 * sampleSize) / head;
  const [locked] = await sql.query<{ first: number | null; last: number | null }>(
    `select min(p.first_position) as first, max(p.last_position) as last from log.partitions p
       join pg_class c on c.relname = p.name and c.relnamespace = 'log'::regnamespace
       join pg_locks l on l.relation = c.oid and l.mode = 'AccessExclusiveLock'`,
  );
  const types = await sql.query<TypeCount>(
    `select aggregate_type as "aggregateType", count(*) as events from log.event tablesample system ($1)
       where $2::bigint is null or position < $2 or position > $3 group by 1 order by 2 desc, 1`,
    [percent, locked?.first ?? null, locked?.last ?? null],
  );
  const sampled = types.reduce((sum, { events }) => sum + events, 0);
  const estimated = percent < 100 || (locked?.first ?? null) !== null;
  return {
    types: estimated ? types.map(({ aggregateType, events }) => ({ aggregateType, events: Math.round((events * head) / sampled) })) : types,
    estimated,
  };
}

/** A table of the log's. */
export interface TableSize {
  readonly name: string;
  /** As of the last vacuum or analyze; 0 before the first. */
  readonly rowsEstimate: number;
  /** With indexes. */
  readonly bytes: number;
}

/** The sizes of the tables that grow with the log, besides its partitions. */
export async function readTableSizes(sql: Sql): Promise<TableSize[]> {
  return sql.query<TableSize>(
    `select c.relname as name, greatest(c.reltuples, 0)::bigint as "rowsEstimate", pg_total_relation_size(c.oid) as bytes
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'log' and c.relkind = 'r' and c.relname in ('command', 'stream') order by c.relname`,
  );
}

/** When the last event was recorded; undefined when there is none. */
export async function lastRecordedAt(sql: Sql, head: number): Promise<Date | undefined> {
  const [row] = await sql.query<{ at: Date }>('select recorded_at as at from log.event where position = $1', [head]);
  return row?.at;
}

/** A life of the log. */
export interface Incarnation {
  readonly incarnation: string;
  /** Up to this position its events are those of the one before. */
  readonly beganAfter: number;
  readonly beganAt: Date;
}

/** The log's incarnations, newest first; the last hundred. */
export async function readIncarnations(sql: Sql): Promise<Incarnation[]> {
  return sql.query<Incarnation>(
    `select incarnation::text, began_after as "beganAfter", began_at as "beganAt" from log.incarnation order by log.incarnation.incarnation desc limit 100`,
  );
}

/** A range of positions with its place on disk. */
export interface Partition {
  readonly name: string;
  readonly fromPosition: number;
  /** Exclusive. */
  readonly untilPosition: number;
  /** All its positions are taken. */
  readonly sealed: boolean;
  /** With indexes. */
  readonly bytes: number;
  readonly tablespace: string;
}

/** The log's partitions, in order. */
export async function readPartitions(sql: Sql): Promise<Partition[]> {
  return sql.query<Partition>(
    `select name, first_position as "fromPosition", last_position + 1 as "untilPosition", sealed, bytes, tablespace
     from log.partitions order by first_position`,
  );
}

/** Up to where (exclusive) the log has partitions, and how many positions one takes. */
export async function readRoom(sql: Sql): Promise<{ head: number; until: number; size: number }> {
  const [room] = await sql.query<{ head: number; until: number; size: number }>(
    'select position as head, partitioned_until as until, partition_size as size from log.head',
  );
  if (room === undefined) throw new Error('the event log is not installed');
  return room;
}
