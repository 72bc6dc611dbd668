/** Counts failures per key and says how long a key has to wait. Times in ms of any one clock. */
export interface Throttle {
  /** 0 when the key may try now, else the time until it may. */
  waitMs(key: string, nowMs: number): number;
  failed(key: string, nowMs: number): void;
  succeeded(key: string): void;
}

export interface ThrottleLimits {
  /** Failures that a key has within one window. */
  failures: number;
  windowMs: number;
  /** Keys remembered at most; the oldest window is forgotten first. */
  keys: number;
}

/** Makes a throttle: a key's first failure opens its window; past the limit the key waits for the window's end. */
export function createThrottle(limits: ThrottleLimits): Throttle {
  const windows = new Map<string, { failures: number; endsAtMs: number }>();
  return {
    waitMs: (key, nowMs) => {
      const window = windows.get(key);
      if (window === undefined || window.endsAtMs <= nowMs || window.failures < limits.failures) return 0;
      return window.endsAtMs - nowMs;
    },
    failed: (key, nowMs) => {
      const window = windows.get(key);
      if (window !== undefined && window.endsAtMs > nowMs) {
        window.failures += 1;
        return;
      }
      windows.delete(key);
      windows.set(key, { failures: 1, endsAtMs: nowMs + limits.windowMs });
      if (windows.size > limits.keys) {
        const oldest = windows.keys().next();
        if (oldest.done !== true) windows.delete(oldest.value);
      }
    },
    succeeded: (key) => {
      windows.delete(key);
    },
  };
}
