import type { jobsV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { retryJob as retry } from '../retry-job.js';
import type { JobDependencies } from '../start-job.js';
import { readJob } from './get-job.js';

export const retryJob = (deps: JobDependencies): Rpc<jobsV1.RetryJobRequest, jobsV1.RetryJobResponse> =>
  rpc(
    'job.retry',
    async (request, call) => {
      await retry(deps, { jobId: request.jobId, reason: request.reason, asked: 'job.retry' }, call);
      return { job: await readJob(deps.db, request.jobId) };
    },
    { anywhere: true },
  );
