import type { Check, JobKind, Step } from '../engine/kind.js';
import { assertPlanHolds, permissionsFor, requireGrant } from '../plans.js';
import { waitsForPublication } from './checks.js';
import type { Turns } from './turns.js';

const kindDeadlineMs = 30 * 60_000;

/**
 * The first step of every job: the plan is held against the world once more, and the grants the job was
 * started with against the kind, just before anything is done.
 */
export function preflight<Params>(kind: () => JobKind<Params>, turns?: Turns): Step<Params> {
  return {
    name: 'preflight',
    attemptTimeoutMs: 15_000,
    // Waiting for a turn may take as long as the job may.
    timeoutMs: turns === undefined ? 120_000 : kindDeadlineMs,
    retry: { maxAttempts: 20, baseDelayMs: 200, maxDelayMs: 5_000 },
    run: async (context) => {
      if (turns !== undefined && !(await turns.take(context.jobId, 5_000, context.signal))) {
        return { outcome: 'wait', delayMs: 10, note: 'other tenants are being moved' };
      }
      try {
        for (const permission of permissionsFor(kind(), context.params)) requireGrant(context.principal.grants, permission);
        const now = await assertPlanHolds(kind() as JobKind, context.params, context.plan);
        return {
          outcome: 'done',
          output: { checks: Object.fromEntries(others(now.checks).map((check) => [check.name, `${check.verdict}: ${check.value}`])) },
        };
      } catch (error) {
        // Who does not go on keeps nobody waiting.
        turns?.give(context.jobId);
        if (waitsForPublication(error)) return { outcome: 'wait', delayMs: 500, note: error.message };
        throw error;
      }
    },
    undo: { none: 'it only looks' },
  };
}

/** The job itself is the one that is on the tenant by now. */
function others(checks: readonly Check[]): Check[] {
  return checks.filter((check) => check.name !== 'no_running_job');
}
