/**
 * Failpoints: named places in the code where a test makes its process die, stand still or fail. A test switches one on
 * in another process by writing a file into the folder that FAIRLEAD_FAILPOINTS names; without that variable, which
 * nothing but tests sets, a failpoint does nothing; neither does it in production.
 *
 * `<name>` holds the action. Exactly one passer among all processes takes it, by renaming it to `<name>.hit`, where it
 * writes the action and its process id.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * What happens at a failpoint: the process is killed as by `kill -9`, stands still until it is released, or an error is thrown.
 * What the error stands for is up to the place: `refuse` for one that no repeat cures, `time_out` for work that took too long.
 */
export const failpointActions = ['kill', 'pause', 'fail', 'refuse', 'time_out'] as const;
export type FailpointAction = (typeof failpointActions)[number];

/** Thrown at a failpoint, with the action that was switched on. */
export class FailpointError extends Error {
  readonly action: string;

  constructor(name: string, action: string) {
    super(`failpoint ${name}`);
    this.name = 'FailpointError';
    this.action = action;
  }
}

/** The folder by which failpoints are switched on, or undefined when none can be: never where NODE_ENV is `production`. */
export function failpointFolder(): string | undefined {
  const folder = process.env['FAIRLEAD_FAILPOINTS'];
  return folder === undefined || folder === '' || process.env['NODE_ENV'] === 'production' ? undefined : folder;
}

/** The files of a failpoint: `on` switches it on, `hit` says that it was taken. */
export function failpointFiles(folder: string, name: string): { on: string; hit: string } {
  const on = join(folder, encodeURIComponent(name));
  return { on, hit: `${on}.hit` };
}

/**
 * Passes a failpoint, by taking what was switched on there: dies, rejects with a FailpointError, or stands still until its
 * `.hit` is removed.
 * Only this call stands still; the process goes on with other work, so what it renews by the clock it goes on renewing.
 */
export async function failpoint(name: string): Promise<void> {
  const folder = failpointFolder();
  if (folder === undefined) return;
  const { on, hit } = failpointFiles(folder, name);
  try {
    renameSync(on, hit);
  } catch {
    return;
  }
  const action = readFileSync(hit, 'utf8').trim();
  writeFileSync(hit, `${action} ${String(process.pid)}\n`);
  switch (action) {
    case 'kill':
      process.kill(process.pid, 'SIGKILL');
      // The signal may take a moment to arrive: nothing more is done until it has.
      await delay(60_000);
      return;
    case 'pause':
      while (existsSync(hit)) await delay(10);
      return;
    default:
      throw new FailpointError(name, action);
  }
}
