/** Steps that wait: for a while, for another person, for another service. A job that waits for long has no replica. */
import type { Step } from './kind.js';

/** The signal by which somebody other than who started a job lets it go on. */
export const approvalSignal = 'approval';

const atOnce = { maxAttempts: 5, baseDelayMs: 100, maxDelayMs: 1_000 };
const nothing = { none: 'it only waits' };

/** Waits so long from its beginning, whatever happens to replicas meanwhile. Time in which the job is paused does not count. */
export function timerStep<Params>(name: string, waitMs: (params: Params) => number): Step<Params> {
  return {
    name,
    attemptTimeoutMs: 5_000,
    timeoutMs: Number.MAX_SAFE_INTEGER,
    retry: atOnce,
    run: ({ params, runningMs }) => {
      const leftMs = waitMs(params) - runningMs;
      return Promise.resolve(
        leftMs <= 0 ? { outcome: 'done' } : { outcome: 'wait', delayMs: leftMs, note: `${String(Math.ceil(leftMs / 1000))} s` },
      );
    },
    undo: nothing,
  };
}

/** Waits until a signal of a name was sent, whose payload is its output; fails after so long. */
export function signalStep<Params>(name: string, signal: string, timeoutMs: number, note: string): Step<Params> {
  return {
    name,
    attemptTimeoutMs: 5_000,
    timeoutMs,
    retry: atOnce,
    run: ({ signals, runningMs }) => {
      const output = signals[signal];
      if (output !== undefined) return Promise.resolve({ outcome: 'done', output });
      return Promise.resolve({ outcome: 'wait', delayMs: Math.max(1, timeoutMs - runningMs), signal, note });
    },
    undo: nothing,
  };
}

/** Waits for the word of somebody other than who started the job, given by the signal `approval`. */
export function approvalStep<Params>(name: string, timeoutMs: number): Step<Params> {
  return signalStep(name, approvalSignal, timeoutMs, 'somebody other than who started it has to approve');
}
