/**
 * Wakes whoever waits for the log to grow: a core-NATS poke after each commit, and a poll behind it, since a poke
 * may be lost. Nothing but latency depends on it.
 */
import type { Messaging } from '@fairlead/messaging';

type Bus = Pick<Messaging, 'topology' | 'publishCore' | 'subscribeCore'>;

/** What is to be told at the end of this turn of the event loop. */
const reached = new WeakMap<Bus, number>();

/** Tells all readers of the log, here and elsewhere, that it has reached a position; many at once are told as one. Never throws. */
export function pokeLog(messaging: Bus, position: number): void {
  const told = reached.get(messaging);
  reached.set(messaging, Math.max(position, told ?? 0));
  if (told !== undefined) return;
  setImmediate(() => {
    messaging.publishCore(messaging.topology.subjects.logPoke, { position: reached.get(messaging) });
    reached.delete(messaging);
  });
}

export class Bell {
  private waiting = new Set<() => void>();
  private rung = false;

  /** Wakes everybody who waits; who comes next does not wait. */
  ring(): void {
    this.rung = true;
    for (const wake of [...this.waiting]) wake();
  }

  /** Resolves when rung since the last wait, at the latest after a time, at once when aborted. */
  async wait(timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (this.rung || signal.aborted) {
      this.rung = false;
      return;
    }
    await new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        this.waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, timeoutMs);
      signal.addEventListener('abort', wake, { once: true });
      this.waiting.add(wake);
    });
    this.rung = false;
  }
}

/** A bell that rings at each poke of the log; answers how to take it down. */
export function logBell(messaging: Bus | undefined): { bell: Bell; close: () => void } {
  const bell = new Bell();
  if (messaging === undefined) return { bell, close: () => undefined };
  const unsubscribe = messaging.subscribeCore(messaging.topology.subjects.logPoke, () => {
    bell.ring();
  });
  return { bell, close: unsubscribe };
}
