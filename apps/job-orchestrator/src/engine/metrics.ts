import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { LoopMetrics } from './loops.js';

export interface EngineMetrics {
  attempt(kind: string, step: string, direction: string, outcome: string, seconds: number): void;
  finished(kind: string, status: string): void;
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
    finished: (kind, status) => {
      finished.inc({ kind, status });
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
