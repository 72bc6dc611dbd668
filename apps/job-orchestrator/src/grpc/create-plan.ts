import { FairleadError, idempotencyKeyPattern, type jobsV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { createPlan as create, type PlanDependencies } from '../plans.js';
import { readPlan } from './get-plan.js';

export const createPlan = (deps: PlanDependencies): Rpc<jobsV1.CreatePlanRequest, jobsV1.CreatePlanResponse> =>
  rpc(
    'plan.create',
    async (request, call) => {
      if (request.idempotencyKey !== '' && !idempotencyKeyPattern.test(request.idempotencyKey))
        throw new FairleadError('invalid_argument', 'idempotency_key: 1 to 128 visible characters are expected');
      return { plan: await readPlan(deps, await create(deps, { ...request, params: request.params ?? {}, asked: 'plan.create' }, call)) };
    },
    { anywhere: true },
  );
