/** Starting and cancelling jobs. */
import { createHash } from 'node:crypto';
import { FairleadError, isTerminal, newId } from '@fairlead/contracts';
import { requirePermission, type Principal } from '@fairlead/auth';
import { appendInTransaction } from '@fairlead/event-log';
import type { Database, Transaction } from '@fairlead/postgres';
import { runInContext, type RequestContext } from '@fairlead/telemetry';
import { isUndoable } from './domain/machine.js';
import { jobEvent } from './engine/events.js';
import { rulesOf, type JobKind } from './engine/kind.js';
import { assertPlanHolds, kindByName, requireReason, type PlanDependencies } from './plans.js';
import { findOpenJobOn, loadJob, stateOf } from './store/jobs.js';
import { findPlan, type PlanRow } from './store/plans.js';

export interface JobDependencies extends PlanDependencies {
  /** Wakes the engine here and on other replicas. */
  onJobChanged: (jobId: string) => void;
}

export interface StartRequest {
  kind: string;
  planDigest: string;
  reason: string;
  idempotencyKey: string;
  onConflict: 'queue' | 'reject';
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
  requirePermission(caller.principal, kind.permission);
  const reason = requireReason(request.reason);
  const payloadHash = hashOf({ kind: request.kind, plan: request.planDigest, reason, onConflict: request.onConflict });
  const earlier = await findByKey(deps.db, caller.principal.id, request.idempotencyKey);
  if (earlier !== undefined) return repeatOf(earlier, payloadHash);

  const plan = await findPlan(deps.db, request.planDigest);
  if (plan.kind !== kind.kind) throw new FairleadError('invalid_argument', `plan_digest: that plan is of kind ${plan.kind}`);
  if (plan.expired) throw new FairleadError('plan_expired', 'The plan has expired. Plan again.');
  try {
    await assertPlanHolds(kind, plan.body.params, plan.body);
  } catch (error) {
    // The world may have moved because this very request, sent twice, has begun meanwhile.
    const begun = await findByKey(deps.db, caller.principal.id, request.idempotencyKey);
    if (begun !== undefined) return repeatOf(begun, payloadHash);
    throw error;
  }

  const started = await deps.db.transaction((tx) => insertJob(tx, kind, plan, { ...request, reason, payloadHash }, caller));
  if (!started.repeated) {
    deps.onAppended(started.position);
    deps.onJobChanged(started.jobId);
  }
  return started;
}

async function insertJob(
  tx: Transaction,
  kind: JobKind,
  plan: PlanRow,
  request: StartRequest & { payloadHash: string },
  { principal, context }: { principal: Principal; context: RequestContext },
): Promise<Started> {
  const params = kind.params.parse(plan.body.params);
  const locks = [...new Set(kind.locks(params))].sort();
  const tenantId = kind.tenantOf(params);
  // Starts on the same resource take turns, so that a refusal and a new job can't pass each other.
  for (const resource of locks) await tx.query(`select pg_advisory_xact_lock(hashtextextended($1, 0))`, [`job-lock/${resource}`]);
  const begun = await findByKey(tx, principal.id, request.idempotencyKey);
  if (begun !== undefined) return repeatOf(begun, request.payloadHash);
  if (request.onConflict === 'reject') await refuseWhenLocked(tx, locks);
  const jobId = newId('job');
  const who = { id: principal.id, name: principal.name, grants: [...principal.grants].sort() };
  const inserted = await tx.query<{ job_id: string }>(
    `insert into job (job_id, kind, version, status, params, plan_id, plan_digest, reason, principal, scope, idempotency_key, payload_hash, locks, tenant_id,
       deadline, request_id, correlation_id, traceparent)
     values ($1, $2, $3, 'queued', $4::jsonb, $5, $6, $7, $8::jsonb, $9, $10, $11, $12::text[], $13, now() + make_interval(secs => $14::float8 / 1000), $15, $16, $17)
     on conflict (scope, idempotency_key) do nothing returning job_id`,
    [
      jobId,
      kind.kind,
      kind.version,
      JSON.stringify(params),
      plan.plan_id,
      plan.digest,
      request.reason,
      JSON.stringify(who),
      principal.id,
      request.idempotencyKey,
      request.payloadHash,
      locks,
      tenantId ?? null,
      kind.deadlineMs,
      context.requestId,
      context.correlationId,
      context.traceparent,
    ],
  );
  if (inserted.length === 0) {
    const earlier = await findByKey(tx, principal.id, request.idempotencyKey);
    if (earlier === undefined) throw new Error('a key in use has a job');
    return repeatOf(earlier, request.payloadHash);
  }
  await tx.query(
    `insert into step (job_id, index, name) select $1, ordinality - 1, name from unnest($2::text[]) with ordinality as s(name, ordinality)`,
    [jobId, kind.steps.map((step) => step.name)],
  );
  const payload = {
    kind: kind.kind,
    plan_id: plan.plan_id,
    plan_digest: plan.digest,
    params: params as Record<string, unknown>,
    locks,
    steps: kind.steps.map((step) => step.name),
  };
  const event = jobEvent({ jobId, tenantId }, { type: 'job_queued', payload }, { reason: request.reason });
  const appended = await runInContext({ ...context, jobId }, () =>
    appendInTransaction(tx, { commandId: newId('command'), events: [event] }),
  );
  return { jobId, position: appended.lastPosition, repeated: false };
}

/** Refuses when an open job holds or awaits one of the locks. */
async function refuseWhenLocked(tx: Transaction, locks: readonly string[]): Promise<void> {
  const holder = await findOpenJobOn(tx, locks);
  if (holder !== undefined) {
    throw new FairleadError('lock_held', `Job ${holder} is already working on ${locks.join(', ')}`, { details: { job_id: holder, locks } });
  }
}

interface Earlier {
  job_id: string;
  payload_hash: string;
}

async function findByKey(sql: Pick<Database, 'query'>, scope: string, key: string): Promise<Earlier | undefined> {
  const [row] = await sql.query<Earlier>(`select job_id, payload_hash from job where scope = $1 and idempotency_key = $2`, [scope, key]);
  return row;
}

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
export async function cancelJob(deps: JobDependencies, jobId: string, reason: string, caller: { principal: Principal }): Promise<void> {
  const position = await deps.db.transaction(async (tx) => {
    await tx.query(`select 1 from job where job_id = $1 for update`, [jobId]);
    const loaded = await loadJob(tx, jobId);
    if (loaded === undefined) throw new FairleadError('job_not_found', `There is no job ${jobId}`);
    const { job } = loaded;
    requirePermission(caller.principal, kindByName(deps.kinds, job.kind).permission);
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
      events.push(jobEvent(about, { type: 'job_cancelled', payload: {} }));
    } else {
      await tx.query(`update job set cancel_requested_at = now(), cancelled_by = $2, wake_at = least(wake_at, now()) where job_id = $1`, [
        jobId,
        caller.principal.id,
      ]);
    }
    return (await appendInTransaction(tx, { commandId: newId('command'), events })).lastPosition;
  });
  if (position !== undefined) deps.onAppended(position);
  deps.onJobChanged(jobId);
}
