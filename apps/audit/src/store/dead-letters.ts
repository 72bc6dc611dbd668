import type { Sql } from '@fairlead/postgres';

/** How a dead letter was settled, by the event that says so. */
const outcomes = { dead_letter_replayed: 'replayed', dead_letter_discarded: 'discarded' } as const;
type Outcome = (typeof outcomes)[keyof typeof outcomes];

/**
 * Where a dead letter stands in the log: version 0 when nobody has touched it; an outcome when it was replayed or
 * discarded, whatever came of requests made at the same time.
 */
export async function readDeadLetterState(sql: Sql, id: string): Promise<{ version: number; outcome: Outcome | undefined }> {
  const [row] = await sql.query<{ version: number; outcome: keyof typeof outcomes | null }>(
    `select stream.version, (
       select type from log.event
       where aggregate_type = 'dead_letter' and aggregate_id = $1 and type = any($2::text[])
       order by event.version limit 1
     ) as outcome
     from log.stream where aggregate_type = 'dead_letter' and aggregate_id = $1`,
    [id, Object.keys(outcomes)],
  );
  const outcome = row?.outcome ?? undefined;
  return { version: row?.version ?? 0, outcome: outcome === undefined ? undefined : outcomes[outcome] };
}
