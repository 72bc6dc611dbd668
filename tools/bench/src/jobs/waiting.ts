import { setTimeout as pause } from 'node:timers/promises';

/** How long anything of the bench may take that should not take long. */
export const patienceMs = 30_000;

/** Looks again and again until something is so; throws when that takes too long. */
export async function until(what: string, isSo: () => Promise<boolean>, everyMs = 5): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`waited too long until ${what}`);
    await pause(everyMs);
  }
}
