/** Periodic checks, each counted, in processes that have nothing else in memory. */

export interface TickingOptions {
  url: string;
  checks: number;
  intervalMs: number;
  ms: number;
}

export interface Ticked {
  /** Turns taken while it was measured. */
  turns: number;
  /** Turns that should have been taken by the end and were not. */
  missed: number;
  rssBytes: number;
}

/** A turn may be so late before it counts as missed. */
export const graceMs = 5_000;
