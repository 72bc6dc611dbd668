/**
 * Failpoints: named places in the code where a test makes its process die, stand still or fail. A test switches one on
 * in another process by writing a file into the folder that FAIRLEAD_FAILPOINTS names; without that variable, which
 * nothing but tests sets, a failpoint does nothing.
 */
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** What happens at a failpoint: the process is killed as by `kill -9`, stands still until it is released, or an error is thrown. */
export const failpointActions = ['kill', 'pause', 'fail'] as const;
export type FailpointAction = (typeof failpointActions)[number];

const folder = process.env['FAIRLEAD_FAILPOINTS'];

/**
 * Passes a failpoint. When it is switched on, exactly one passer among all processes takes it: `<name>` is renamed to
 * `<name>.hit`. A paused one goes on when `<name>.hit` is removed.
 */
export async function failpoint(name: string): Promise<void> {
  if (folder === undefined || folder === '') return;
  await pass(folder, name);
}

async function pass(from: string, name: string): Promise<void> {
  const file = join(from, encodeURIComponent(name));
  const hit = `${file}.hit`;
  try {
    renameSync(file, hit);
  } catch {
    return;
  }
  switch (readFileSync(hit, 'utf8').trim()) {
    case 'kill':
      process.kill(process.pid, 'SIGKILL');
      // The signal may take a moment to arrive: nothing more is done until it has.
      await delay(60_000);
      return;
    case 'pause':
      while (existsSync(hit)) await delay(10);
      return;
    default:
      throw new Error(`failpoint ${name}`);
  }
}
