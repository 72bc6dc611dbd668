import type { Link, LogRow } from '@fairlead/audit-chain';
import type { Database, Sql } from '@fairlead/postgres';

/** A page of rows ends once they take so much. */
const pageBytes = 4 * 1024 * 1024;

/**
 * The rows of the log at the positions after one and up to another, as text, so that nothing of what is stored is lost
 * by reading it: fewer than `limit` when they are large. No row of the range is left out before the last one that is answered.
 */
export async function readRows(sql: Sql, range: { after: number; until: number; limit: number }): Promise<LogRow[]> {
  return sql.query<LogRow>(
    `select position, aggregate_type, aggregate_id, version::text, type, schema_version::text, payload, meta,
         extract(epoch from recorded_at)::text as recorded_at
       from (
         select *, sum(bytes) over (order by position rows unbounded preceding) - bytes as bytes_before
           from (
             select *, octet_length(payload) + octet_length(meta) as bytes
               from (
                 select position, aggregate_type, aggregate_id, version, type, schema_version, payload::text, meta::text, recorded_at
                   from log.event where position > $1 and position <= $2 order by position limit $3 offset 0
               ) taken
           ) measured
       ) summed
       where bytes_before < $4 order by position`,
    [range.after, range.until, range.limit, pageBytes],
  );
}

/** Where the log and its chain stand. */
export interface ChainState {
  /** What log.head says. */
  readonly head: number;
  readonly chained: number;
  readonly hash: Buffer;
  /** How long ago the oldest event was recorded that is not in the chain; 0 when there is none. */
  readonly lagSeconds: number;
}

/** Says which position it is about where it looks at events, so that it waits for no partition that is being moved. */
export async function readChainState(sql: Sql): Promise<ChainState> {
  const [row] = await sql.query<Omit<ChainState, 'lagSeconds'>>(
    'select h.position as head, c.position as chained, c.hash from log.head h, chain_head c',
  );
  if (row === undefined) throw new Error('the event log or its chain is not installed');
  return { ...row, lagSeconds: row.head > row.chained ? await ageOf(sql, row.chained + 1) : 0 };
}

async function ageOf(sql: Sql, position: number): Promise<number> {
  const [row] = await sql.query<{ seconds: number }>(
    'select greatest(extract(epoch from clock_timestamp() - recorded_at), 0)::float8 as seconds from log.event where position = $1',
    [position],
  );
  return row?.seconds ?? 0;
}

/** The log and its chain as of one moment. */
export interface LogEnds {
  readonly head: number;
  readonly chained: number;
  /** The highest position of an event, whatever log.head says; 0 when there is none. */
  readonly last: number;
}

/** One statement, as the log grows meanwhile; it waits for partitions that are being moved. */
export async function readLogEnds(sql: Sql): Promise<LogEnds> {
  const [row] = await sql.query<LogEnds>(
    'select h.position as head, c.position as chained, (select coalesce(max(position), 0) from log.event) as last from log.head h, chain_head c',
  );
  if (row === undefined) throw new Error('the event log or its chain is not installed');
  return row;
}

/** How many events wait to be taken into the chain. */
export async function chainLag(sql: Sql): Promise<number> {
  const [row] = await sql.query<{ lag: number }>(
    'select h.position - c.position as lag from log.head h, chain_head c',
    [],
    'audit.chain_lag',
  );
  return row?.lag ?? 0;
}

/** Takes the end of the chain until the transaction ends; undefined when another one has it. */
export async function takeChainHead(tx: Sql): Promise<Pick<Link, 'position' | 'hash'> | undefined> {
  const [row] = await tx.query<Pick<Link, 'position' | 'hash'>>('select position, hash from chain_head for update skip locked');
  return row;
}

/** Adds links behind the end of the chain, which the transaction has taken. */
export async function addLinks(tx: Sql, links: readonly Link[]): Promise<void> {
  const last = links.at(-1);
  if (last === undefined) return;
  await tx.query('insert into chain (position, hash, leaf) select * from unnest($1::bigint[], $2::bytea[], $3::bytea[])', [
    links.map(({ position }) => position),
    links.map(({ hash }) => hash),
    links.map(({ leaf }) => leaf),
  ]);
  await tx.query('update chain_head set position = $1, hash = $2', [last.position, last.hash]);
  await tellChained(tx, last.position);
}

/** Tells the services that ask before a change how far the chain has come. */
async function tellChained(sql: Sql, position: number): Promise<void> {
  await sql.query('select log.note_chained($1)', [position], 'log.note_chained');
}

/** Tells it of a chain that was there before it was told, as of a release before or one that was restored. */
export async function tellWhereChainStands(sql: Database): Promise<void> {
  await sql.transaction(async (tx) => {
    const end = await takeChainHead(tx);
    if (end !== undefined) await tellChained(tx, end.position);
  });
}

/** What the chain keeps of the positions of a range, inclusive. */
export async function readLinks(sql: Sql, from: number, to: number): Promise<Map<number, Link>> {
  const rows = await sql.query<Link>('select position, hash, leaf from chain where position between $1 and $2 order by position', [
    from,
    to,
  ]);
  return new Map(rows.map((link) => [link.position, link]));
}

/** When an event was recorded, RFC 3339; undefined when there is none. */
export async function recordedAt(sql: Sql, position: number): Promise<string | undefined> {
  const [row] = await sql.query<{ time: Date | number }>('select recorded_at as time from log.event where position = $1', [position]);
  return row?.time instanceof Date ? row.time.toISOString() : undefined;
}
