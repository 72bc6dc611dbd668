import type { Sql } from '@fairlead/postgres';

/** Where a dead letter stands in the log: version 0 and no event when nobody has touched it. */
export async function readDeadLetterState(sql: Sql, id: string): Promise<{ version: number; lastEvent: string | undefined }> {
  const [row] = await sql.query<{ version: number; type: string }>(
    `select stream.version, event.type from log.stream join log.event using (position)
     where stream.aggregate_type = 'dead_letter' and stream.aggregate_id = $1`,
    [id],
  );
  return { version: row?.version ?? 0, lastEvent: row?.type };
}
