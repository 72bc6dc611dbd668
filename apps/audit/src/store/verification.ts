import type { Sql } from '@fairlead/postgres';
import type { Met, Surroundings, Totals } from '../domain/verify.js';

interface Row {
  before: number;
  stream_version: number | null;
  stream_position: number | null;
  version_at_stream: number | null;
}

/** What the log holds about these aggregates outside of what was read, in their order. */
export async function readSurroundings(sql: Sql, aggregates: readonly Met[]): Promise<Surroundings[]> {
  if (aggregates.length === 0) return [];
  const rows = await sql.query<Row>(
    `select coalesce(before.version, 0) as before, s.version as stream_version, s.position as stream_position, at_stream.version as version_at_stream
     from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) with ordinality g(kind, key, version, position, n)
     left join lateral (
       select e.version from log.event e
       where e.aggregate_type = g.kind and e.aggregate_id = g.key and e.version <= g.version and e.position < g.position
       order by e.version desc limit 1
     ) before on true
     left join log.stream s on s.aggregate_type = g.kind and s.aggregate_id = g.key
     left join lateral (
       select e.version from log.event e where e.position = s.position and e.aggregate_type = g.kind and e.aggregate_id = g.key
     ) at_stream on true
     order by g.n`,
    [
      aggregates.map(({ type }) => type),
      aggregates.map(({ id }) => id),
      aggregates.map(({ first }) => first.version),
      aggregates.map(({ first }) => first.position),
    ],
  );
  return rows.map((row) => ({
    versionBefore: row.before,
    stream:
      row.stream_version === null || row.stream_position === null
        ? undefined
        : { version: row.stream_version, position: row.stream_position },
    versionAtStream: row.version_at_stream ?? undefined,
  }));
}

/** What the log's tables say as a whole, as of one moment. */
export async function readTotals(sql: Sql): Promise<Totals> {
  const [row] = await sql.query<Totals>(
    `select position as head, (select coalesce(max(position), 0) from log.event) as last,
       (select coalesce(sum(version), 0)::bigint from log.stream) as versions
     from log.head`,
  );
  if (row === undefined) throw new Error('the event log is not installed');
  return row;
}
