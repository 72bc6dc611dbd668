import { jobTarget } from '@fairlead/api-client';
import type { Job, Step } from '../jobs-api.js';
import { fields, table } from './table.js';
import { cell } from './text.js';

/** A list of jobs. */
export function renderJobs(jobs: readonly Job[]): string {
  return table(
    ['job', 'kind', 'status', 'target', 'created', 'by', 'reason'],
    jobs.map((job) => [
      job.job_id,
      job.kind,
      job.paused_at == null ? job.status : 'paused',
      jobTarget(job.params ?? {}),
      job.created_at,
      job.principal,
      job.reason,
    ]),
  );
}

/** One job with its steps. */
export function renderJob(job: Job): string {
  const head = fields([
    ['job', job.job_id],
    ['kind', job.kind],
    ['status', job.status],
    ['target', jobTarget(job.params ?? {})],
    ['reason', job.reason],
    ['by', job.principal],
    ['created', job.created_at],
    ['started', job.started_at],
    ['finished', job.finished_at],
    ...given('waits for', job.blocked_by),
    ...given('part of', job.parent_id),
    ...given('rests for', restOf(job)),
    ...pauseOf(job),
    ...given('overdue', job.overdue_at == null ? undefined : `since ${job.overdue_at}; its deadline was ${cell(job.deadline)}`),
    ...given('error', problemOf(job.error)),
    ...idsOf(job),
  ]);
  const steps = table(
    ['step', 'status', 'attempts', 'took', 'error'],
    (job.steps ?? []).map((step) => [step.name, step.status, step.attempts, tookOf(step), problemOf(step.error)]),
  );
  return `${head}\n${steps}`;
}

function given(name: string, value: string | null | undefined): (readonly [string, string])[] {
  return value == null || value === '' ? [] : [[name, value]];
}

/** What a job that rests waits for. */
function restOf({ status, note, waits_for: signal }: Job): string | undefined {
  if (status !== 'waiting') return undefined;
  const parts = [...(note == null || note === '' ? [] : [note]), ...(signal == null || signal === '' ? [] : [`signal ${signal}`])];
  return parts.join('; ');
}

function pauseOf(job: Job): (readonly [string, string])[] {
  const by = job.paused_by == null ? '' : ` by ${job.paused_by}`;
  if (job.paused_at != null) return [['paused', `since ${job.paused_at}${by}`]];
  return job.pause_requested === true ? [['paused', `asked for${by}; the run at hand is seen through`]] : [];
}

function tookOf(step: Step): string | undefined {
  const ms = durationMs(step.started_at, step.finished_at);
  return ms === undefined ? undefined : `${ms} ms`;
}

/** The ids of the request that started the job, wherever the answer has them. */
function idsOf(job: Job): (readonly [string, unknown])[] {
  return (['correlation_id', 'request_id'] as const).flatMap((name) =>
    typeof job[name] === 'string' ? [[name.replace('_', ' '), cell(job[name])] as const] : [],
  );
}

function problemOf(error: Job['error']): string | undefined {
  if (error?.message == null || error.message === '') return undefined;
  return error.code == null || error.code === '' ? error.message : `${error.message} (${error.code})`;
}

function durationMs(from: string | null | undefined, to: string | null | undefined): number | undefined {
  const ms = Date.parse(to ?? '') - Date.parse(from ?? '');
  return Number.isNaN(ms) ? undefined : ms;
}
