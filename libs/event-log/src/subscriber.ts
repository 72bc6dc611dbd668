import { FairleadError } from '@fairlead/contracts';
import { formatCursor, type LogCursor } from './cursor.js';
import { isWanted, type EventFilter } from './filter.js';
import type { StoredEvent } from './types.js';

const maxWaiting = 1_000;
const maxWaitingBytes = 8 * 1024 * 1024;

/** One who follows the log: what waits for it, and how it is woken. It has no timer of its own, and no promise per event. */
export class Subscriber {
  /** Gets what the tail reads; before, it catches up by itself. */
  live = false;
  private waiting: StoredEvent[] = [];
  private waitingBytes = 0;
  private failure: FairleadError | undefined;
  private quiet = false;
  private wake: (() => void) | undefined;

  constructor(
    readonly filter: EventFilter,
    /** Up to here everything was looked at and handed out. */
    public position: number,
    readonly incarnation: string,
  ) {}

  /** Takes an event of the tail if it is wanted. Answers why it can't go on when it does not keep up. */
  offer(event: StoredEvent, bytes: number): FairleadError | undefined {
    // A cursor may come from a process whose tail is ahead of this one's.
    if (event.position <= this.position) return undefined;
    try {
      if (!isWanted(this.filter, event)) return undefined;
    } catch (cause) {
      // One filter's fault must not end the others.
      return new FairleadError('internal', 'the filter failed', { cause });
    }
    this.waiting.push(event);
    this.waitingBytes += bytes;
    if (this.waiting.length > maxWaiting || this.waitingBytes > maxWaitingBytes) {
      const cursor = formatCursor(this.cursor);
      return new FairleadError('overloaded', 'the subscriber is too slow; go on from the cursor', { details: { cursor } });
    }
    this.rouse();
    return undefined;
  }

  /** Ends it with an error; what waits is dropped. */
  fail(error: FairleadError): void {
    this.failure ??= error;
    this.waiting = [];
    this.rouse();
  }

  get cursor(): Required<LogCursor> {
    return { position: this.position, incarnation: this.incarnation };
  }

  /** What waits, which then no longer does. Throws what the subscription ends with. */
  take(): StoredEvent[] {
    if (this.failure !== undefined) throw this.failure;
    // Not the list itself, which goes on to be filled.
    if (this.waiting.length === 0) return [];
    const events = this.waiting;
    this.waiting = [];
    this.waitingBytes = 0;
    return events;
  }

  /** Everything up to a position was looked at and handed out. Answers where it stands then. */
  moveTo(position: number): Required<LogCursor> {
    this.position = Math.max(this.position, position);
    return this.cursor;
  }

  /** It gets something now. */
  heard(): void {
    this.quiet = false;
  }

  /** Called at intervals: whoever got nothing from one to the next is due a sign of life. */
  beat(): void {
    if (this.quiet) this.rouse();
    this.quiet = true;
  }

  get due(): boolean {
    return this.quiet;
  }

  /** Resolves when there may be something to do. */
  sleep(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  rouse(): void {
    this.wake?.();
    this.wake = undefined;
  }
}
