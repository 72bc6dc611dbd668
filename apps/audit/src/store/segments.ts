import type { SegmentManifest } from '@fairlead/audit-chain';
import type { Sql } from '@fairlead/postgres';

/** A sealed segment as the table has it. */
export interface SegmentRow {
  readonly from: number;
  readonly to: number;
  readonly prior: Buffer;
  readonly hash: Buffer;
  readonly firstTime: string;
  readonly lastTime: string;
  /** The names of its files. */
  readonly manifest: string;
  readonly file: string;
  readonly bytes: number;
  readonly sha256: Buffer;
  readonly sealedAt: Date;
}

/** How far sealing has come, and what was asked of it. */
export interface Sealing {
  /** Up to here the trail is in segments. */
  readonly sealedUntil: number;
  /** Up to here its records have left the trail. */
  readonly droppedUntil: number;
  /** What is older than this is to be sealed, by an operator's word. */
  readonly askedBefore: Date | null;
  /** Of the operator's request. */
  readonly askedCorrelation: string | null;
  /** Why nothing is sealed, and since when; null when nothing is in the way. */
  readonly trouble: string | null;
  readonly troubleSince: Date | null;
}

/** Where sealing stands. */
export async function readSealing(sql: Sql): Promise<Sealing> {
  const [row] = await sql.query<Sealing>(
    `select sealed_until as "sealedUntil", dropped_until as "droppedUntil", asked_before as "askedBefore", asked_correlation as "askedCorrelation",
       trouble, trouble_since as "troubleSince" from sealing`,
  );
  if (row === undefined) throw new Error('the row that says how far the trail is sealed is gone');
  return row;
}

const columns = `from_position as "from", to_position as "to", prior, hash, first_time as "firstTime", last_time as "lastTime", manifest, file, bytes, sha256,
  sealed_at as "sealedAt"`;

/** Segments from a position on, in order. */
export async function segmentsFrom(sql: Sql, position: number, limit: number): Promise<SegmentRow[]> {
  return sql.query<SegmentRow>(`select ${columns} from segment where from_position >= $1 order by from_position limit $2`, [
    position,
    limit,
  ]);
}

/** The last segment. */
export async function lastSegment(sql: Sql): Promise<SegmentRow | undefined> {
  const [row] = await sql.query<SegmentRow>(`select ${columns} from segment order by from_position desc limit 1`);
  return row;
}

/** How many there are, and how large their files are together. */
export async function segmentTotals(sql: Sql): Promise<{ segments: number; bytes: number }> {
  const [row] = await sql.query<{ segments: number; bytes: number }>(
    'select count(*) as segments, coalesce(sum(bytes), 0)::bigint as bytes from segment',
  );
  return row ?? { segments: 0, bytes: 0 };
}

/** Adds a segment behind the last one; false when another replica has done so. */
export async function addSegment(tx: Sql, manifest: string, segment: SegmentManifest): Promise<boolean> {
  const moved = await tx.query('update sealing set sealed_until = $2 where sealed_until = $1 returning 1', [segment.from - 1, segment.to]);
  if (moved.length === 0) return false;
  await tx.query(
    `insert into segment (from_position, to_position, prior, hash, first_time, last_time, manifest, file, bytes, sha256, sealed_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      ...[
        segment.from,
        segment.to,
        Buffer.from(segment.prior, 'hex'),
        Buffer.from(segment.hash, 'hex'),
        segment.first_time,
        segment.last_time,
      ],
      ...[manifest, segment.file, segment.bytes, Buffer.from(segment.sha256, 'hex'), segment.sealed_at],
    ],
  );
  return true;
}

/** The last position that was recorded before a time, as the trail has it; 0 when there is none. */
export async function lastBefore(sql: Sql, before: Date): Promise<number> {
  const [row] = await sql.query<{ position: number }>(
    'select position from record where time < $1 order by time desc, position desc limit 1',
    [before],
  );
  return row?.position ?? 0;
}

/** The database's time, so long ago. */
export async function timeAgo(sql: Sql, days: number): Promise<Date> {
  const [row] = await sql.query<{ time: Date }>(`select clock_timestamp() - make_interval(days => $1) as time`, [days]);
  if (row === undefined) throw new Error('the database tells no time');
  return row.time;
}

/** Notes what an operator asked for. */
export async function askToSeal(tx: Sql, before: Date, correlationId: string): Promise<void> {
  await tx.query('update sealing set asked_before = greatest(asked_before, $1), asked_correlation = $2', [before, correlationId]);
}

/** What was asked for is done, unless more was asked for meanwhile. */
export async function settleAsked(sql: Sql, before: Date): Promise<void> {
  await sql.query('update sealing set asked_before = null, asked_correlation = null where asked_before <= $1', [before]);
}

/** Notes why nothing is sealed; false when that is known already. */
export async function noteTrouble(tx: Sql, trouble: string): Promise<boolean> {
  const noted = await tx.query(
    'update sealing set trouble = $1, trouble_since = coalesce(trouble_since, now()) where trouble is distinct from $1 returning 1',
    [trouble],
  );
  return noted.length > 0;
}

/** Nothing is in the way any more. */
export async function clearTrouble(sql: Sql): Promise<void> {
  await sql.query('update sealing set trouble = null, trouble_since = null where trouble is not null');
}

/**
 * Takes records up to a position, some at a time, out of the tables of all the trail's epochs; answers how many. A rebuild that was under
 * way may have brought some back that had left.
 */
export async function dropRecords(sql: Sql, until: number, limit: number): Promise<number> {
  const tables = await sql.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = current_schema()::regnamespace and relkind = 'r' and relname ~ '^record_e[0-9]+$'`,
  );
  let dropped = 0;
  for (const { name } of tables) {
    const [row] = await sql.query<{ gone: number }>(
      `with first as (select position from ${name} where position <= $1 order by position limit $2),
         gone as (delete from ${name} where position in (select position from first) returning 1)
       select count(*) as gone from gone`,
      [until, limit],
    );
    dropped += row?.gone ?? 0;
  }
  return dropped;
}

/** All records up to here have left the trail. */
export async function noteDropped(sql: Sql, until: number): Promise<void> {
  await sql.query('update sealing set dropped_until = $1 where dropped_until < $1 and sealed_until >= $1', [until]);
}
