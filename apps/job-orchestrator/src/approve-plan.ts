/** A second person's word for a plan. */
import { isProgram, type Principal } from '@fairlead/auth';
import { FairleadError, type Permission } from '@fairlead/contracts';
import { appendInTransaction } from '@fairlead/event-log';
import type { Sql } from '@fairlead/postgres';
import type { JobKind } from './engine/kind.js';
import { kindByName, permissionsFor, requireReason, requireWhere, tenantOfPlan, type PlanDependencies } from './plans.js';
import { findApproval, insertApproval } from './store/approvals.js';
import { findPlan, type PlanRow } from './store/plans.js';

/**
 * Approves a plan, by its id or digest. Who made it may not, nor a program, nor who may not run jobs of its kind, or lacks the permission that
 * they were `asked` for, on the tenant that it is about, or on the platform. Approving twice is the same as
 * once. Throws `plan_not_found`, `plan_expired`, `permission_denied` and `second_person_required`.
 */
export async function approvePlan(
  deps: PlanDependencies,
  request: { plan: string; reason: string; asked?: Permission },
  { principal }: { principal: Principal },
): Promise<PlanRow> {
  const reason = requireReason(request.reason);
  const plan = await findPlan(deps.db, request.plan);
  const kind = kindByName(deps.kinds, plan.kind);
  requireWhere(principal, [request.asked, ...permissionsFor(kind, plan.body.params)], tenantOfPlan(kind, plan));
  if (plan.created_by === principal.id || isProgram(principal))
    throw new FairleadError('second_person_required', 'A plan is approved by a person other than who made it');
  if (plan.expired) throw new FairleadError('plan_expired', 'The plan has expired. Plan again.');
  const position = await deps.db.transaction(async (tx) => {
    if (!(await insertApproval(tx, { planId: plan.plan_id, approvedBy: principal.id, reason }))) return undefined;
    const tenant = tenantOfPlan(kind, plan);
    const about = tenant === undefined ? {} : { tenant_id: tenant };
    const payload = { ...about, kind: plan.kind, digest: plan.digest, by: principal.id };
    const events = [
      { aggregateType: 'plan', aggregateId: plan.plan_id, type: 'plan_approved', payload, meta: { reason, ...about } } as const,
    ];
    return (await appendInTransaction(tx, { events })).lastPosition;
  });
  if (position !== undefined) deps.onAppended(position);
  return plan;
}

/** Throws `approval_required` for a plan of a kind that needs a second person, while it has none. */
export async function assertApproved(sql: Sql, kind: JobKind, plan: PlanRow, needed: ReadonlySet<string>): Promise<void> {
  if (kind.needsApproval !== true && !needed.has(kind.kind)) return;
  if ((await findApproval(sql, plan.plan_id)) !== undefined) return;
  throw new FairleadError(
    'approval_required',
    `Jobs of kind ${kind.kind} need a second person: somebody else has to approve plan ${plan.plan_id}`,
    {
      details: { plan_id: plan.plan_id },
    },
  );
}
