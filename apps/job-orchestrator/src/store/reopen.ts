import type { Sql } from '@fairlead/postgres';
import type { JobState } from '../domain/machine.js';
import type { JobRow } from './rows.js';
import { joinLines } from './lines.js';

/**
 * Writes a job that had ended back as one that waits to be claimed, with its locks and a new deadline. Run it in a
 * transaction that holds its lines. Answers the job that is in one of them, when another one is; then nothing has changed.
 */
export async function reopenJob(tx: Sql, job: JobRow, state: JobState, deadlineMs: number): Promise<string | undefined> {
  const holder = await joinLines(tx, job);
  if (holder !== undefined) return holder;
  await tx.query(
    `update job set status = $2, cursor = $3, failure = $4::jsonb, error = null, finished_at = null, owner = null, wake_at = now(),
       overdue_at = null, deadline = now() + make_interval(secs => $5::float8 / 1000)
     where job_id = $1`,
    [
      job.job_id,
      state.direction === 'undo' ? 'compensating' : 'waiting',
      state.cursor,
      state.failure === undefined ? null : JSON.stringify(state.failure),
      deadlineMs,
    ],
  );
  const steps = state.steps.map((step, index) => ({
    index,
    status: step.status,
    failures: step.failures,
    undo_failures: step.undoFailures,
  }));
  await tx.query(
    `update step s set status = x.status, failures = x.failures, undo_failures = x.undo_failures, finished_at = null,
       clock_at = case when x.status = 'waiting' then null else s.clock_at end,
       undo_clock_at = case when x.status = 'undoing' then null else s.undo_clock_at end
     from jsonb_to_recordset($2::jsonb) as x(index int, status text, failures int, undo_failures int)
     where s.job_id = $1 and s.index = x.index and s.status is distinct from x.status`,
    [job.job_id, JSON.stringify(steps)],
  );
  return undefined;
}
