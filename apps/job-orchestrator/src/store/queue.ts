import type { Sql } from '@fairlead/postgres';

/** Jobs in the queue, and how long the oldest has been there. */
export interface QueueFigures {
  /** First on all their resources: a replica may claim them. */
  ready: number;
  /** Behind another job on a resource. */
  blocked: number;
  paused: number;
  readySeconds: number;
  blockedSeconds: number;
}

/** The queue as it is now. */
export async function readQueue(sql: Sql): Promise<QueueFigures> {
  const [row] = await sql.query<QueueFigures>(
    `select count(*) filter (where paused_at is null and blocked = 0) as ready, count(*) filter (where paused_at is null and blocked > 0) as blocked,
       count(*) filter (where paused_at is not null) as paused,
       coalesce(extract(epoch from now() - min(created_at) filter (where paused_at is null and blocked = 0)), 0)::float8 as "readySeconds",
       coalesce(extract(epoch from now() - min(created_at) filter (where paused_at is null and blocked > 0)), 0)::float8 as "blockedSeconds"
     from job where status = 'queued'`,
  );
  if (row === undefined) throw new Error('a count has a row');
  return row;
}
