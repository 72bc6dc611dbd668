import type { jobsV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { cancelJob as cancel, type JobDependencies } from '../start-job.js';
import { readJob } from './get-job.js';

export const cancelJob = (deps: JobDependencies): Rpc<jobsV1.CancelJobRequest, jobsV1.CancelJobResponse> =>
  rpc(
    'job.cancel',
    async (request, call) => {
      await cancel(deps, { jobId: request.jobId, reason: request.reason, asked: 'job.cancel' }, call);
      return { job: await readJob(deps.db, request.jobId) };
    },
    { anywhere: true },
  );
