const firstDelayMs = 500;
const longestDelayMs = 15_000;
/** A process that ran this long had come up well: its next end is the first of a new row. */
export const settledAfterMs = 30_000;

/** How long to wait before a process that ended by itself is started again; `failures` counts from 1. */
export function restartDelayMs(failures: number): number {
  return Math.min(firstDelayMs * 2 ** (Math.min(failures, 10) - 1), longestDelayMs);
}
