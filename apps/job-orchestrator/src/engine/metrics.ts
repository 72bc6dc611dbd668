import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { QueueFigures } from '../store/queue.js';
import type { LoopMetrics } from './loops.js';

export interface EngineMetrics {
  attempt(kind: string, step: string, direction: string, outcome: string, seconds: number): void;
  /** A job ended, so many seconds after it was first claimed. */
  finished(kind: string, status: string, seconds: number): void;
  /** A job was claimed for the first time, so many seconds after it was started. */
  waited(kind: string, seconds: number): void;
  /** How the queue is at this moment. */
  queue(figures: QueueFigures): void;
  claimed(how: string): void;
  running(count: number): void;
  lost(): void;
  writeFailed(): void;
  /** A transition was refused, since a later claim has the job. */
  fenced(): void;
  /** So many transitions were committed together. */
  batch(size: number): void;
}

/** The engine's metrics in a service's registry. */
export function createEngineMetrics(registry: Registry): EngineMetrics {
  const registers = [registry];
  const attempts = new Histogram({
    name: 'fairlead_job_step_seconds',
    help: 'How long runs of steps took, by outcome.',
    labelNames: ['kind', 'step', 'direction', 'outcome'],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    registers,
  });
  const finished = new Counter({
    name: 'fairlead_jobs_finished_total',
    help: 'Jobs that ended, by status.',
    labelNames: ['kind', 'status'],
    registers,
  });
  const durations = new Histogram({
    name: 'fairlead_job_seconds',
    help: 'From the first claim of a job to its end, by kind and status.',
    labelNames: ['kind', 'status'],
    buckets: [0.05, 0.2, 1, 5, 20, 60, 300, 1_800],
    registers,
  });
  const waits = new Histogram({
    name: 'fairlead_job_wait_seconds',
    help: 'From the start of a job to its first claim: for its resources and for a replica.',
    labelNames: ['kind'],
    buckets: [0.01, 0.05, 0.2, 1, 5, 20, 60, 300, 1_800],
    registers,
  });
  const queued = new Gauge({
    name: 'fairlead_jobs_queued',
    help: 'Jobs in the queue, of all replicas: ready to be claimed, waiting for a resource, paused.',
    labelNames: ['state'],
    registers,
  });
  const age = new Gauge({
    name: 'fairlead_job_queue_age_seconds',
    help: 'How long the oldest job of the queue has been there: ready to be claimed, or waiting for a resource.',
    labelNames: ['state'],
    registers,
  });
  const claims = new Counter({
    name: 'fairlead_job_claims_total',
    help: 'Claims: started, resumed, taken_over.',
    labelNames: ['how'],
    registers,
  });
  const running = new Gauge({ name: 'fairlead_jobs_running', help: 'Jobs this replica runs now.', registers });
  const lost = new Counter({
    name: 'fairlead_jobs_lost_total',
    help: 'Jobs this replica had to give up: fenced out or lease ended.',
    registers,
  });
  const writeFailures = new Counter({
    name: 'fairlead_job_write_failures_total',
    help: 'Transitions that were not written at first.',
    registers,
  });
  const fenced = new Counter({
    name: 'fairlead_job_fenced_writes_total',
    help: 'Transitions of earlier claims that were refused.',
    registers,
  });
  const batches = new Histogram({
    name: 'fairlead_job_transition_batch_size',
    help: 'Transitions that were committed together.',
    buckets: [1, 2, 5, 10, 20, 50, 100, 200],
    registers,
  });
  return {
    attempt: (kind, step, direction, outcome, seconds) => {
      attempts.observe({ kind, step, direction, outcome }, seconds);
    },
    finished: (kind, status, seconds) => {
      finished.inc({ kind, status });
      durations.observe({ kind, status }, seconds);
    },
    waited: (kind, seconds) => {
      waits.observe({ kind }, seconds);
    },
    queue: (figures) => {
      for (const state of ['ready', 'blocked', 'paused'] as const) queued.set({ state }, figures[state]);
      age.set({ state: 'ready' }, figures.readySeconds);
      age.set({ state: 'blocked' }, figures.blockedSeconds);
    },
    claimed: (how) => {
      claims.inc({ how });
    },
    running: (count) => {
      running.set(count);
    },
    lost: () => {
      lost.inc();
    },
    writeFailed: () => {
      writeFailures.inc();
    },
    fenced: () => {
      fenced.inc();
    },
    batch: (size) => {
      batches.observe(size);
    },
  };
}

/** The metrics of periodic checks in a service's registry. */
export function createLoopMetrics(registry: Registry): LoopMetrics {
  const registers = [registry];
  const checks = new Counter({
    name: 'fairlead_loop_checks_total',
    help: 'Periodic checks by outcome; late: a whole interval or more after they were due.',
    labelNames: ['loop', 'outcome'],
    registers,
  });
  const lag = new Gauge({
    name: 'fairlead_loop_lag_seconds',
    help: 'How long after it was due the latest check of the last batch was claimed.',
    labelNames: ['loop'],
    registers,
  });
  return {
    checked: (loop, outcome, count) => {
      if (count > 0) checks.inc({ loop, outcome }, count);
    },
    lag: (loop, seconds) => {
      lag.set({ loop }, seconds);
    },
  };
}

/** For figures alone: the clocks of this machine and of the database may differ. */
export function secondsSince(time: Date | null): number {
  return time === null ? 0 : Math.max(0, Date.now() - time.getTime()) / 1000;
}
