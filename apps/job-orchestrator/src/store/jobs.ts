/** The job tables, one named query per use. Every write of a running job is fenced on (owner, fence). */
import type { Sql } from '@fairlead/postgres';
import type { Conditions, JobState } from '../domain/machine.js';
import { unarchived, type ArchivedRow } from './archive.js';
import type { KnownChild } from '../engine/children.js';
import type { PlanDraft } from '../engine/kind.js';
import type { JobRow, LoadedJob, StepProgress, StepRow } from './rows.js';

const jobColumns = [
  'job_id, seq, kind, version, status, params, plan_id, plan_digest, reason, principal, locks, tenant_id, parent_id, direction, cursor, failure, owner, fence',
  'wake_at, waits_for, note, pause_requested_at, paused_at, paused_by, deadline, overdue_at, cancel_requested_at, error, request_id, correlation_id',
  'traceparent, created_at, started_at, finished_at',
].join(', ');

/** What `runnable_jobs` answers; by name, since the table may get more columns. */
const runnableColumns = `${jobColumns
  .split(', ')
  .map((column) => `(r.job).${column}`)
  .join(', ')}, deadline_passed, plan, steps, signals`;

/** A job with its steps, also from the archive, or undefined. Durations are by the database's clock. */
export async function loadJob(sql: Sql, jobId: string): Promise<LoadedJob | undefined> {
  const [job] = await sql.query<LoadedJob['job']>(`select ${jobColumns}, now() > deadline as deadline_passed from job where job_id = $1`, [
    jobId,
  ]);
  if (job !== undefined) {
    const steps = await loadSteps(sql, jobId);
    // Without any it was archived between the two looks.
    if (steps.length > 0) return { job, steps };
  }
  const [archived] = await sql.query<ArchivedRow>(`select job, steps from archived_job where job_id = $1`, [jobId]);
  return archived === undefined ? undefined : unarchived(archived);
}

/** A job's steps in order. */
export async function loadSteps(sql: Sql, jobId: string): Promise<StepRow[]> {
  return (await loadStepsOf(sql, [jobId])).get(jobId) ?? [];
}

/** Steps of several jobs at once, by job id. */
export async function loadStepsOf(sql: Sql, jobIds: readonly string[]): Promise<Map<string, StepRow[]>> {
  const rows = await sql.query<StepRow & { job_id: string }>(
    `select job_id, index, name, status, attempts, undo_attempts, failures, undo_failures, output, error, started_at, finished_at,
       (extract(epoch from now() - clock_at) * 1000)::float8 as running_ms,
       (extract(epoch from now() - undo_clock_at) * 1000)::float8 as undo_running_ms
     from step where job_id = any($1) order by job_id, index`,
    [jobIds],
  );
  return Map.groupBy(rows, (row) => row.job_id);
}

/** What a replica needs to run a job: the job with its plan, how far its steps are, and the signals it was sent. */
export interface RunnableJob {
  job: LoadedJob['job'];
  steps: StepProgress[];
  plan: PlanDraft;
  signals: Record<string, Record<string, unknown>>;
}

/** Jobs to be run, by id. */
export async function loadRunnable(sql: Sql, jobIds: readonly string[]): Promise<Map<string, RunnableJob>> {
  const rows = await sql.query<LoadedJob['job'] & Omit<RunnableJob, 'job'>>(
    `select ${runnableColumns} from runnable_jobs($1) r`,
    [jobIds],
    'load_runnable',
  );
  return new Map(rows.map(({ steps, plan, signals, ...job }) => [job.job_id, { job, steps, plan, signals }]));
}

/** The machine's view of a job and its steps. */
export function stateOf({ job, steps }: { job: JobRow; steps: readonly StepProgress[] }): JobState {
  return {
    direction: job.direction,
    cursor: job.direction === 'undo' ? job.cursor : steps.filter((step) => step.status === 'succeeded').length,
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

/** What is asked of a job. */
export function conditionsOf({ job }: RunnableJob): Conditions {
  return {
    cancelRequested: job.cancel_requested_at !== null,
    pauseRequested: job.pause_requested_at !== null,
    deadlinePassed: job.deadline_passed,
  };
}

/** What its steps have left for later ones, by their names. */
export function outputsOf({ steps }: RunnableJob): Record<string, Record<string, unknown>> {
  return Object.fromEntries(steps.filter((step) => step.output !== null).map((step) => [step.name, step.output ?? {}]));
}

/** The job that comes before another on one of its resources, if there is one. */
export async function findBlocker(sql: Sql, jobId: string): Promise<string | undefined> {
  const [row] = await sql.query<{ job_id: string }>(
    `select e.job_id from lock l join lock e on e.resource = l.resource and e.seq < l.seq where l.job_id = $1 order by e.seq limit 1`,
    [jobId],
  );
  return row?.job_id;
}

/** The open job, running or queued, that comes first on one of the resources. */
export async function findOpenJobOn(sql: Sql, resources: readonly string[]): Promise<string | undefined> {
  const [row] = await sql.query<{ job_id: string }>(`select job_id from lock where resource = any($1) order by seq limit 1`, [resources]);
  return row?.job_id;
}

/** The jobs that a job asked for, also those in the archive. */
export async function listChildren(sql: Sql, parentId: string): Promise<KnownChild[]> {
  return sql.query<KnownChild>(
    `select job_id as "jobId", substr(idempotency_key, length($1) + 2) as key, status, coalesce(error, failure) as error,
       (extract(epoch from now() - finished_at) * 1000)::float8 as "endedMs" from job where parent_id = $1
     union
     select job_id, substr(idempotency_key, length($1) + 2), status, coalesce(job -> 'error', job -> 'failure'),
       (extract(epoch from now() - finished_at) * 1000)::float8 from archived_job where parent_id = $1`,
    [parentId],
  );
}

/** What a job was planned to do, as long as its plan is kept. */
export async function findPlanOf(sql: Sql, jobId: string): Promise<PlanDraft | undefined> {
  const [row] = await sql.query<{ body: PlanDraft }>(
    `select body from plan where plan_id = coalesce(
       (select plan_id from job where job_id = $1), (select job ->> 'plan_id' from archived_job where job_id = $1))`,
    [jobId],
  );
  return row?.body;
}

/** A job begun later on one of a job's resources that has come to its point of no return, if there is one. */
export async function findSuccessor(sql: Sql, job: JobRow): Promise<string | undefined> {
  const [row] = await sql.query<{ job_id: string }>(
    `select job_id from last_change where resource = any($1) and seq > $2 order by seq limit 1`,
    [job.locks, job.seq],
  );
  return row?.job_id;
}

export interface JobFilter {
  status?: string;
  kind?: string;
  tenantId?: string;
  /** Only jobs of these tenants. */
  tenants?: readonly string[];
  correlationId?: string;
  parentId?: string;
  /** Only jobs that are paused. */
  paused?: boolean;
  /** Only jobs made before this one. */
  before?: string;
  limit: number;
}

/** Jobs newest first, with their steps; those of the archive too. */
export async function listJobs(sql: Sql, filter: JobFilter): Promise<LoadedJob[]> {
  const wanted = (
    paused: string,
  ) => `($1::text is null or status = $1) and ($2::text is null or kind = $2) and ($3::text is null or tenant_id = $3)
       and ($4::text is null or correlation_id = $4) and ($5::text is null or parent_id = $5) and ($6::bigint is null or seq < $6)
       and (not $8::boolean or ${paused}) and ($9::text[] is null or tenant_id = any($9)) order by seq desc limit $7`;
  const given = [
    filter.status ?? null,
    filter.kind ?? null,
    filter.tenantId ?? null,
    filter.correlationId ?? null,
    filter.parentId ?? null,
    filter.before === undefined ? null : await seqOf(sql, filter.before),
    filter.limit,
    filter.paused ?? false,
    filter.tenants ?? null,
  ];
  const hot = await sql.query<LoadedJob['job']>(
    `select ${jobColumns}, false as deadline_passed from job where ${wanted('paused_at is not null')}`,
    given,
  );
  // After the others: a job that is archived meanwhile is in one of the two, or in both.
  const archived = await sql.query<ArchivedRow>(`select job, steps from archived_job where ${wanted('false')}`, given);
  const steps = await loadStepsOf(
    sql,
    hot.map((job) => job.job_id),
  );
  const found = new Map(archived.map((row) => unarchived(row)).map((loaded) => [loaded.job.job_id, loaded]));
  for (const job of hot) if (!found.has(job.job_id)) found.set(job.job_id, { job, steps: steps.get(job.job_id) ?? [] });
  return [...found.values()].sort((a, b) => b.job.seq - a.job.seq).slice(0, filter.limit);
}

/** A job's number; nothing comes before one that is unknown. */
async function seqOf(sql: Sql, jobId: string): Promise<number> {
  const [row] = await sql.query<{ seq: number }>(
    `select seq from job where job_id = $1 union all select seq from archived_job where job_id = $1 limit 1`,
    [jobId],
  );
  return row?.seq ?? 0;
}
