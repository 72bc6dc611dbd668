/** Plans take a core and hold all tenants of a kind: some are made at a time, some wait, and more are refused. */
import { FairleadError } from '@fairlead/contracts';

/** Has a plan made when it is its turn. Throws `overloaded` when too many wait, and what the signal was aborted with when it is while waiting. */
export type PlanTurns = <T>(signal: AbortSignal, plan: () => Promise<T>) => Promise<T>;

export interface PlanTurnsOptions {
  /** Made at the same time. */
  readonly running?: number;
  readonly waiting?: number;
}

/** Makes the turns of one process. */
export function createPlanTurns({ running = 2, waiting: most = 16 }: PlanTurnsOptions = {}): PlanTurns {
  let free = running;
  const waiting: (() => void)[] = [];
  const takeTurn = (signal: AbortSignal) => {
    if (free > 0) {
      free -= 1;
      return Promise.resolve();
    }
    if (waiting.length >= most)
      throw new FairleadError('overloaded', 'Too many plans are being made', { details: { retry_after_seconds: 5 } });
    return new Promise<void>((resolve, reject) => {
      const leave = () => {
        waiting.splice(waiting.indexOf(go), 1);
        reject(signal.reason as Error);
      };
      const go = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      waiting.push(go);
      signal.addEventListener('abort', leave, { once: true });
    });
  };
  return async (signal, plan) => {
    signal.throwIfAborted();
    await takeTurn(signal);
    try {
      return await plan();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}
