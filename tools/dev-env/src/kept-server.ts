/** Keeps PostgreSQL or NATS running: one that ends by itself is started again on its folder and port. */
import { setTimeout as delay } from 'node:timers/promises';
import { describeError } from '@fairlead/contracts';
import { restartDelayMs, settledAfterMs } from './backoff.js';
import { createGate, type Gate, type Hold } from './hold.js';

interface Server {
  readonly pid: number;
  readonly exited: Promise<unknown>;
  stop(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

export interface KeptServer<S> {
  current(): S;
  /** Kills the server as a power cut would and keeps it down. `whileDown` runs once it is gone. */
  hold(whileDown?: () => void): Promise<Hold>;
  stop(): Promise<void>;
}

/** Starts a server and watches over it. `onPid` is told every start and end. */
export async function keepServer<S extends Server>(options: {
  name: string;
  start: () => Promise<S>;
  log: (line: string) => void;
  onPid: (pid: number | undefined) => void;
}): Promise<KeptServer<S>> {
  const { name, log, onPid } = options;
  const stopped = new AbortController();
  let server = await options.start();
  let up = true;
  let gate: Gate | undefined;
  onPid(server.pid);

  const watch = async () => {
    let failures = 0;
    for (;;) {
      const startedAt = performance.now();
      await server.exited;
      up = false;
      onPid(undefined);
      const held = gate;
      if (held !== undefined) await held.released;
      if (stopped.signal.aborted) return;
      if (held === undefined) {
        failures = performance.now() - startedAt > settledAfterMs ? 1 : failures + 1;
        log(`${name} ended by itself; starting it again`);
      }
      const next = await startAgain(held === undefined ? failures : 0);
      if (next === undefined) return;
      server = next;
      up = true;
      onPid(server.pid);
      held?.cameBack();
    }
  };
  /** `failures` 0: at once. */
  const startAgain = async (failures: number): Promise<S | undefined> => {
    for (let attempt = failures; ; attempt += 1) {
      if (attempt > 0) await delay(restartDelayMs(attempt), undefined, { signal: stopped.signal }).catch(() => undefined);
      if (stopped.signal.aborted) return undefined;
      try {
        return await options.start();
      } catch (error) {
        log(`${name} can't be started: ${describeError(error)}`);
      }
    }
  };
  const watching = watch();
  return {
    current: () => server,
    hold: async (whileDown) => {
      if (!up || gate !== undefined) throw new Error(`${name} is not running, so it can't be held`);
      const held = (gate = createGate());
      server.kill('SIGKILL');
      await server.exited;
      whileDown?.();
      return {
        release: () => {
          gate = undefined;
          return held.open();
        },
      };
    },
    stop: async () => {
      stopped.abort();
      const held = gate;
      gate = undefined;
      void held?.open();
      await server.stop();
      // A start that was under way has replaced the server.
      await watching;
      await server.stop();
      onPid(undefined);
      held?.cameBack();
    },
  };
}
