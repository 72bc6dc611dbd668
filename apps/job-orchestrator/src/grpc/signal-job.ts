import type { jobsV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { signalJob as send } from '../signal-job.js';
import type { JobDependencies } from '../start-job.js';
import { readJob } from './get-job.js';

export const signalJob = (deps: JobDependencies): Rpc<jobsV1.SignalJobRequest, jobsV1.SignalJobResponse> =>
  rpc(
    'job.signal',
    async ({ jobId, signal, payload }, call) => {
      await send(deps, { jobId, signal, payload: payload ?? {}, asked: 'job.signal' }, call);
      return { job: await readJob(deps.db, jobId) };
    },
    { anywhere: true },
  );
