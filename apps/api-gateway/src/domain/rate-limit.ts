/** How many requests each caller may send in a minute. Pure: the caller tells the time. */

export interface RateLimitOptions {
  /** Requests of one caller in each window. */
  readonly limit: number;
  readonly windowMs: number;
  /** How many callers are remembered in a window; beyond them all are counted as one. */
  readonly callers: number;
}

export interface Taken {
  readonly allowed: boolean;
  /** What is left of the window's requests. */
  readonly remaining: number;
  /** Until the next window begins. */
  readonly resetMs: number;
}

export interface RateLimit {
  /** Counts one request; `nowMs` never goes back. */
  take(caller: string, nowMs: number): Taken;
}

/** Makes a limit by fixed windows, the same for all callers, so that all counts are forgotten at once. */
export function createRateLimit({ limit, windowMs, callers }: RateLimitOptions): RateLimit {
  let beganAtMs = -Infinity;
  let counts = new Map<string, number>();
  return {
    take: (caller, nowMs) => {
      if (nowMs - beganAtMs >= windowMs) {
        beganAtMs = Math.floor(nowMs / windowMs) * windowMs;
        counts = new Map();
      }
      const key = counts.has(caller) || counts.size < callers ? caller : '';
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      return { allowed: count <= limit, remaining: Math.max(0, limit - count), resetMs: beganAtMs + windowMs - nowMs };
    },
  };
}
