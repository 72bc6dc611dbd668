/** Letting a job go on that asked for a person. */
import type { Principal } from '@fairlead/auth';
import { FairleadError, isTerminal } from '@fairlead/contracts';
import { appendInTransaction } from '@fairlead/event-log';
import { tryAgain } from './domain/machine.js';
import { jobEvent } from './engine/events.js';
import type { JobRequest } from './open-job.js';
import { kindByName, permissionsFor, requireReason, requireWhere } from './plans.js';
import type { JobDependencies } from './start-job.js';
import { findSuccessor, loadJob, stateOf } from './store/jobs.js';
import { holdLinesOf } from './store/lines.js';
import { reopenJob } from './store/reopen.js';

/**
 * Lets a job that needs attention go on where it stopped: forward from the step that failed, or with the undos that could
 * not be done. Its locks are taken and its limits begin anew. Asking for a job that is on its way already changes nothing.
 * Throws `job_not_found`, `job_finished` when it needs no attention, `job_outdated` when its kind's steps have changed since, `lock_held` while another job is on its resources, and
 * `job_superseded` when a later job has passed its own point of no return on them: this one's steps would act on a world
 * that they were not planned for.
 */
export async function retryJob(
  deps: JobDependencies,
  request: JobRequest & { reason: string },
  caller: { principal: Principal },
): Promise<void> {
  const { jobId } = request;
  const reason = requireReason(request.reason);
  const position = await deps.db.transaction(async (tx) => {
    await holdLinesOf(tx, jobId);
    await tx.query(`select 1 from job where job_id = $1 for update`, [jobId]);
    const loaded = await loadJob(tx, jobId);
    if (loaded === undefined) throw new FairleadError('job_not_found', `There is no job ${jobId}`);
    const { job } = loaded;
    const kind = kindByName(deps.kinds, job.kind);
    requireWhere(caller.principal, [request.asked, ...permissionsFor(kind, job.params)], job.tenant_id ?? undefined);
    if (!isTerminal(job.status)) return undefined;
    if (job.status !== 'needs_attention')
      throw new FairleadError('job_finished', `The job has already ended: ${job.status}`, { details: { status: job.status } });
    // No replica of this release would claim it, and it would hold its locks.
    if (job.version !== kind.version)
      throw new FairleadError('job_outdated', 'The steps of this kind of job have changed since. Plan anew.', {
        details: { version: job.version, known_version: kind.version },
      });
    const state = tryAgain(stateOf(loaded));
    const holder = await reopenJob(tx, job, state, kind.deadlineMs);
    if (holder !== undefined)
      throw new FairleadError('lock_held', `Job ${holder} is working on ${job.locks.join(', ')}`, { details: { job_id: holder } });
    // With the locks held nothing can begin any more that is not seen here.
    const successor = await findSuccessor(tx, job);
    if (successor !== undefined)
      throw new FairleadError('job_superseded', `Job ${successor} has changed what this one was about. Plan anew.`, {
        details: { job_id: successor },
      });
    const step = state.steps[state.cursor]?.name;
    const payload = { by: caller.principal.id, step };
    const event = jobEvent({ jobId, tenantId: job.tenant_id ?? undefined }, { type: 'job_retried', payload }, { reason });
    return (await appendInTransaction(tx, { events: [event] })).lastPosition;
  });
  if (position !== undefined) deps.onAppended(position);
  deps.onJobChanged(jobId);
}
