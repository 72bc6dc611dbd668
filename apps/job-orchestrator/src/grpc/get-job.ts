import { requirePermission } from '@fairlead/auth';
import { FairleadError, type jobsV1 } from '@fairlead/contracts';
import type { Sql } from '@fairlead/postgres';
import { rpc, type Rpc } from '@fairlead/rpc';
import { findBlocker, loadJob } from '../store/jobs.js';
import { findPlan } from '../store/plans.js';
import { jobMessage } from './messages.js';

export const getJob = ({ db }: { db: Sql }): Rpc<jobsV1.GetJobRequest, jobsV1.GetJobResponse> =>
  rpc(
    'job.read',
    async (request, { principal }) => {
      const mayRead = (tenant: string | undefined) => {
        requirePermission(principal, 'job.read', { tenant });
      };
      return { job: await readJob(db, request.jobId, mayRead) };
    },
    { anywhere: true },
  );

/** A job as it stands; throws `job_not_found`, and what `check` throws for the tenant that it is about. */
export async function readJob(db: Sql, jobId: string, check?: (tenant: string | undefined) => void): Promise<jobsV1.Job> {
  const loaded = await loadJob(db, jobId);
  if (loaded === undefined) throw new FairleadError('job_not_found', `There is no job ${jobId}`);
  const { job, steps } = loaded;
  check?.(job.tenant_id ?? undefined);
  const blockedBy = job.status === 'queued' ? await findBlocker(db, jobId) : undefined;
  return jobMessage(job, steps, await findPlan(db, job.plan_id), blockedBy);
}
