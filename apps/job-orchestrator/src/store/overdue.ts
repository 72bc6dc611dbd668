import type { JobStatus } from '@fairlead/contracts';
import type { Sql } from '@fairlead/postgres';

export interface OverdueJob {
  job_id: string;
  tenant_id: string | null;
  status: JobStatus;
  /** The one at hand; null for a job that has yet to begin. */
  step: string | null;
  deadline: Date;
  reason: string;
}

/** Marks open jobs that have passed their deadline, the longest overdue first; each is answered once. One that is paused has time. */
export async function markOverdue(tx: Sql, most: number): Promise<OverdueJob[]> {
  return tx.query<OverdueJob>(
    `update job j set overdue_at = now()
       from (select job_id from job
         where overdue_at is null and status in ('queued', 'running', 'waiting', 'compensating') and deadline < now() and paused_at is null
         order by deadline limit $1 for update skip locked) due
       where j.job_id = due.job_id
       returning j.job_id, j.tenant_id, j.status, j.deadline, j.reason,
         (select s.name from step s where s.job_id = j.job_id and s.attempts > 0
            and case j.direction when 'undo' then s.index = j.cursor else s.status <> 'succeeded' end order by s.index limit 1) as step`,
    [most],
  );
}
