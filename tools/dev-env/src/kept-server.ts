/** Keeps PostgreSQL or NATS running: one that ends by itself is started again on its folder and port. */
import { setTimeout as delay } from 'node:timers/promises';
import { describeError } from '@fairlead/contracts';
import { restartDelayMs, settledAfterMs } from './backoff.js';

interface Server {
  readonly pid: number;
  readonly exited: Promise<unknown>;
  stop(): Promise<void>;
}

export interface KeptServer<S> {
  current(): S;
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
  onPid(server.pid);

  const watch = async () => {
    let failures = 0;
    for (;;) {
      const startedAt = performance.now();
      await server.exited;
      onPid(undefined);
      if (stopped.signal.aborted) return;
      failures = performance.now() - startedAt > settledAfterMs ? 1 : failures + 1;
      log(`${name} ended by itself; starting it again`);
      const next = await startAgain(failures);
      if (next === undefined) return;
      server = next;
      onPid(server.pid);
    }
  };
  const startAgain = async (failures: number): Promise<S | undefined> => {
    for (let attempt = failures; ; attempt += 1) {
      await delay(restartDelayMs(attempt), undefined, { signal: stopped.signal }).catch(() => undefined);
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
    stop: async () => {
      stopped.abort();
      await server.stop();
      // A start that was under way has replaced the server.
      await watching;
      await server.stop();
      onPid(undefined);
    },
  };
}
