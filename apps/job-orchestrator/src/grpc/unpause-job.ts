import type { jobsV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { unpauseJob as unpause } from '../pause-job.js';
import type { JobDependencies } from '../start-job.js';
import { readJob } from './get-job.js';

export const unpauseJob = (deps: JobDependencies): Rpc<jobsV1.UnpauseJobRequest, jobsV1.UnpauseJobResponse> =>
  rpc(
    'job.pause',
    async (request, call) => {
      await unpause(deps, { jobId: request.jobId, reason: request.reason, asked: 'job.pause' }, call);
      return { job: await readJob(deps.db, request.jobId) };
    },
    { anywhere: true },
  );
