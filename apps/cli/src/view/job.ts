import type { Job, Step } from '../api.js';
import { fields, table } from './table.js';
import { cell } from './text.js';

/** A list of jobs. */
export function renderJobs(jobs: readonly Job[]): string {
  return table(
    ['job', 'kind', 'status', 'target', 'created', 'by', 'reason'],
    jobs.map((job) => [job.job_id, job.kind, job.status, targetOf(job), job.created_at, job.principal, job.reason]),
  );
}

function targetOf(job: Job): string {
  const { tenant, kind, shard } = job.params ?? {};
  if (typeof tenant === 'string') return tenant;
  return typeof kind === 'string' && typeof shard === 'string' ? `${kind}/${shard}` : '';
}

/** One job with its steps. */
export function renderJob(job: Job): string {
  const head = fields([
    ['job', job.job_id],
    ['kind', job.kind],
    ['status', job.status],
    ['target', targetOf(job)],
    ['reason', job.reason],
    ['by', job.principal],
    ['created', job.created_at],
    ['started', job.started_at],
    ['finished', job.finished_at],
    ...(job.blocked_by == null || job.blocked_by === '' ? [] : [['waits for', job.blocked_by] as const]),
    ...(problemOf(job.error) === undefined ? [] : [['error', problemOf(job.error)] as const]),
    ...idsOf(job),
  ]);
  const steps = table(
    ['step', 'status', 'attempts', 'took', 'error'],
    job.steps.map((step) => [step.name, step.status, step.attempts, tookOf(step), problemOf(step.error)]),
  );
  return `${head}\n${steps}`;
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
