import type { jobsV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { createPlan as create, type PlanDependencies } from '../plans.js';
import { planMessage } from './messages.js';

export const createPlan = (deps: PlanDependencies): Rpc<jobsV1.CreatePlanRequest, jobsV1.CreatePlanResponse> =>
  rpc('plan.create', async (request, call) => ({
    plan: planMessage(await create(deps, { ...request, params: request.params ?? {} }, call)),
  }));
