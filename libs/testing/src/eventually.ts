import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits for a condition: runs `check` until it neither throws nor answers false, null or undefined, and returns its
 * answer. Fails after `timeoutMs` (30 s) with `what` was awaited and the last failure.
 */
export async function eventually<T>(
  check: () => Promise<T> | T,
  options: { timeoutMs?: number; intervalMs?: number; what: string },
): Promise<Exclude<T, false | null | undefined>> {
  const timeoutMs = options.timeoutMs ?? 30_000;
  const deadline = Date.now() + timeoutMs;
  let last: unknown = 'the check did not answer';
  for (;;) {
    const leftMs = deadline - Date.now();
    const outcome = await attempt(check, Math.max(leftMs, 50));
    if (outcome.passed) return outcome.value as Exclude<T, false | null | undefined>;
    if (outcome.failure !== undefined) last = outcome.failure;
    if (Date.now() >= deadline) break;
    await delay(options.intervalMs ?? 20);
  }
  const why = last instanceof Error ? last.message : String(last);
  throw new Error(`Waited ${String(timeoutMs)} ms for ${options.what}: ${why}`, { cause: last });
}

type Outcome = { passed: true; value: unknown } | { passed: false; failure: unknown };

async function attempt(check: () => unknown, timeoutMs: number): Promise<Outcome> {
  const stop = new AbortController();
  try {
    const value = await Promise.race([
      Promise.resolve().then(check),
      delay(timeoutMs, undefined, { signal: stop.signal }).then(() => Promise.reject(new Error('the check did not answer in time'))),
    ]);
    if (value === false || value === null || value === undefined) return { passed: false, failure: `the check answered ${String(value)}` };
    return { passed: true, value };
  } catch (failure) {
    return { passed: false, failure };
  } finally {
    stop.abort();
  }
}

/** Waits until an assertion holds: until `assertion` no longer throws. */
export async function eventuallyHolds(
  assertion: () => Promise<void> | void,
  options: { timeoutMs?: number; intervalMs?: number; what: string },
): Promise<void> {
  await eventually(async () => {
    await assertion();
    return true;
  }, options);
}
