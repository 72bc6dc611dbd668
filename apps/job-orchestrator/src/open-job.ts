import type { Principal } from '@fairlead/auth';
import { FairleadError, isTerminal, type Permission } from '@fairlead/contracts';
import type { Transaction } from '@fairlead/postgres';
import type { JobKind } from './engine/kind.js';
import { kindByName, permissionsFor, requireWhere } from './plans.js';
import { loadJob } from './store/jobs.js';
import type { JobRow } from './store/rows.js';

/** A job that something is asked of. */
export interface JobRequest {
  readonly jobId: string;
  /** The permission that the caller was asked for besides the kind's. */
  readonly asked?: Permission;
}

/**
 * The row of a job that has not ended, locked until the transaction ends, for who may run such jobs, on the tenant that it is about or on the platform. Throws
 * `job_not_found`, `permission_denied` and `job_finished`.
 */
export async function lockOpenJob(
  tx: Transaction,
  kinds: ReadonlyMap<string, JobKind>,
  { jobId, asked }: JobRequest,
  principal: Principal,
): Promise<JobRow> {
  // What runs the job is written together with other jobs', all of which wait while this holds the row.
  await tx.query('select limit_idling()');
  await tx.query(`select from job where job_id = $1 for update`, [jobId]);
  const loaded = await loadJob(tx, jobId);
  if (loaded === undefined) throw new FairleadError('job_not_found', `There is no job ${jobId}`);
  const { job } = loaded;
  requireWhere(principal, [asked, ...permissionsFor(kindByName(kinds, job.kind), job.params)], job.tenant_id ?? undefined);
  if (isTerminal(job.status))
    throw new FairleadError('job_finished', `The job has already ended: ${job.status}`, { details: { status: job.status } });
  return job;
}
