/** Holding a job where it is, and letting it go on. */
import type { Principal } from '@fairlead/auth';
import { appendInTransaction } from '@fairlead/event-log';
import { jobEvent } from './engine/events.js';
import { lockOpenJob, type JobRequest } from './open-job.js';
import { requireReason } from './plans.js';
import type { JobDependencies } from './start-job.js';

/**
 * Asks a job to begin nothing more until it is let go on. The run at hand is seen through, locks are kept, and the time does
 * not count against its limits. Asking twice is the same as once. Throws `job_not_found` and `job_finished`.
 */
export async function pauseJob(
  deps: JobDependencies,
  request: JobRequest & { reason: string },
  caller: { principal: Principal },
): Promise<void> {
  const { jobId } = request;
  const reason = requireReason(request.reason);
  const position = await deps.db.transaction(async (tx) => {
    const job = await lockOpenJob(tx, deps.kinds, request, caller.principal);
    if (job.pause_requested_at !== null) return undefined;
    // Nobody runs it: it rests as it is.
    const rests = job.owner === null;
    await tx.query(`update job set pause_requested_at = now(), paused_at = case when $3 then now() end, paused_by = $2 where job_id = $1`, [
      jobId,
      caller.principal.id,
      rests,
    ]);
    const about = { jobId, tenantId: job.tenant_id ?? undefined };
    const events = [jobEvent(about, { type: 'job_pause_requested', payload: { by: caller.principal.id } }, { reason })];
    if (rests) events.push(jobEvent(about, { type: 'job_paused', payload: {} }, { reason }));
    return (await appendInTransaction(tx, { events })).lastPosition;
  });
  if (position !== undefined) deps.onAppended(position);
  deps.onJobChanged(jobId);
}

/** Lets a job go on that was paused, or was asked to. One that was not is left as it is. Throws `job_not_found` and `job_finished`. */
export async function unpauseJob(
  deps: JobDependencies,
  request: JobRequest & { reason: string },
  caller: { principal: Principal },
): Promise<void> {
  const { jobId } = request;
  const reason = requireReason(request.reason);
  const position = await deps.db.transaction(async (tx) => {
    const job = await lockOpenJob(tx, deps.kinds, request, caller.principal);
    if (job.pause_requested_at === null && job.paused_at === null) return undefined;
    await tx.query(`update job set pause_requested_at = null, paused_at = null, paused_by = null where job_id = $1`, [jobId]);
    const event = jobEvent(
      { jobId, tenantId: job.tenant_id ?? undefined },
      { type: 'job_unpaused', payload: { by: caller.principal.id } },
      { reason },
    );
    return (await appendInTransaction(tx, { events: [event] })).lastPosition;
  });
  if (position !== undefined) deps.onAppended(position);
  deps.onJobChanged(jobId);
}
