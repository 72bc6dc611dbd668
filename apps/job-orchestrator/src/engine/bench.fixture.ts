/** For specs of the engine: a database of their own, replicas of the engine over a toy kind, and jobs in it. */
import { afterAll, afterEach } from '@jest/globals';
import type { Principal } from '@fairlead/auth';
import { isTerminal, type Permission } from '@fairlead/contracts';
import { readLog } from '@fairlead/event-log';
import type { Database, Sql } from '@fairlead/postgres';
import { createLogger, createMetrics, newContext, runInContext, type Logger } from '@fairlead/telemetry';
import { eventually, testDatabase } from '@fairlead/testing';
import { createPlan, newestByName } from '../plans.js';
import { startJob, type JobDependencies, type StartRequest } from '../start-job.js';
import { loadJob } from '../store/jobs.js';
import { migrations } from '../store/migrations/index.js';
import { startEngine, type Engine } from './engine.js';
import type { JobKind } from './kind.js';
import { createEngineMetrics } from './metrics.js';

export const grants: Permission[] = ['plan.create', 'tenant.migrate', 'job.cancel', 'job.read'];
export const ann: Principal = {
  id: 'user:usr_ann',
  name: 'ann@example.com',
  kind: 'user',
  roles: ['operator'],
  grants: new Set(grants),
  expiresAtMs: Infinity,
};
export const logger = createLogger({ service: 'job-orchestrator', level: 'fatal' });
export const leaseMs = 1_000;

export const database = await testDatabase({ service: 'job-orchestrator', migrations });
export const db = database.db;
export const engines: Engine[] = [];

afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
});

afterAll(async () => {
  await database.drop();
});

export interface BootOptions {
  /** false: nothing but what starts jobs. */
  engine?: boolean;
  /** Another database than the spec's own, another log than none. */
  db?: Database;
  logger?: Logger;
  maxConcurrent?: number;
  /** Longer for who counts attempts: a replica that the machine leaves waiting for a whole lease gives its jobs up. */
  leaseMs?: number;
}

/** A replica for a kind or several, and what starts their jobs. */
export function boot(kind: JobKind | JobKind[], options: BootOptions = {}) {
  const kinds = [kind].flat();
  const { engine: runs = true, maxConcurrent = 20, leaseMs: lease = leaseMs, ...given } = options;
  const base = { db, logger, onAppended: () => undefined, ...given };
  let engine: Engine | undefined;
  if (runs) {
    const metrics = createEngineMetrics(createMetrics({ service: 'job-orchestrator', version: '0', gitSha: '0', processMetrics: false }));
    engine = startEngine({ ...base, kinds, metrics, leaseMs: lease, pollMs: 50, maxConcurrent });
    engines.push(engine);
  }
  const deps: JobDependencies = {
    ...base,
    kinds: newestByName(kinds),
    planTtlMs: 60_000,
    approvalKinds: new Set(),
    ...(engine === undefined ? {} : { engine }),
    onClaimable: () => {
      for (const engine of engines) engine.wake();
    },
    onJobChanged: (jobId) => {
      for (const engine of engines) engine.wake(jobId);
    },
  };
  return deps;
}

export const caller = () => ({ principal: ann, context: newContext() });
let keys = 0;

export async function plan(deps: JobDependencies, tenant: string, kind = 'toy'): Promise<string> {
  const who = caller();
  return (
    await runInContext({ ...who.context, principal: ann.id }, () => createPlan(deps, { kind, params: { tenant }, reason: 'test' }, who))
  ).digest;
}

export async function start(deps: JobDependencies, tenant: string, request: Partial<StartRequest> = {}) {
  const planDigest = request.planDigest ?? (await plan(deps, tenant, request.kind));
  const who = caller();
  const full: StartRequest = {
    kind: 'toy',
    planDigest,
    reason: 'test',
    idempotencyKey: `key-${String(keys++)}`,
    onConflict: 'queue',
    ...request,
  };
  return runInContext({ ...who.context, principal: ann.id }, () => startJob(deps, full, who));
}

export async function ended(jobId: string, sql: Sql = db) {
  return eventually(
    async () => {
      const loaded = await loadJob(sql, jobId);
      if (loaded === undefined || !isTerminal(loaded.job.status)) throw new Error(`the job is ${loaded?.job.status ?? 'gone'}`);
      return loaded;
    },
    { timeoutMs: 15_000, what: 'the job to end' },
  );
}

/** A job's events as `type:step>step that began with it`. */
export async function historyOf(jobId: string) {
  const events = await readLog(db, { after: 0, limit: 1_000, aggregateType: 'job', aggregateId: jobId });
  return events.map(({ type, payload }) => {
    const { step, begins } = payload as { step?: string; begins?: { step: string } };
    return `${type}${step === undefined ? '' : `:${step}`}${begins === undefined ? '' : `>${begins.step}`}`;
  });
}
