import type { StoredEvent } from './types.js';

/**
 * The last events of the log, without a gap, for readers that join shortly behind its end. Holds at least `maxEvents`
 * or `maxBytes`, and at most half as much again.
 */
export class RecentEvents {
  private events: StoredEvent[] = [];
  private sizes: number[] = [];
  private bytes = 0;

  constructor(private readonly bounds: { maxEvents: number; maxBytes: number }) {}

  /** Takes the event after the last one. */
  push(event: StoredEvent, bytes: number): void {
    this.events.push(event);
    this.sizes.push(bytes);
    this.bytes += bytes;
    const { maxEvents, maxBytes } = this.bounds;
    if (this.events.length > maxEvents * 1.5 || this.bytes > maxBytes * 1.5) this.trim();
  }

  /** Up to `limit` events after a position; undefined when they are not all here. */
  after(position: number, limit: number): StoredEvent[] | undefined {
    const [first] = this.events;
    if (first === undefined || position < first.position - 1) return undefined;
    const from = position - first.position + 1;
    return this.events.slice(from, from + limit);
  }

  clear(): void {
    this.events = [];
    this.sizes = [];
    this.bytes = 0;
  }

  private trim(): void {
    let drop = 0;
    let bytes = this.bytes;
    const { maxEvents, maxBytes } = this.bounds;
    while (this.events.length - drop > maxEvents || bytes > maxBytes) {
      bytes -= this.sizes[drop] ?? 0;
      drop += 1;
    }
    this.events = this.events.slice(drop);
    this.sizes = this.sizes.slice(drop);
    this.bytes = bytes;
  }
}
