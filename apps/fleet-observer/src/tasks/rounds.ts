import { describeError } from '@fairlead/contracts';
import type { Logger } from '@fairlead/telemetry';

/** Takes rounds of something, one at a time. */
export interface Rounds {
  /** Takes rounds from now on: one at once, then every interval and when woken. */
  start: () => void;
  /** Takes a round now, or joins the one under way. Rejects when it fails. */
  take: () => Promise<void>;
  /** Takes a round soon; many wakes within the shortest pause make one. */
  wake: () => void;
  /** Ends after the round under way. */
  stop: () => Promise<void>;
}

/** Wakes come in bursts, such as twenty moved tenants; a round's start keeps this distance from the last one's. */
const shortestPauseMs = 500;

/** Makes rounds of `take`. A failed one is logged, and the next one comes as usual. */
export function createRounds(options: { take: () => Promise<void>; intervalMs: number; logger: Logger }): Rounds {
  let underWay: Promise<void> | undefined;
  let woken = false;
  let stopping = false;
  let interrupt: () => void = () => undefined;

  const take = () => (underWay ??= options.take().finally(() => (underWay = undefined)));

  const pause = async (untilMs: number, isOver: () => boolean) => {
    while (!isOver() && performance.now() < untilMs) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        interrupt = resolve;
        timer = setTimeout(resolve, Math.max(1, untilMs - performance.now()));
      });
      clearTimeout(timer);
    }
  };

  const run = async () => {
    while (!stopping) {
      const startedAtMs = performance.now();
      woken = false;
      try {
        await take();
      } catch (error) {
        options.logger.warn({ error: describeError(error) }, 'a round over the fleet failed');
      }
      await pause(startedAtMs + shortestPauseMs, () => stopping);
      await pause(startedAtMs + options.intervalMs, () => stopping || woken);
    }
  };
  let done: Promise<void> | undefined;

  return {
    start: () => {
      done ??= run();
    },
    take,
    wake: () => {
      woken = true;
      interrupt();
    },
    stop: async () => {
      stopping = true;
      interrupt();
      await done;
    },
  };
}
