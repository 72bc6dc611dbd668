import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { failpointFiles, type FailpointAction } from '@fairlead/failpoints';
import { eventually } from './eventually.js';

/** A test's side of the failpoints in other processes: FAIRLEAD_FAILPOINTS of those processes is its folder. */
export interface FailpointBoard {
  readonly folder: string;
  /** Switches a failpoint on for the one that passes it next. */
  set(name: string, action: FailpointAction): void;
  /** Resolves when it was taken; answers the process that took it. Fails after `timeoutMs` (30 s). */
  hit(name: string, timeoutMs?: number): Promise<number>;
  /** The process that took it, or undefined as long as none has. */
  taker(name: string): number | undefined;
  /** Lets the one that stands still go on, or takes back what nobody has taken. */
  release(name: string): void;
  /** Releases all. */
  clear(): void;
}

/** Makes a board in a new folder. */
export function failpointBoard(folder: string): FailpointBoard {
  mkdirSync(folder, { recursive: true });
  const taker = (name: string) => {
    const { hit } = failpointFiles(folder, name);
    if (!existsSync(hit)) return undefined;
    const pid = /^\w+ (\d+)\n$/.exec(readFileSync(hit, 'utf8'))?.[1];
    return pid === undefined ? undefined : Number(pid);
  };
  return {
    folder,
    set(name, action) {
      const { on, hit } = failpointFiles(folder, name);
      rmSync(hit, { force: true });
      writeFileSync(on, action);
    },
    hit: (name, timeoutMs = 30_000) => eventually(() => taker(name), { timeoutMs, intervalMs: 5, what: `failpoint ${name} to be taken` }),
    taker,
    release(name) {
      const { on, hit } = failpointFiles(folder, name);
      rmSync(on, { force: true });
      rmSync(hit, { force: true });
    },
    clear() {
      for (const file of readdirSync(folder)) rmSync(join(folder, file), { force: true });
    },
  };
}
