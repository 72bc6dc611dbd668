/** The engines that are compared, behind the calls that are measured. */
import type { Bus } from '../../log/bus.js';
import type { Job } from '../ledger.js';

export const engineNames = ['ours', 'dbos', 'pg-boss', 'graphile-worker'] as const;
export type EngineName = (typeof engineNames)[number];

/** Runs a step of a job. */
export type Handle = (job: Job, step: number) => Promise<void>;

export interface EngineOptions {
  /** For the engine's own role. */
  url: string;
  /** The same as superuser. */
  adminUrl: string;
  /** Ours: where events are announced. */
  bus?: Bus | undefined;
  handle: Handle;
  /** Jobs that may run at once, at least. */
  concurrency: number;
}

export interface JobEngine {
  /** What comes before a start and is not part of it: ours makes a plan. Answers what starts the job, and resolves when it is committed. */
  prepare(job: Job): Promise<() => Promise<void>>;
  /** By the engine's own tables: jobs, or parts of jobs, that have not ended well. */
  open(): Promise<number>;
  /** Waits for what readers are still to be told. */
  settle(): Promise<void>;
  stop(): Promise<void>;
}

/** Connections of an engine's pool: what our service has. */
export const poolSize = 20;
