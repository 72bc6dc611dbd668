import type { jobsV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { pauseJob as pause } from '../pause-job.js';
import type { JobDependencies } from '../start-job.js';
import { readJob } from './get-job.js';

export const pauseJob = (deps: JobDependencies): Rpc<jobsV1.PauseJobRequest, jobsV1.PauseJobResponse> =>
  rpc(
    'job.pause',
    async (request, call) => {
      await pause(deps, { jobId: request.jobId, reason: request.reason, asked: 'job.pause' }, call);
      return { job: await readJob(deps.db, request.jobId) };
    },
    { anywhere: true },
  );
