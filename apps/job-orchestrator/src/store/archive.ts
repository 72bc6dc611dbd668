/** Jobs that have ended leave the hot tables, and after longer are forgotten. */
import type { Sql } from '@fairlead/postgres';
import { jobTimes, type LoadedJob, type StepRow } from './rows.js';

/** Moves jobs to the archive that ended so long ago, at most so many; answers how many. */
export async function archiveJobs(sql: Sql, options: { afterMs: number; most: number }): Promise<number> {
  const [row] = await sql.query<{ moved: number }>(`select archive_jobs(make_interval(secs => $1::float8 / 1000), $2) as moved`, [
    options.afterMs,
    options.most,
  ]);
  return row?.moved ?? 0;
}

/** Forgets archived jobs that ended so long ago, and plans that nothing refers to any more; answers how many rows. The log keeps their history. */
export async function forgetJobs(sql: Sql, options: { afterMs: number; most: number }): Promise<number> {
  const jobs = await sql.query(
    `delete from archived_job where job_id in (
       select job_id from archived_job where finished_at < now() - make_interval(secs => $1::float8 / 1000) order by finished_at limit $2)
     returning job_id`,
    [options.afterMs, options.most],
  );
  const plans = await sql.query(
    `delete from plan where plan_id in (
       select p.plan_id from plan p where p.expires_at < now() - make_interval(secs => $1::float8 / 1000)
         and not exists (select from job j where j.plan_id = p.plan_id) order by p.expires_at limit $2)
     returning plan_id`,
    [options.afterMs, options.most],
  );
  return jobs.length + plans.length;
}

export interface ArchivedRow {
  job: Record<string, unknown>;
  steps: Record<string, unknown>[];
}

/** An archived job as it was. */
export function unarchived({ job, steps }: ArchivedRow): LoadedJob {
  return {
    job: { ...withTimes(job, jobTimes), deadline_passed: false } as unknown as LoadedJob['job'],
    steps: steps.map(
      (step) => ({ ...withTimes(step, ['started_at', 'finished_at']), running_ms: null, undo_running_ms: null }) as unknown as StepRow,
    ),
  };
}

/** A row that came as JSON, with its times. */
export function withTimes(row: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  return { ...row, ...Object.fromEntries(names.map((name) => [name, typeof row[name] === 'string' ? new Date(row[name]) : null])) };
}
