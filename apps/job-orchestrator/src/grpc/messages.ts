/** From rows to messages; JSON values travel as protobuf Struct. */
import type { jobsV1 } from '@fairlead/contracts';
import type { ApprovalRow } from '../store/approvals.js';
import type { JobRow, StepRow } from '../store/rows.js';
import type { PlanRow } from '../store/plans.js';
import type { ScheduleRow } from '../store/schedules.js';

/** RFC 3339; empty for none. */
export const time = (date: Date | null | undefined): string => date?.toISOString() ?? '';

export function planMessage(row: PlanRow, needsApproval: boolean, approval: ApprovalRow | undefined): jobsV1.Plan {
  const { body } = row;
  return {
    planId: row.plan_id,
    kind: row.kind,
    digest: row.digest,
    params: body.params,
    actions: body.actions,
    checks: body.checks,
    impact: { ...body.impact, everyTenant: body.impact.everyTenant ?? false },
    inputs: body.inputs,
    reason: row.reason,
    createdBy: row.created_by,
    createdAt: time(row.created_at),
    expiresAt: time(row.expires_at),
    origin: { requestId: row.request_id, correlationId: row.correlation_id, traceId: row.trace_id },
    canonical: row.canonical,
    changes: body.changes ?? [],
    needsApproval,
    approval:
      approval === undefined
        ? undefined
        : { approvedBy: approval.approved_by, approvedAt: time(approval.approved_at), reason: approval.reason },
  };
}

function errorMessage(
  error: { code: string; message: string; step?: string; attempt?: number } | null,
  step = '',
): jobsV1.JobError | undefined {
  return error === null ? undefined : { code: error.code, message: error.message, step: error.step ?? step, attempt: error.attempt ?? 0 };
}

function stepMessage(step: StepRow): jobsV1.Step {
  return {
    name: step.name,
    status: step.status,
    attempts: step.attempts,
    startedAt: time(step.started_at),
    finishedAt: time(step.finished_at),
    error: errorMessage(step.error, step.name),
    output: step.output ?? undefined,
    undoAttempts: step.undo_attempts,
  };
}

export function jobMessage(job: JobRow, steps: readonly StepRow[], plan: PlanRow | undefined, blockedBy: string | undefined): jobsV1.Job {
  return {
    jobId: job.job_id,
    kind: job.kind,
    status: job.status,
    params: job.params as Record<string, unknown>,
    planId: job.plan_id,
    planDigest: job.plan_digest,
    reason: job.reason,
    principal: job.principal.id,
    locks: job.locks,
    steps: steps.map(stepMessage),
    error: errorMessage(job.error ?? job.failure),
    createdAt: time(job.created_at),
    startedAt: time(job.started_at),
    finishedAt: time(job.finished_at),
    deadline: time(job.deadline),
    cancelRequested: job.cancel_requested_at !== null,
    owner: job.owner ?? '',
    fence: job.fence,
    origin: { requestId: job.request_id, correlationId: job.correlation_id, traceId: job.traceparent.slice(3, 35) },
    planOrigin: plan === undefined ? undefined : { requestId: plan.request_id, correlationId: plan.correlation_id, traceId: plan.trace_id },
    blockedBy: blockedBy ?? '',
    parentId: job.parent_id ?? '',
    note: job.note ?? '',
    waitsFor: job.waits_for ?? '',
    wakeAt: job.status === 'waiting' ? time(job.wake_at) : '',
    pauseRequested: job.pause_requested_at !== null,
    pausedAt: time(job.paused_at),
    pausedBy: job.paused_by ?? '',
    overdueAt: time(job.overdue_at),
  };
}

export function scheduleMessage(row: ScheduleRow): jobsV1.Schedule {
  return {
    scheduleId: row.schedule_id,
    name: row.name,
    kind: row.kind,
    params: row.params,
    cron: row.cron,
    timeZone: row.time_zone,
    missed: row.missed,
    principal: row.principal.id,
    reason: row.reason,
    nextAt: row.paused_at === null ? time(row.next_at) : '',
    pausedAt: time(row.paused_at),
    lastAt: time(row.last_at),
    lastJobId: row.last_job_id ?? '',
    lastError: errorMessage(row.last_error),
    createdAt: time(row.created_at),
  };
}
