import type { jobsV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { requireWhere, tenantOfPlan, type PlanDependencies } from '../plans.js';
import { findApproval } from '../store/approvals.js';
import { findPlan, type PlanRow } from '../store/plans.js';
import { planMessage } from './messages.js';

export const getPlan = (deps: PlanDependencies): Rpc<jobsV1.GetPlanRequest, jobsV1.GetPlanResponse> =>
  rpc(
    'job.read',
    async (request, { principal }) => {
      const plan = await findPlan(deps.db, request.plan);
      requireWhere(principal, ['job.read'], tenantOfPlan(deps.kinds.get(plan.kind), plan));
      return { plan: await readPlan(deps, plan) };
    },
    { anywhere: true },
  );

/** A plan with whether it needs an approval, and the one that it has. */
export async function readPlan({ db, kinds, approvalKinds }: PlanDependencies, row: PlanRow): Promise<jobsV1.Plan> {
  const needsApproval = kinds.get(row.kind)?.needsApproval === true || approvalKinds.has(row.kind);
  return planMessage(row, needsApproval, needsApproval ? await findApproval(db, row.plan_id) : undefined);
}
