/** The job tables, one named query per use. Every write of a running job is fenced on (owner, fence). */
import type { JobStatus, StepStatus } from '@fairlead/contracts';
import type { Sql } from '@fairlead/postgres';
import type { Failure, JobState } from '../domain/machine.js';
import type { JobKind, JobPrincipal, StepFailure } from '../engine/kind.js';

export interface JobRow {
  job_id: string;
  seq: number;
  kind: string;
  version: number;
  status: JobStatus;
  params: unknown;
  plan_id: string;
  plan_digest: string;
  reason: string;
  principal: JobPrincipal;
  locks: string[];
  tenant_id: string | null;
  direction: 'forward' | 'undo';
  cursor: number;
  failure: Failure | null;
  owner: string | null;
  fence: number;
  deadline: Date;
  cancel_requested_at: Date | null;
  error: (StepFailure & { step?: string; attempt?: number }) | null;
  request_id: string;
  correlation_id: string;
  traceparent: string;
  created_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
}

export interface StepRow {
  index: number;
  name: string;
  status: StepStatus;
  attempts: number;
  undo_attempts: number;
  failures: number;
  undo_failures: number;
  output: Record<string, unknown> | null;
  error: (StepFailure & { attempt?: number }) | null;
  started_at: Date | null;
  finished_at: Date | null;
  running_ms: number | null;
  undo_running_ms: number | null;
}

export interface LoadedJob {
  job: JobRow & { deadline_passed: boolean };
  steps: StepRow[];
}

const jobColumns = `job_id, seq, kind, version, status, params, plan_id, plan_digest, reason, principal, locks, tenant_id, direction, cursor, failure,
  owner, fence, deadline, cancel_requested_at, error, request_id, correlation_id, traceparent, created_at, started_at, finished_at`;

/** A job with its steps, or undefined. Durations are by the database's clock. */
export async function loadJob(sql: Sql, jobId: string): Promise<LoadedJob | undefined> {
  const [job] = await sql.query<LoadedJob['job']>(`select ${jobColumns}, now() > deadline as deadline_passed from job where job_id = $1`, [
    jobId,
  ]);
  return job === undefined ? undefined : { job, steps: await loadSteps(sql, jobId) };
}

/** A job's steps in order. */
export async function loadSteps(sql: Sql, jobId: string): Promise<StepRow[]> {
  return sql.query<StepRow>(
    `select index, name, status, attempts, undo_attempts, failures, undo_failures, output, error, started_at, finished_at,
       (extract(epoch from now() - clock_at) * 1000)::float8 as running_ms,
       (extract(epoch from now() - undo_clock_at) * 1000)::float8 as undo_running_ms
     from step where job_id = $1 order by index`,
    [jobId],
  );
}

/** The machine's view of a job and its steps. */
export function stateOf({ job, steps }: { job: JobRow; steps: StepRow[] }): JobState {
  return {
    direction: job.direction,
    cursor: job.cursor,
    ...(job.failure === null ? {} : { failure: job.failure }),
    steps: steps.map((step) => ({
      name: step.name,
      status: step.status,
      attempts: step.attempts,
      undoAttempts: step.undo_attempts,
      failures: step.failures,
      undoFailures: step.undo_failures,
      ...(step.running_ms === null ? {} : { runningMs: step.running_ms }),
      ...(step.undo_running_ms === null ? {} : { undoRunningMs: step.undo_running_ms }),
    })),
  };
}

/** The open job that holds one of a job's locks, if another one does. */
export async function findBlocker(sql: Sql, job: { job_id: string; locks: string[] }): Promise<string | undefined> {
  const [row] = await sql.query<{ job_id: string }>(
    `select job_id from lock where resource = any($1) and job_id <> $2 order by acquired_at limit 1`,
    [job.locks, job.job_id],
  );
  return row?.job_id;
}

/** Any open job, holding or queued, that wants one of the resources. */
export async function findOpenJobOn(sql: Sql, resources: readonly string[]): Promise<string | undefined> {
  const [row] = await sql.query<{ job_id: string }>(
    `select job_id from job
     where status not in ('succeeded', 'failed', 'cancelled', 'needs_attention') and locks && $1::text[]
     order by seq limit 1`,
    [resources],
  );
  return row?.job_id;
}

/** A job begun later on one of the resources that has come to its point of no return, if there is one. */
export async function findSuccessor(sql: Sql, job: JobRow, kinds: readonly JobKind[]): Promise<string | undefined> {
  const points = kinds.flatMap((kind) =>
    kind.steps.filter((step) => step.pointOfNoReturn === true).map((step) => `${kind.kind}:${step.name}`),
  );
  const [row] = await sql.query<{ job_id: string }>(
    `select l.job_id from job l join step s on s.job_id = l.job_id
     where l.seq > $1 and l.locks && $2::text[] and s.attempts > 0 and l.kind || ':' || s.name = any($3) order by l.seq limit 1`,
    [job.seq, job.locks, points],
  );
  return row?.job_id;
}

export interface JobFilter {
  status?: string;
  kind?: string;
  tenantId?: string;
  correlationId?: string;
  /** Only jobs made before this one. */
  before?: string;
  limit: number;
}

/** Jobs newest first. */
export async function listJobs(sql: Sql, filter: JobFilter): Promise<JobRow[]> {
  return sql.query<JobRow>(
    `select ${jobColumns} from job
     where ($1::text is null or status = $1) and ($2::text is null or kind = $2) and ($3::text is null or tenant_id = $3)
       and ($4::text is null or correlation_id = $4) and ($5::text is null or seq < (select seq from job where job_id = $5))
     order by seq desc limit $6`,
    [
      filter.status ?? null,
      filter.kind ?? null,
      filter.tenantId ?? null,
      filter.correlationId ?? null,
      filter.before ?? null,
      filter.limit,
    ],
  );
}

/** Steps of several jobs at once, by job id. */
export async function loadStepsOf(sql: Sql, jobIds: readonly string[]): Promise<Map<string, StepRow[]>> {
  const rows = await sql.query<StepRow & { job_id: string }>(
    `select job_id, index, name, status, attempts, undo_attempts, failures, undo_failures, output, error, started_at, finished_at,
       null::float8 as running_ms, null::float8 as undo_running_ms
     from step where job_id = any($1) order by job_id, index`,
    [jobIds],
  );
  return Map.groupBy(rows, (row) => row.job_id);
}
