import type { jobsV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { approvePlan as approve } from '../approve-plan.js';
import type { PlanDependencies } from '../plans.js';
import { readPlan } from './get-plan.js';

export const approvePlan = (deps: PlanDependencies): Rpc<jobsV1.ApprovePlanRequest, jobsV1.ApprovePlanResponse> =>
  rpc(
    'plan.approve',
    async (request, call) => ({ plan: await readPlan(deps, await approve(deps, { ...request, asked: 'plan.approve' }, call)) }),
    { anywhere: true },
  );
