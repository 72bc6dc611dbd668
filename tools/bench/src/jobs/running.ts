/** Jobs in a process of their own: so many callers, each of which starts its next job when the last step of the one before has run. */
import { setTimeout as pause } from 'node:timers/promises';
import { ownBus } from '../log/bus.js';
import { nowMs } from '../log/watching.js';
import { percentile } from '../figures.js';
import { openDbos } from './engines/dbos.js';
import type { EngineName, EngineOptions, JobEngine } from './engines/engine.js';
import { openGraphileWorker } from './engines/graphile-worker.js';
import { openOurs } from './engines/ours.js';
import { openPgBoss } from './engines/pg-boss.js';
import { openLedger, steps, type Effect, type Job } from './ledger.js';
import { patienceMs, until } from './waiting.js';

export interface RunOptions {
  engine: EngineName;
  url: string;
  adminUrl: string;
  /** Ours: where a relay publishes the events, which is waited for. */
  natsUrl?: string;
  effect: Effect;
  /** Callers. */
  concurrency: number;
  /** Names this run's jobs apart from others'. */
  label: string;
  ms: number;
  warmUpMs: number;
}

export interface Ran {
  jobs: number;
  /** Until the last of them had ended by the engine's own tables. */
  elapsedMs: number;
  /** From the call that starts a job until its first step runs. */
  firstStepP50Ms: number;
  firstStepP99Ms: number;
}

const openers: Readonly<Record<EngineName, (options: EngineOptions) => Promise<JobEngine>>> = {
  ours: openOurs,
  dbos: openDbos,
  'pg-boss': openPgBoss,
  'graphile-worker': openGraphileWorker,
};

/** Each caller's jobs go to so many tenants in turn. */
const tenantsEach = 50;

/** Opens the engine and warms up; `measure` measures, and throws unless each step of each job was done once. */
export async function openRun(options: RunOptions): Promise<{ measure: () => Promise<Ran>; stop: () => Promise<void> }> {
  const { concurrency, label, natsUrl } = options;
  const ledger = openLedger({ effect: options.effect, url: options.adminUrl, label });
  const begun: string[] = [];
  const startedAt = new Map<string, number>();
  const ended = new Map<string, () => void>();
  const firstSteps: number[] = [];
  const engine = await openers[options.engine]({
    ...options,
    bus: natsUrl === undefined ? undefined : ownBus(natsUrl),
    handle: async ({ job }, step) => {
      if (step === 0) firstSteps.push(nowMs() - (startedAt.get(job) ?? NaN));
      await ledger.act(job, step);
      if (step === steps - 1) ended.get(job)?.();
    },
  });

  async function runOne(job: Job): Promise<void> {
    begun.push(job.job);
    const start = await engine.prepare(job);
    const { promise, resolve } = Promise.withResolvers<undefined>();
    ended.set(job.job, () => {
      resolve(undefined);
    });
    startedAt.set(job.job, nowMs());
    await start();
    await promise;
    startedAt.delete(job.job);
    ended.delete(job.job);
  }

  async function callFor(ms: number, phase: string): Promise<void> {
    const end = performance.now() + ms;
    const call = async (caller: number) => {
      for (let n = 0; performance.now() < end; n += 1) {
        const tenant = `tenant-${String(caller)}-${String(n % tenantsEach)}`;
        await runOne({ job: `${label}-${phase}-${String(caller)}-${String(n)}`, tenant });
      }
    };
    await within(
      patienceMs + ms,
      `${options.engine} to run all jobs`,
      Promise.all(Array.from({ length: concurrency }, (_, caller) => call(caller))),
    );
    await until(`${options.engine} has ended all jobs`, async () => (await engine.open()) === 0);
  }

  await callFor(options.warmUpMs, 'w');
  return {
    measure: async () => {
      const before = begun.length;
      firstSteps.length = 0;
      const since = performance.now();
      await callFor(options.ms, 'm');
      const elapsedMs = performance.now() - since;
      await engine.settle();
      await ledger.check(begun);
      const jobs = begun.length - before;
      return { jobs, elapsedMs, firstStepP50Ms: percentile(firstSteps, 0.5), firstStepP99Ms: percentile(firstSteps, 0.99) };
    },
    stop: async () => {
      await engine.stop();
      await ledger.close();
    },
  };
}

/** The same in a process of the bench, which ends it. */
export async function prepareRun(options: RunOptions): Promise<() => Promise<Ran>> {
  const { measure } = await openRun(options);
  return measure;
}

async function within(ms: number, what: string, work: Promise<unknown>): Promise<void> {
  const aborter = new AbortController();
  const late = pause(ms, undefined, { signal: aborter.signal }).then(() => {
    throw new Error(`waited ${String(ms)} ms for ${what}`);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    aborter.abort();
    late.catch(() => undefined);
  }
}
