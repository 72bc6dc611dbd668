import { describeError } from '@fairlead/contracts';
import type { Logger } from '@fairlead/telemetry';
import { createBell, type Bell } from './bell.js';

interface Hook {
  readonly run: () => Promise<void>;
  readonly bell: Bell;
  removed: boolean;
  /** Runs of one hook follow each other, never overlap. */
  tail: Promise<void>;
}

/** What is done at every (re)connection: `prepare` first, then each hook; what fails is tried again while that connection lasts. */
export interface Hooks {
  add(run: () => Promise<void>): () => void;
  connected(): void;
  disconnected(): void;
  stop(): Promise<void>;
}

const retryMs = 1000;

export function createHooks(options: { prepare: () => Promise<void>; logger: Logger }): Hooks {
  const hooks = new Set<Hook>();
  // Counts connections; odd ends and new beginnings both move it, so that a retry loop knows its connection is gone.
  let generation = 0;
  let up = false;

  async function attempt(hook: Hook, forGeneration: number): Promise<void> {
    while (up && !hook.removed && forGeneration === generation) {
      try {
        await hook.run();
        return;
      } catch (error) {
        options.logger.warn({ error: describeError(error) }, 'work due at a NATS connection failed; it is tried again while connected');
        await hook.bell.wait(retryMs);
      }
    }
  }

  function schedule(hook: Hook): void {
    const forGeneration = generation;
    hook.tail = hook.tail.then(() => attempt(hook, forGeneration));
  }

  function makeHook(run: () => Promise<void>): Hook {
    return { run, bell: createBell(), removed: false, tail: Promise.resolve() };
  }

  function end(hook: Hook): void {
    hook.removed = true;
    hook.bell.ring();
  }

  const preparation = makeHook(options.prepare);

  return {
    add(run) {
      const hook = makeHook(run);
      // Waits for a preparation that is under way.
      hook.tail = preparation.tail;
      hooks.add(hook);
      if (up) schedule(hook);
      return () => {
        end(hook);
        hooks.delete(hook);
      };
    },
    connected() {
      generation += 1;
      up = true;
      schedule(preparation);
      for (const hook of hooks) {
        hook.tail = Promise.all([hook.tail, preparation.tail]).then(() => undefined);
        schedule(hook);
      }
    },
    disconnected() {
      up = false;
      for (const hook of [preparation, ...hooks]) hook.bell.ring();
    },
    async stop() {
      const all = [preparation, ...hooks];
      all.forEach(end);
      await Promise.all(all.map((hook) => hook.tail));
    },
  };
}
