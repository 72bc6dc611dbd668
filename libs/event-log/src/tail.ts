/**
 * The end of the log as one process knows it: the recent events, and everybody who follows. In memory alone; what
 * reads it from Postgres and JetStream stands in follow.ts. Events come in from wherever they are read; each goes out
 * once, in order, without a gap.
 */
import type { FairleadError } from '@fairlead/contracts';
import { behind, superseded, validUntil, type LogHistory } from './cursor.js';
import { RecentEvents } from './recent.js';
import type { Subscriber } from './subscriber.js';
import type { StoredEvent } from './types.js';

const recentBounds = { maxEvents: 5_000, maxBytes: 16 * 1024 * 1024 };

export class Tail {
  readonly recent = new RecentEvents(recentBounds);
  /** Of the last event taken. */
  position: number;
  /** The last event taken, or the one that it began at; none of an empty log. */
  last: StoredEvent | undefined;
  /** Where the log's head is while the log does not hold the last event: what it holds may not follow what was handed out. */
  private lostAt: number | undefined;
  readonly subscribers = new Set<Subscriber>();
  /** The live ones by what they want: all, a type, or an aggregate of a type. An event looks at those it may concern. */
  private readonly live = new Map<string, Set<Subscriber>>();

  /** Begins at the log's head. `onEnd` hears of each subscriber that is ended. */
  constructor(
    private history: LogHistory,
    private readonly onEnd: (error: FairleadError) => void,
  ) {
    this.position = history.head.position;
  }

  /** Why nothing can be handed out now. */
  get trouble(): FairleadError | undefined {
    return this.lostAt === undefined ? undefined : behind(this.lostAt);
  }

  get incarnation(): string {
    return this.history.head.incarnation;
  }

  /** The incarnations known, with the head where this tail stands. */
  get known(): LogHistory {
    return { ...this.history, head: { position: this.position, incarnation: this.incarnation } };
  }

  /** Takes the next event of the present incarnation; false when it is not the next one. */
  take(event: StoredEvent, bytes: number): boolean {
    if (event.position !== this.position + 1 || this.lostAt !== undefined) return false;
    this.position = event.position;
    this.last = event;
    this.recent.push(event, bytes);
    this.offer(this.live.get(allKey), event, bytes);
    this.offer(this.live.get(event.aggregateType), event, bytes);
    this.offer(this.live.get(aggregateKey(event.aggregateType, event.aggregateId)), event, bytes);
    return true;
  }

  /** The log is in another incarnation: ends all subscribers, each with what of its knowledge still holds, and begins anew. */
  begin(history: LogHistory): void {
    for (const subscriber of [...this.subscribers]) {
      const until = Math.min(validUntil(history, subscriber.incarnation), subscriber.position);
      this.end(subscriber, superseded(history.head.incarnation, until));
    }
    this.history = history;
    this.recent.clear();
    this.position = history.head.position;
    this.last = undefined;
    this.lostAt = undefined;
  }

  /**
   * The log, whose head is at `head`, does not hold the last event, also when it has grown past it: ends all
   * subscribers, and takes nothing until the log holds that event again or is in another incarnation.
   */
  lose(head: number): void {
    this.lostAt = head;
    for (const subscriber of [...this.subscribers]) this.end(subscriber, behind(head));
  }

  /** The log holds the last event. */
  hold(event: StoredEvent | undefined): void {
    this.last ??= event;
    this.lostAt = undefined;
  }

  /** A subscriber that is level with the tail gets what is taken from now on. */
  join(subscriber: Subscriber): void {
    subscriber.live = true;
    for (const key of keysOf(subscriber)) {
      const set = this.live.get(key) ?? new Set();
      this.live.set(key, set.add(subscriber));
    }
  }

  leave(subscriber: Subscriber): void {
    this.subscribers.delete(subscriber);
    for (const key of keysOf(subscriber)) {
      const set = this.live.get(key);
      set?.delete(subscriber);
      if (set?.size === 0) this.live.delete(key);
    }
  }

  private offer(subscribers: Set<Subscriber> | undefined, event: StoredEvent, bytes: number): void {
    if (subscribers === undefined) return;
    for (const subscriber of subscribers) {
      const error = subscriber.offer(event, bytes);
      if (error !== undefined) this.end(subscriber, error);
    }
  }

  private end(subscriber: Subscriber, error: FairleadError): void {
    this.leave(subscriber);
    subscriber.fail(error);
    this.onEnd(error);
  }
}

const allKey = '';

function aggregateKey(type: string, id: string): string {
  return `${type}/${id}`;
}

function keysOf({ filter: { aggregateTypes, aggregateId } }: Subscriber): readonly string[] {
  if (aggregateTypes === undefined) return [allKey];
  const types = [...new Set(aggregateTypes)];
  return aggregateId === undefined ? types : types.map((type) => aggregateKey(type, aggregateId));
}
