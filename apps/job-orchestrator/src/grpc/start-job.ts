import { FairleadError, idempotencyKeyPattern, type jobsV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { startJob as start, type JobDependencies } from '../start-job.js';

export const startJob = (deps: JobDependencies): Rpc<jobsV1.StartJobRequest, jobsV1.StartJobResponse> =>
  rpc(
    'plan.create',
    async (request, call) => {
      if (!idempotencyKeyPattern.test(request.idempotencyKey))
        throw new FairleadError('idempotency_key_required', 'An idempotency key of 1 to 128 visible characters is required');
      if (request.planDigest === '') throw new FairleadError('invalid_argument', 'plan_digest: the digest of a plan is required');
      return start(deps, { ...request, onConflict: onConflictOf(request.onConflict), asked: 'plan.create' }, call);
    },
    { anywhere: true },
  );

function onConflictOf(value: string): 'queue' | 'reject' {
  if (value === '' || value === 'queue') return 'queue';
  if (value === 'reject') return 'reject';
  throw new FairleadError('invalid_argument', 'on_conflict: queue or reject');
}
