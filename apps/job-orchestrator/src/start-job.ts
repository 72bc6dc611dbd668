/** Starting and cancelling jobs. */
import { createHash } from 'node:crypto';
import { FairleadError, isTerminal, newId, type Permission } from '@fairlead/contracts';
import { requirePermission, type Principal } from '@fairlead/auth';
import { appendInTransaction, prepareCommand, type PreparedCommand } from '@fairlead/event-log';
import { runInContext, type RequestContext } from '@fairlead/telemetry';
import { assertApproved } from './approve-plan.js';
import { isUndoable } from './domain/machine.js';
import { batcherPerDatabase } from './engine/batcher.js';
import type { Engine } from './engine/engine.js';
import { jobEvent } from './engine/events.js';
import { rulesOf, type JobKind } from './engine/kind.js';
import { startTold } from './engine/news.js';
import { writerOf } from './engine/writer.js';
import type { JobRequest } from './open-job.js';
import {
  assertPlanHolds,
  jobPrincipalOf,
  kindByName,
  permissionsFor,
  requireReason,
  requireWhere,
  tenantOfPlan,
  type PlanDependencies,
} from './plans.js';
import type { Claim } from './store/claim.js';
import { claimOfNew, type Inserted, type NewJob } from './store/insert.js';
import { loadJob, stateOf } from './store/jobs.js';
import { holdLinesOf, leaveLines } from './store/lines.js';
import { findPlansByIdOrDigest, planNotFound, type PlanRow } from './store/plans.js';

export interface JobDependencies extends PlanDependencies {
  /** Jobs can be claimed that could not be before: wakes the engine here and on other replicas. */
  onClaimable: () => void;
  /** The replica that runs in this process: it may claim a job when it is made. */
  engine?: Pick<Engine, 'reserve'>;
  /** Something is asked of a job: wakes who runs it. */
  onJobChanged: (jobId: string) => void;
}

export interface StartRequest {
  kind: string;
  planDigest: string;
  reason: string;
  idempotencyKey: string;
  onConflict: 'queue' | 'reject';
  /** The permission that the caller was asked for besides the kind's. */
  asked?: Permission;
  /** The job that asks for this one. */
  parentId?: string;
}

export interface Started {
  jobId: string;
  /** The log position of the job's first event; 0 for a repeat. */
  position: number;
  repeated: boolean;
}

/**
 * Starts the job that executes a plan. The same key and payload answer the same job; another payload is refused
 * with `idempotency_key_reused`. Throws `plan_not_found`, `plan_expired`, `plan_stale`, `plan_blocked`, or
 * `lock_held` when asked not to queue; then nothing has changed.
 */
export async function startJob(
  deps: JobDependencies,
  request: StartRequest,
  caller: { principal: Principal; context: RequestContext },
): Promise<Started> {
  const kind = kindByName(deps.kinds, request.kind);
  requirePermission(caller.principal, kind.permission, { anywhere: true });
  const reason = requireReason(request.reason);
  const payloadHash = hashOf({ kind: request.kind, plan: request.planDigest, reason, onConflict: request.onConflict });
  let plan: PlanRow;
  try {
    plan = await planToStart(deps, kind, request, caller.principal);
  } catch (error) {
    // Of a request that was sent before: its own job may be what has moved the world since.
    const earlier = await finding(deps.db).do({ scope: caller.principal.id, key: request.idempotencyKey });
    if (earlier !== undefined) return repeatOf(earlier, payloadHash);
    throw error;
  }
  const { job, queued } = newJobOf(kind, plan, { ...request, reason, payloadHash }, caller);
  const { made, claim } = await make(deps, kind, { job, queued, plan });
  if (made.outcome === 'locked')
    throw new FairleadError('lock_held', `Job ${made.id} is already working on ${job.locks.join(', ')}`, {
      details: { job_id: made.id, locks: job.locks },
    });
  if (made.outcome === 'repeated') return repeatOf({ job_id: made.id, payload_hash: made.asked }, payloadHash);
  deps.onAppended(made.position);
  if (claim === undefined) deps.onClaimable();
  return { jobId: made.id, position: made.position, repeated: false };
}

/** Makes the job, and runs it in this process if it can be claimed and there is room. */
async function make(
  deps: JobDependencies,
  kind: JobKind,
  { job, queued, plan }: { job: NewJob; queued: PreparedCommand; plan: PlanRow },
): Promise<{ made: Inserted & { position: number }; claim: Claim | undefined }> {
  const room = deps.engine?.reserve(kind);
  let claim: Claim | undefined;
  try {
    const given = room === undefined ? job : { ...job, claimer: room.replica, started: startTold(kind, job, room.replica) };
    const made = await writerOf(deps.db).start(given, queued);
    claim = claimOfNew(made, given, plan.body);
    return { made, claim };
  } finally {
    room?.fill(claim);
  }
}

/** The plan of a digest, once it is known that it may be executed now, by this principal. */
async function planToStart(
  deps: JobDependencies,
  kind: JobKind,
  { planDigest: digest, asked }: StartRequest,
  principal: Principal,
): Promise<PlanRow> {
  const plan = await planning(deps.db).do(digest);
  if (plan === undefined) throw planNotFound(digest);
  if (plan.kind !== kind.kind) throw new FairleadError('invalid_argument', `plan_digest: that plan is of kind ${plan.kind}`);
  requireWhere(principal, [asked, ...permissionsFor(kind, plan.body.params)], tenantOfPlan(kind, plan));
  if (plan.expired) throw new FairleadError('plan_expired', 'The plan has expired. Plan again.');
  await assertApproved(deps.db, kind, plan, deps.approvalKinds);
  await assertPlanHolds(kind, plan.body.params, plan.body);
  return plan;
}

/** The job to be made, and what the log is told once it is. */
function newJobOf(
  kind: JobKind,
  plan: PlanRow,
  request: StartRequest & { payloadHash: string },
  { principal, context }: { principal: Principal; context: RequestContext },
): { job: NewJob; queued: PreparedCommand } {
  const params = kind.params.parse(plan.body.params);
  const locks = [...new Set(kind.locks(params))].sort();
  const tenantId = kind.tenantOf(params);
  const steps = kind.steps.map((step) => step.name);
  const job: NewJob = {
    job_id: newId('job'),
    kind: kind.kind,
    version: kind.version,
    params,
    plan_id: plan.plan_id,
    plan_digest: plan.digest,
    reason: request.reason,
    principal: jobPrincipalOf(principal, tenantId),
    scope: principal.id,
    idempotency_key: request.idempotencyKey,
    payload_hash: request.payloadHash,
    locks,
    tenant_id: tenantId,
    parent_id: request.parentId,
    deadline_ms: kind.deadlineMs,
    request_id: context.requestId,
    correlation_id: context.correlationId,
    traceparent: context.traceparent,
    steps,
    may_wait: request.onConflict === 'queue',
  };
  const payload = {
    kind: kind.kind,
    plan_id: plan.plan_id,
    plan_digest: plan.digest,
    params: params as Record<string, unknown>,
    locks,
    steps,
  };
  const event = jobEvent({ jobId: job.job_id, tenantId }, { type: 'job_queued', payload }, { reason: request.reason });
  const queued = runInContext({ ...context, jobId: job.job_id }, () => prepareCommand({ events: [event] }));
  return { job, queued };
}

interface Earlier {
  job_id: string;
  payload_hash: string;
}

/** The job that a key was used for, also one in the archive. */
const finding = batcherPerDatabase(async (db, asked: readonly { scope: string; key: string }[]): Promise<(Earlier | undefined)[]> => {
  const rows = await db.query<Earlier & { n: number }>(
    `with asked as materialized (select scope, key, n from unnest($1::text[], $2::text[]) with ordinality a(scope, key, n))
     select a.n, j.job_id, j.payload_hash from asked a join job j on j.scope = a.scope and j.idempotency_key = a.key
     union all
     select a.n, j.job_id, j.payload_hash from asked a join archived_job j on j.scope = a.scope and j.idempotency_key = a.key`,
    [asked.map(({ scope }) => scope), asked.map(({ key }) => key)],
    'find_jobs_by_key',
  );
  const found = new Map(rows.map((row) => [row.n, row]));
  return asked.map((_, n) => found.get(n + 1));
});

const planning = batcherPerDatabase(findPlansByIdOrDigest);

function repeatOf(earlier: Earlier, payloadHash: string): Started {
  if (earlier.payload_hash !== payloadHash) {
    throw new FairleadError('idempotency_key_reused', `This idempotency key was used for job ${earlier.job_id} with another request`, {
      details: { job_id: earlier.job_id },
    });
  }
  return { jobId: earlier.job_id, position: 0, repeated: true };
}

function hashOf(value: Record<string, string>): string {
  return createHash('sha256')
    .update(JSON.stringify(Object.entries(value).sort()))
    .digest('hex');
}

/**
 * Asks a job to stop and undo what it did. A queued one ends at once. Asking twice is the same as once. Throws
 * `job_not_found`, `job_finished`, or `cancel_too_late` once its point of no return has begun.
 */
export async function cancelJob(
  deps: JobDependencies,
  { jobId, reason, asked }: JobRequest & { reason: string },
  caller: { principal: Principal },
): Promise<void> {
  const position = await deps.db.transaction(async (tx) => {
    await holdLinesOf(tx, jobId);
    await tx.query(`select 1 from job where job_id = $1 for update`, [jobId]);
    const loaded = await loadJob(tx, jobId);
    if (loaded === undefined) throw new FairleadError('job_not_found', `There is no job ${jobId}`);
    const { job } = loaded;
    requireWhere(caller.principal, [asked, ...permissionsFor(kindByName(deps.kinds, job.kind), job.params)], job.tenant_id ?? undefined);
    if (isTerminal(job.status)) {
      if (job.status === 'cancelled') return undefined;
      throw new FairleadError('job_finished', `The job has already ended: ${job.status}`, { details: { status: job.status } });
    }
    // Already asked for, or already being undone for another reason.
    if (job.cancel_requested_at !== null || job.direction === 'undo') return undefined;
    if (!isUndoable(stateOf(loaded), rulesOf(kindByName(deps.kinds, job.kind)))) {
      throw new FairleadError(
        'cancel_too_late',
        'The job has passed its point of no return and goes on; to go back, plan a job of its own',
      );
    }
    const about = { jobId, tenantId: job.tenant_id ?? undefined };
    const events = [
      jobEvent(
        about,
        { type: 'job_cancel_requested', payload: { by: caller.principal.id } },
        { reason: reason === '' ? undefined : reason },
      ),
    ];
    if (job.status === 'queued') {
      await tx.query(
        `update job set status = 'cancelled', cancel_requested_at = now(), cancelled_by = $2, finished_at = now() where job_id = $1`,
        [jobId, caller.principal.id],
      );
      await tx.query(`update step set status = 'skipped' where job_id = $1`, [jobId]);
      await leaveLines(tx, jobId);
      events.push(jobEvent(about, { type: 'job_cancelled', payload: {} }));
    } else {
      await tx.query(
        `update job set cancel_requested_at = now(), cancelled_by = $2, wake_at = least(wake_at, now()), paused_at = null, pause_requested_at = null where job_id = $1`,
        [jobId, caller.principal.id],
      );
    }
    return (await appendInTransaction(tx, { events })).lastPosition;
  });
  if (position !== undefined) deps.onAppended(position);
  deps.onJobChanged(jobId);
}
