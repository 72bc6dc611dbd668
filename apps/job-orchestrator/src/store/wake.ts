import type { Sql } from '@fairlead/postgres';

/** Ends the rest of jobs that nobody runs. */
export async function wakeJobs(sql: Sql, jobIds: readonly string[]): Promise<void> {
  await sql.query(
    `update job set wake_at = now()
       where job_id in (select job_id from job where job_id = any($1) and owner is null and wake_at > now() order by job_id for update)`,
    [jobIds],
  );
}
