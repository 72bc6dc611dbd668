import type { Sql } from '@fairlead/postgres';
import type { Happening } from '../domain/looks.js';

/** How much of the past is kept. */
export interface HistoryBounds {
  /** Of one endpoint, the newest. */
  readonly perEndpoint: number;
  readonly days: number;
}

export interface KeptHappening extends Happening {
  readonly sequence: number;
}

/** Adds to the history, and removes what is beyond its bounds of the endpoints that were added to. */
export async function addToHistory(sql: Sql, all: readonly Happening[], { perEndpoint }: HistoryBounds): Promise<void> {
  if (all.length === 0) return;
  const column = (pick: (one: Happening) => string) => all.map(pick);
  await sql.query(
    `insert into endpoint_history (endpoint_key, at, what, was, is_now, problem)
     select * from unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[])`,
    [
      column(({ key }) => key),
      column(({ at }) => at),
      column(({ what }) => what),
      column((one) => one.from),
      column(({ to }) => to),
      column((one) => one.problem),
    ],
  );
  await sql.query(
    `delete from endpoint_history as old using
       (select endpoint_key, sequence, row_number() over (partition by endpoint_key order by sequence desc) as nth
          from endpoint_history where endpoint_key = any($1)) as counted
     where counted.nth > $2 and old.endpoint_key = counted.endpoint_key and old.sequence = counted.sequence`,
    [[...new Set(all.map(({ key }) => key))], perEndpoint],
  );
}

/** Removes what is too old, of whatever endpoint. */
export async function dropOldHistory(sql: Sql, { days }: HistoryBounds): Promise<void> {
  await sql.query('delete from endpoint_history where at < now() - make_interval(days => $1)', [days]);
}

/** An endpoint's history, the newest first, before one of its own; and whether anything is known of the endpoint. */
export async function readHistory(
  sql: Sql,
  key: string,
  { before, limit }: { before: number; limit: number },
): Promise<{ happenings: KeptHappening[]; known: boolean }> {
  const rows = await sql.query<{ sequence: string; at: Date; what: string; was: string; is_now: string; problem: string }>(
    `select sequence, at, what, was, is_now, problem from endpoint_history
      where endpoint_key = $1 and ($2::bigint = 0 or sequence < $2) order by sequence desc limit $3`,
    [key, before, limit],
  );
  const [found] = rows.length > 0 ? [true] : await sql.query('select from endpoint_health where endpoint_key = $1', [key]);
  const happenings = rows.map(({ sequence, at, what, was, is_now, problem }) => {
    return { key, sequence: Number(sequence), at: at.toISOString(), what: what as Happening['what'], from: was, to: is_now, problem };
  });
  return { happenings, known: found !== undefined };
}
