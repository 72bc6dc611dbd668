/** Jobs that other jobs ask for. */
import { granted, type Principal } from '@fairlead/auth';
import { FairleadError, platformPath } from '@fairlead/contracts';
import { currentContext, newContext, runInContext } from '@fairlead/telemetry';
import type { ChildJobs } from './engine/children.js';
import type { JobPrincipal } from './engine/kind.js';
import { waitsForPublication, waitsForTarget } from './jobs/checks.js';
import { createPlan } from './plans.js';
import { cancelJob, startJob, type JobDependencies } from './start-job.js';
import { findPlanOf, listChildren } from './store/jobs.js';

/** The children of jobs, through the same doors as everybody's; `deps` is asked for when it is needed. */
export function childJobs(deps: () => JobDependencies): ChildJobs {
  return {
    list: (parentId) => listChildren(deps().db, parentId),
    planOf: (jobId) => findPlanOf(deps().db, jobId),
    start: async (parent, { key, kind, params }) => {
      const principal = principalOf(parent.principal);
      const context = currentContext() ?? newContext({ principal: principal.id });
      return runInContext(context, async () => {
        const plan = await createPlan(deps(), { kind, params, reason: parent.reason }, { principal, context });
        const request = {
          kind,
          planDigest: plan.plan_id,
          reason: parent.reason,
          idempotencyKey: childKey(parent.jobId, key),
          onConflict: 'queue' as const,
        };
        try {
          await startJob(deps(), { ...request, parentId: parent.jobId }, { principal, context });
        } catch (error) {
          // As those that run do, the next waits for it.
          if (waitsForPublication(error)) throw new FairleadError('unavailable', error.message, { cause: error });
          if (waitsForTarget(error)) return { code: error.code, message: error.message };
          // Planned anew, the same child's start looks like another request.
          if (!(error instanceof FairleadError) || error.code !== 'idempotency_key_reused') throw error;
        }
        return undefined;
      });
    },
    cancel: async (parent, jobId) => {
      await cancelJob(deps(), { jobId, reason: parent.reason }, { principal: principalOf(parent.principal) }).catch((error: unknown) => {
        if (!(error instanceof FairleadError) || (error.code !== 'cancel_too_late' && error.code !== 'job_finished')) throw error;
      });
    },
  };
}

/** The idempotency key of a job's child. */
function childKey(parentId: string, key: string): string {
  return `${parentId}/${key}`;
}

/** Who started a job or made a schedule, as they were then, with what they could do where it acts. */
export function principalOf({ id, name, grants, scope = platformPath }: JobPrincipal): Principal {
  return { id, name, kind: 'user', roles: [], ...granted(new Map([[scope, new Set(grants)]])), expiresAtMs: Infinity };
}
