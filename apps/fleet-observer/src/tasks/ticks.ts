import { describeError } from '@fairlead/contracts';
import type { Logger } from '@fairlead/telemetry';

/** Does the same again and again. */
export interface Ticks {
  /** From now on: once at once, then every so many milliseconds, never two at a time. */
  start: () => void;
  /** Ends after the one under way. */
  stop: () => Promise<void>;
}

/** Makes ticks. A failed one is logged, and the next one comes as usual. */
export function createTicks(options: { tick: () => Promise<void>; everyMs: number; logger: Logger }): Ticks {
  let stopping = false;
  let interrupt: () => void = () => undefined;

  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      interrupt = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const run = async () => {
    while (!stopping) {
      const startedAtMs = performance.now();
      try {
        await options.tick();
      } catch (error) {
        options.logger.warn({ error: describeError(error) }, 'looking at the fleet failed');
      }
      const leftMs = startedAtMs + options.everyMs - performance.now();
      // Whoever stops may do so while the tick goes on.
      if (!(stopping as boolean)) await pause(Math.max(1, leftMs));
    }
  };
  let done: Promise<void> | undefined;

  return {
    start: () => {
      done ??= run();
    },
    stop: async () => {
      stopping = true;
      interrupt();
      await done;
    },
  };
}
