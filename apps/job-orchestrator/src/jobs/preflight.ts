import type { JobKind, Step } from '../engine/kind.js';
import { assertPlanHolds, requireGrant } from '../plans.js';

/**
 * The first step of every job: the plan is held against the world once more, and the principal's grants against
 * the kind, just before anything is done.
 */
export function preflight<Params>(kind: () => JobKind<Params>): Step<Params> {
  return {
    name: 'preflight',
    attemptTimeoutMs: 15_000,
    timeoutMs: 120_000,
    retry: { maxAttempts: 20, baseDelayMs: 200, maxDelayMs: 5_000 },
    run: async (context) => {
      requireGrant(context.principal.grants, kind().permission);
      const now = await assertPlanHolds(kind() as JobKind, context.params, context.plan);
      return {
        outcome: 'done',
        output: { checks: Object.fromEntries(now.checks.map((check) => [check.name, `${check.verdict}: ${check.value}`])) },
      };
    },
    undo: { none: 'it only looks' },
  };
}
