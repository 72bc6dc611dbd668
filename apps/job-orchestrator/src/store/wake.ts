import type { Sql } from '@fairlead/postgres';

/** Ends the rest of jobs; also of one whose rest is being written right now, for which it waits. */
export async function wakeJobs(sql: Sql, jobIds: readonly string[]): Promise<void> {
  await sql.query(
    `update job set wake_at = least(wake_at, now())
       where job_id in (select job_id from job where job_id = any($1) order by job_id for update)`,
    [jobIds],
  );
}
