/** Parts of a stack that a test takes away for a while and gives back. Only who booted the stack can; nothing listens for it. */
import type { ControlPlaneService } from '@fairlead/contracts';

/** A process of a stack. Without `separate` all services are one process, whichever is named. */
export type StackPart = ControlPlaneService | 'postgres' | 'nats' | 'victoria-metrics' | 'fleet-sim';

export interface HoldOptions {
  /** Of NATS: remove its store while it is down, so that it comes back empty. */
  readonly wipe?: boolean;
}

/** A part that was killed and stays down. */
export interface Hold {
  /** Starts it again: resolves when a server answers, or when a service's process has been started. Repeats do nothing. */
  release(): Promise<void>;
}

/** What keeps a part down: whoever restarts it waits for `released`, and tells when it is back. */
export interface Gate {
  readonly released: Promise<void>;
  cameBack(): void;
  /** Lets it start; resolves when it is back. */
  open(): Promise<void>;
}

/** A closed gate. */
export function createGate(): Gate {
  const released = Promise.withResolvers<undefined>();
  const back = Promise.withResolvers<undefined>();
  return {
    released: released.promise,
    cameBack: () => {
      back.resolve(undefined);
    },
    open: () => {
      released.resolve(undefined);
      return back.promise;
    },
  };
}
