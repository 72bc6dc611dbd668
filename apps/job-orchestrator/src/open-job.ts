import { requirePermission, type Principal } from '@fairlead/auth';
import { FairleadError, isTerminal } from '@fairlead/contracts';
import type { Transaction } from '@fairlead/postgres';
import type { JobKind } from './engine/kind.js';
import { kindByName } from './plans.js';
import { loadJob } from './store/jobs.js';
import type { JobRow } from './store/rows.js';

/**
 * The row of a job that has not ended, locked until the transaction ends, for who may run such jobs. Throws
 * `job_not_found`, `permission_denied` and `job_finished`.
 */
export async function lockOpenJob(
  tx: Transaction,
  kinds: ReadonlyMap<string, JobKind>,
  jobId: string,
  principal: Principal,
): Promise<JobRow> {
  // What runs the job is written together with other jobs', all of which wait while this holds the row.
  await tx.query('select limit_idling()');
  await tx.query(`select from job where job_id = $1 for update`, [jobId]);
  const loaded = await loadJob(tx, jobId);
  if (loaded === undefined) throw new FairleadError('job_not_found', `There is no job ${jobId}`);
  const { job } = loaded;
  requirePermission(principal, kindByName(kinds, job.kind).permission);
  if (isTerminal(job.status))
    throw new FairleadError('job_finished', `The job has already ended: ${job.status}`, { details: { status: job.status } });
  return job;
}
