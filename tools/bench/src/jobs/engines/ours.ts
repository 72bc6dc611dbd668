/** Fairlead's engine as its service runs it: plans, locks, events in the log, pokes over NATS. */
import { z } from 'zod';
import type { Principal } from '@fairlead/auth';
import type { Permission } from '@fairlead/contracts';
import { headPosition, pokeLog } from '@fairlead/event-log';
import {
  createEngineMetrics,
  createPlan,
  jobPokes,
  startEngine,
  startJob,
  type JobDependencies,
  type JobKind,
  type Step,
} from '@fairlead/job-orchestrator/engine';
import type { Messaging } from '@fairlead/messaging';
import { createLogger, createMetrics, newContext, runInContext } from '@fairlead/telemetry';
import { openBus } from '../../log/bus.js';
import { openOurDatabase } from '../../log/database.js';
import { steps, type Job } from '../ledger.js';
import { until } from '../waiting.js';
import { poolSize, type EngineOptions, type Handle, type JobEngine } from './engine.js';

const grants: Permission[] = ['plan.create', 'tenant.migrate', 'job.cancel', 'job.read'];
const principal: Principal = {
  id: 'user:usr_bench',
  name: 'bench@example.com',
  kind: 'user',
  roles: ['operator'],
  grants: new Set(grants),
  expiresAtMs: Infinity,
};
const reason = 'a bench';
export const logger = createLogger({ service: 'bench', level: 'fatal' });
export const registry = () => createMetrics({ service: 'bench', version: '0', gitSha: '0', processMetrics: false });

/** A pool of the service's size, on its tables. */
export const openJobDatabase = (url: string) => openOurDatabase(url, { schema: 'job_orchestrator', poolSize });

/** Opens a replica and what starts jobs on it. `onAppended` is told each position as soon as its commit is known. */
export async function openOurs({
  url,
  bus,
  handle,
  concurrency,
  onAppended = () => undefined,
}: EngineOptions & { onAppended?: (position: number) => void }): Promise<JobEngine> {
  const db = await openJobDatabase(url);
  const messaging = bus === undefined ? undefined : await openBus(bus);
  const kind = benchKind(handle);
  const appended = (position: number) => {
    onAppended(position);
    if (messaging !== undefined) pokeLog(messaging, position);
  };
  const wake = (jobId?: string) => {
    engine.wake(jobId);
  };
  const pokes =
    messaging === undefined
      ? { claimable: wake, claimableElsewhere: () => undefined, changed: wake, close: () => undefined }
      : jobPokes(messaging, wake);
  const engine = startEngine({
    db,
    kinds: [kind],
    logger,
    metrics: createEngineMetrics(registry()),
    onAppended: appended,
    onClaimable: pokes.claimableElsewhere,
    leaseMs: 5_000,
    pollMs: 500,
    maxConcurrent: concurrency * 2,
  });
  const deps: JobDependencies = {
    db,
    kinds: new Map([[kind.kind, kind]]),
    planTtlMs: 60_000,
    approvalKinds: new Set(),
    onAppended: appended,
    engine,
    onClaimable: pokes.claimable,
    onJobChanged: pokes.changed,
  };
  return {
    prepare: async ({ job, tenant }) => {
      const context = newContext();
      const caller = { principal, context };
      const within = <T>(work: () => Promise<T>) => runInContext({ ...context, principal: principal.id }, work);
      const plan = await within(() => createPlan(deps, { kind: kind.kind, params: { job, tenant }, reason }, caller));
      const request = { kind: kind.kind, planDigest: plan.digest, reason, idempotencyKey: job, onConflict: 'queue' } as const;
      return async () => {
        await within(() => startJob(deps, request, caller));
      };
    },
    open: async () => {
      const [row] = await db.query<{ open: number }>(
        `select count(*)::int as open from job where kind = '${kind.kind}' and status <> 'succeeded'`,
      );
      return row?.open ?? NaN;
    },
    settle: async () => {
      if (messaging !== undefined) await relayed(messaging, await headPosition(db));
    },
    stop: async () => {
      pokes.close();
      await engine.stop();
      await messaging?.close();
      await db.close();
    },
  };
}

/** Resolves when the stream has the log up to a position. */
async function relayed(messaging: Messaging, position: number): Promise<void> {
  const manager = await messaging.manager();
  const last = async () => (await manager.streams.info(messaging.topology.streams.evt.name).catch(() => undefined))?.state.last_seq ?? 0;
  await until('the relay has published all', async () => (await last()) >= position, 50);
}

/** A job of steps without anything to undo, which locks its tenant. */
function benchKind(handle: Handle): JobKind {
  const names = Array.from({ length: steps }, (_, n) => `step${String(n)}`);
  const kind: JobKind<Job, number> = {
    kind: 'bench',
    version: 1,
    permission: 'tenant.migrate',
    params: z.object({ job: z.string(), tenant: z.string() }),
    deadlineMs: 60_000,
    locks: ({ tenant }) => [`tenant/${tenant}`],
    tenantOf: ({ tenant }) => tenant,
    readInputs: () => Promise.resolve(1),
    plan: ({ tenant }, revision) => ({
      actions: [],
      checks: [],
      impact: { tenants: [tenant], services: [], expectedPauseMs: 0 },
      inputs: [{ resource: `tenant/${tenant}`, revision }],
    }),
    steps: names.map((name, n): Step<Job> => ({
      name,
      attemptTimeoutMs: 10_000,
      timeoutMs: 30_000,
      retry: { maxAttempts: 3, baseDelayMs: 100, maxDelayMs: 1_000 },
      run: async ({ params }) => {
        await handle(params, n);
        return { outcome: 'done' };
      },
      undo: { none: 'what a bench has done stays' },
    })),
  };
  return kind as JobKind;
}
