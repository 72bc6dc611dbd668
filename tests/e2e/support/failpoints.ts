/** Failpoints of a stack's processes, switched on by a test; see libs/failpoints. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { failpointFiles } from '@fairlead/failpoints';
import { eventually } from '@fairlead/testing';

/** A place where the next process that passes stands still. */
export interface Pause {
  /** Resolves when somebody stands there. */
  reached(): Promise<void>;
  /** Lets it go on; nobody is held there any more. */
  release(): void;
}

/** Lets the next one that passes a failpoint stand still. `folder` is what the stack was given as `failpoints`. */
export function pauseAt(folder: string, name: string): Pause {
  mkdirSync(folder, { recursive: true });
  const { on, hit } = failpointFiles(folder, name);
  writeFileSync(on, 'pause');
  return {
    reached: async () => {
      await eventually(() => existsSync(hit), { timeoutMs: 30_000, what: `failpoint ${name} to be reached` });
    },
    release: () => {
      rmSync(on, { force: true });
      rmSync(hit, { force: true });
    },
  };
}
