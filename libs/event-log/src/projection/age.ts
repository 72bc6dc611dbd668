/** How long a projection has been behind, by clocks that may be set back. */
import { performance } from 'node:perf_hooks';
import type { Sql } from '@fairlead/postgres';

/** Where a projection stands, and the log. */
interface Place {
  readonly name: string;
  readonly position: number;
  readonly head: number;
}

/** Of each projection that was behind when it was looked at: where it stood, and since when it has been seen there. */
const seen = new WeakMap<Sql, Map<string, { position: number; sinceMs: number }>>();

/**
 * The age in seconds of the first event that each projection has not applied, by its name; 0 for who has applied all. While the
 * database's clock is behind what the log has recorded, as long as this process has seen the projection stand there.
 */
export async function agesOf(sql: Sql, places: readonly Place[]): Promise<ReadonlyMap<string, number>> {
  // Asked by position alone, so that no other partition is locked for it.
  const found = await sql.query<{ position: number; age_s: number }>(
    `select position, greatest(0, extract(epoch from clock_timestamp() - recorded_at))::float8 as age_s from log.event where position = any($1::bigint[])`,
    [places.map(({ position }) => position + 1)],
  );
  const ages = new Map(found.map(({ position, age_s: age }) => [position, age]));
  const own = seen.get(sql) ?? new Map<string, { position: number; sinceMs: number }>();
  seen.set(sql, own);
  return new Map(places.map((place) => [place.name, Math.max(ages.get(place.position + 1) ?? 0, seenFor(own, place))]));
}

function seenFor(own: Map<string, { position: number; sinceMs: number }>, { name, position, head }: Place): number {
  const now = performance.now();
  const before = own.get(name);
  if (position >= head) own.delete(name);
  else if (before?.position === position) return (now - before.sinceMs) / 1_000;
  else own.set(name, { position, sinceMs: now });
  return 0;
}
