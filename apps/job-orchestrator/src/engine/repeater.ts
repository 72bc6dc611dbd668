/**
 * Repeats work for ever, never twice at the same time: after as many milliseconds as it answers, or at once when woken
 * meanwhile. Errors are told, not thrown, and it is tried again.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';

export class Repeater {
  private timer: NodeJS.Timeout | undefined;
  private active: Promise<void> | undefined;
  private again = false;
  private stopped = false;

  /** Begins at once. */
  constructor(
    private readonly work: () => Promise<number>,
    private readonly afterErrorMs: number,
    private readonly onError: (error: unknown) => void,
  ) {
    this.wake();
  }

  wake(): void {
    if (this.stopped) return;
    if (this.active !== undefined) {
      this.again = true;
      return;
    }
    clearTimeout(this.timer);
    this.active = this.soon();
  }

  /** Waits for the work at hand. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.active;
  }

  /** At the end of this turn of the event loop: many that wake it in one are one. */
  private async soon(): Promise<void> {
    await nextTurn();
    this.again = false;
    if (this.stopped) this.active = undefined;
    else await this.turn();
  }

  private async turn(): Promise<void> {
    let pauseMs = this.afterErrorMs;
    try {
      pauseMs = await this.work();
    } catch (error) {
      this.onError(error);
    }
    this.active = undefined;
    if (this.stopped) return;
    if (this.again) pauseMs = 0;
    this.again = false;
    this.timer = setTimeout(() => {
      this.wake();
    }, pauseMs);
  }
}
