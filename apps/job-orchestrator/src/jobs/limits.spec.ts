import { describe, expect, it } from '@jest/globals';
import { configSchema } from '../config.js';
import { backoffMs } from '../domain/machine.js';
import type { ChildJobs } from '../engine/children.js';
import { rulesOf, type JobKind, type RetryPolicy } from '../engine/kind.js';
import type { JobSettings, KindDependencies } from './clients.js';
import { jobKinds } from './index.js';

/** NATS or a service away for so long must not end a job that is under way. */
const outageMs = 30_000;

/** How long a step is tried again at least: all its delays at their shortest. */
function shortestPatienceMs(retry: RetryPolicy): number {
  return Array.from({ length: retry.maxAttempts - 1 }, (_, index) => backoffMs(retry, index + 1, 0)).reduce((sum, ms) => sum + ms, 0);
}

const byDefault = (name: keyof typeof configSchema.shape) => configSchema.shape[name].parse(undefined) as number;
const settings: JobSettings = {
  maxLag: byDefault('MIGRATE_MAX_LAG'),
  maxInflight: byDefault('MIGRATE_MAX_INFLIGHT'),
  drainTimeoutMs: byDefault('DRAIN_TIMEOUT_MS'),
  handOverTimeoutMs: byDefault('MIGRATE_HANDOVER_TIMEOUT_MS'),
  forwardTimeoutMs: byDefault('MIGRATE_FORWARD_TIMEOUT_MS'),
  undoTimeoutMs: byDefault('MIGRATE_UNDO_TIMEOUT_MS'),
  maxPaused: byDefault('MIGRATE_MAX_PAUSED'),
};
const kinds: JobKind[] = jobKinds({ settings } as KindDependencies, {} as ChildJobs);

describe("each kind's limits", () => {
  it.each(kinds.map((kind) => [kind.kind, kind] as const))('of %s outlast an outage', (_name, kind) => {
    const short = rulesOf(kind).flatMap((rules, index) => {
      const limits = { whole: rules.timeoutMs, retries: shortestPatienceMs(rules.retry), undo: rules.undoTimeoutMs };
      return Math.min(...Object.values(limits)) > outageMs ? [] : [{ step: kind.steps[index]?.name, ...limits }];
    });
    expect(short).toEqual([]);
    expect(kind.deadlineMs).toBeGreaterThan(2 * outageMs);
  });
});
