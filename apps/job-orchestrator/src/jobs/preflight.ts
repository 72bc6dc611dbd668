import type { Check, JobKind, Step } from '../engine/kind.js';
import { assertPlanHolds, permissionsFor, requireGrant } from '../plans.js';
import { waitsForPublication, waitsForTarget } from './checks.js';
import type { Turns } from './turns.js';

const kindDeadlineMs = 30 * 60_000;

/** For so long a job waits for a shard that was well when it was started, and is not when its turn has come. */
const targetMs = 30_000;

const name = 'preflight';

/** What the step keeps while a shard is not well: since when, in its running time. */
interface Waiting {
  readonly target_away_since_ms?: number;
}

/**
 * The first step of every job: the plan is held against the world once more, and the grants the job was
 * started with against the kind, just before anything is done.
 */
export function preflight<Params>(kind: () => JobKind<Params>, turns?: Turns): Step<Params> {
  return {
    name,
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
        const since = (context.outputs[name] as Waiting | undefined)?.target_away_since_ms ?? context.runningMs;
        if (!waitsForTarget(error) || context.runningMs - since >= targetMs) throw error;
        return { outcome: 'wait', delayMs: 500, note: error.message, output: { target_away_since_ms: since } };
      }
    },
    undo: { none: 'it only looks' },
  };
}

/** The job itself is the one that is on the tenant by now. */
function others(checks: readonly Check[]): Check[] {
  return checks.filter((check) => check.name !== 'no_running_job');
}
