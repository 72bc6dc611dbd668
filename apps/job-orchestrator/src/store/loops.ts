/** Rows of periodic checks. */
import type { Sql } from '@fairlead/postgres';

/** A check that is due and was claimed. */
export interface ClaimedLoop {
  key: string;
  fence: number;
  /** What it came to before; null when it never ran. */
  state: Record<string, unknown> | null;
  /** How long ago it was due, in milliseconds. */
  lateMs: number;
}

/** What a check came to. */
export interface ArmedLoop {
  key: string;
  fence: number;
  failed: boolean;
  /** Whether the state is another than before. */
  changed: boolean;
  state: Record<string, unknown> | null;
}

/** Claims checks of a kind that are due, at most so many, for so long. */
export async function claimLoops(sql: Sql, options: { kind: string; most: number; claimMs: number }): Promise<ClaimedLoop[]> {
  return sql.query<ClaimedLoop>(
    'select key, fence, state, late_ms as "lateMs" from claim_loops($1, $2, $3)',
    [options.kind, options.most, options.claimMs],
    'claim_loops',
  );
}

/** Arms claimed checks for their next turn; answers the keys whose claim still held. */
export async function armLoops(sql: Sql, kind: string, loops: readonly ArmedLoop[]): Promise<Set<string>> {
  const rows = await sql.query<{ key: string }>('select key from arm_loops($1, $2::jsonb)', [kind, JSON.stringify(loops)], 'arm_loops');
  return new Set(rows.map((row) => row.key));
}

/**
 * Makes the rows of a kind those of the given keys: new ones are first due somewhere within an interval, so that they are spread;
 * others are removed. Rows that somebody is just claiming or arming are left to the next time: to wait for several of them, as
 * they do, would be a deadlock now and then. Answers whether anything changed.
 */
export async function keepLoops(sql: Sql, kind: string, keys: readonly string[], intervalMs: number): Promise<boolean> {
  const [row] = await sql.query<{ changed: number }>(
    `with wanted as materialized (select distinct unnest($2::text[]) as key),
       gone as (
         delete from loop l using (
           select key from loop l where l.kind = $1 and not exists (select from wanted w where w.key = l.key) for update skip locked
         ) g where l.kind = $1 and l.key = g.key returning 1),
       paced as (
         update loop l set interval_ms = $3 from (
           select key from loop l join wanted w using (key) where l.kind = $1 and l.interval_ms <> $3 for update of l skip locked
         ) p where l.kind = $1 and l.key = p.key returning 1),
       made as (
         insert into loop (kind, key, next_at, interval_ms)
           select $1, w.key, now() + random() * make_interval(secs => $3::float8 / 1000), $3 from wanted w
             where not exists (select from loop l where l.kind = $1 and l.key = w.key) order by w.key
           on conflict (kind, key) do nothing
           returning 1)
     select (select count(*) from gone) + (select count(*) from paced) + (select count(*) from made) as changed`,
    [kind, keys, intervalMs],
  );
  return (row?.changed ?? 0) > 0;
}

/** When the next check of a kind is due, in milliseconds from now; undefined when there is none. */
export async function nextLoopMs(sql: Sql, kind: string): Promise<number | undefined> {
  const [row] = await sql.query<{ ms: number }>(
    `select greatest(0, extract(epoch from next_at - now()) * 1000)::float8 as ms from loop where kind = $1 order by next_at limit 1`,
    [kind],
    'next_loop',
  );
  return row?.ms;
}
