import type { JobStatus } from '@fairlead/contracts';
import type { Sql } from '@fairlead/postgres';
import type { JobState, StepOutcome } from '../domain/machine.js';
import type { StepFailure } from '../engine/kind.js';

/** The job belongs to a later claim: nothing of this one is written any more. */
export class FencedOut extends Error {
  constructor(jobId: string) {
    super(`another claim owns job ${jobId}`);
    this.name = 'FencedOut';
  }
}

export interface AttemptEnd {
  index: number;
  direction: 'forward' | 'undo';
  number: number;
  outcome: StepOutcome;
  error?: StepFailure;
  output?: Record<string, unknown>;
}

export interface Transition {
  jobId: string;
  owner: string;
  fence: number;
  state: JobState;
  status: JobStatus;
  error?: (StepFailure & { step?: string; attempt?: number }) | undefined;
  /** The run that has just ended. */
  ended?: AttemptEnd | undefined;
  /** The run that is about to begin; written before it does. */
  begins?: { index: number; direction: 'forward' | 'undo'; number: number } | undefined;
  /** The job rests this long before its next action. */
  wakeInMs?: number | undefined;
  /** Gives the job up: it has ended, or rests longer than it is worth keeping. */
  release: boolean;
  finished: boolean;
}

export interface TransitionResult {
  cancelRequested: boolean;
  deadlinePassed: boolean;
  /** The claim's fence from here on: a higher one once the job is being undone. */
  fence: number;
}

/**
 * Writes one transition in one statement, fenced: the job's place, its steps, the attempt that ended and the one
 * that begins, and the locks of a job that has finished. Throws FencedOut when the claim is no longer current.
 */
export async function writeTransition(tx: Sql, t: Transition): Promise<TransitionResult> {
  const steps = t.state.steps.map((step, index) => ({
    index,
    status: step.status,
    attempts: step.attempts,
    undo_attempts: step.undoAttempts,
    failures: step.failures,
    undo_failures: step.undoFailures,
    begins: t.begins?.index === index ? t.begins.direction : null,
    ended: t.ended?.index === index,
    error: t.ended?.index === index && t.ended.error !== undefined ? { ...t.ended.error, attempt: t.ended.number } : null,
    output: t.ended?.index === index ? (t.ended.output ?? null) : null,
  }));
  const [row] = await tx.query<{ cancel_requested: boolean; deadline_passed: boolean; fence: number }>(transitionSql, [
    t.jobId,
    t.owner,
    t.fence,
    t.status,
    t.state.direction,
    t.state.cursor,
    t.state.failure === undefined ? null : JSON.stringify(t.state.failure),
    t.error === undefined ? null : JSON.stringify(t.error),
    t.wakeInMs ?? 0,
    t.release,
    t.finished,
    JSON.stringify(steps),
    t.ended === undefined ? null : JSON.stringify(t.ended),
    t.begins === undefined ? null : JSON.stringify(t.begins),
  ]);
  if (row === undefined) throw new FencedOut(t.jobId);
  return { cancelRequested: row.cancel_requested, deadlinePassed: row.deadline_passed, fence: row.fence };
}

const transitionSql = `
  with j as (
    update job set status = $4, direction = $5, cursor = $6, failure = $7::jsonb, error = $8::jsonb,
      wake_at = now() + make_interval(secs => $9::float8 / 1000),
      owner = case when $10 then null else owner end, lease_until = case when $10 then null else lease_until end,
      finished_at = case when $11 then now() end,
      -- Undo acts under a fence of its own: what the forward way still has on its way is refused.
      fence = case when direction = 'forward' and $5 = 'undo' then nextval('job_fence') else fence end
    where job_id = $1 and owner = $2 and fence = $3
    returning job_id, owner, fence, cancel_requested_at is not null as cancel_requested, now() > deadline as deadline_passed
  ), changed as (
    update step s set status = x.status, attempts = x.attempts, undo_attempts = x.undo_attempts, failures = x.failures, undo_failures = x.undo_failures,
      started_at = case when x.begins = 'forward' then coalesce(s.started_at, now()) else s.started_at end,
      clock_at = case when x.begins = 'forward' then coalesce(s.clock_at, now()) else s.clock_at end,
      undo_clock_at = case when x.begins = 'undo' then coalesce(s.undo_clock_at, now()) else s.undo_clock_at end,
      finished_at = case when x.ended and x.status in ('succeeded', 'failed', 'undone') then now() else s.finished_at end,
      error = case when x.ended then x.error else s.error end,
      output = coalesce(x.output, s.output)
    from j, jsonb_to_recordset($12::jsonb) as x(index int, status text, attempts int, undo_attempts int, failures int, undo_failures int,
      begins text, ended boolean, error jsonb, output jsonb)
    where s.job_id = j.job_id and s.index = x.index
      and (x.begins is not null or x.ended or s.status is distinct from x.status)
  ), ended as (
    update attempt a set finished_at = now(), outcome = x.outcome, error = x.error
    from j, jsonb_to_record($13::jsonb) as x(index int, direction text, number int, outcome text, error jsonb)
    where a.job_id = j.job_id and a.index = x.index and a.direction = x.direction and a.number = x.number
  ), begun as (
    insert into attempt (job_id, index, direction, number, fence, owner)
    select j.job_id, x.index, x.direction, x.number, j.fence, $2
    from j, jsonb_to_record($14::jsonb) as x(index int, direction text, number int)
    where x.index is not null
  ), unlocked as (
    delete from lock l using j where $11 and l.job_id = j.job_id
  )
  select cancel_requested, deadline_passed, fence from j`;
