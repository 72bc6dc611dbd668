/**
 * One tail of the log per process, fanned out in memory. Each subscriber starts at its own cursor, catches up from
 * Postgres, then gets what the tail reads. One that falls too far behind is cut off with its cursor.
 */
import { FairleadError } from '@fairlead/contracts';
import type { Messaging } from '@fairlead/messaging';
import type { Sql } from '@fairlead/postgres';
import type { Logger } from '@fairlead/telemetry';
import { Bell, logBell } from './bell.js';
import { assertGapless, headPosition, readLog } from './read.js';
import type { StoredEvent } from './types.js';

export interface EventFilter {
  aggregateType?: string;
  aggregateId?: string;
}

export interface SubscribeOptions {
  /** Events after this position. */
  after: number;
  filter?: EventFilter;
  signal: AbortSignal;
}

export interface LogFollower {
  /**
   * Events in position order, each once, until the signal aborts. Throws `overloaded` with the cursor to go on from
   * when the subscriber is too slow.
   */
  subscribe(options: SubscribeOptions): AsyncGenerator<StoredEvent, void, undefined>;
  /** The position the tail has reached. */
  position(): number;
  stop(): Promise<void>;
}

const pageSize = 500;
const pollMs = 250;
const maxQueued = 1_000;

class Subscriber {
  readonly queue: StoredEvent[] = [];
  readonly bell = new Bell();
  overflowed = false;

  constructor(private readonly filter: EventFilter) {}

  offer(event: StoredEvent): void {
    if (!matches(event, this.filter) || this.overflowed) return;
    if (this.queue.length >= maxQueued) this.overflowed = true;
    else this.queue.push(event);
    this.bell.ring();
  }
}

/** Starts the tail at the log's present end. */
export function followLog(options: { sql: Sql; messaging?: Messaging; logger: Logger }): LogFollower {
  const { sql, logger } = options;
  const aborter = new AbortController();
  const { bell, close } = logBell(options.messaging);
  const subscribers = new Set<Subscriber>();
  let position: number | undefined;
  let markReady: () => void = () => undefined;
  // Nobody can be level with the tail before it knows where it starts.
  const ready = new Promise<void>((resolve) => {
    markReady = resolve;
  });

  async function run(): Promise<void> {
    while (!aborter.signal.aborted) {
      try {
        position ??= await headPosition(sql);
        markReady();
        const events = await readLog(sql, { after: position, limit: pageSize });
        assertGapless(position, events);
        for (const event of events) {
          position = event.position;
          for (const subscriber of subscribers) subscriber.offer(event);
        }
        if (events.length < pageSize) await bell.wait(pollMs, aborter.signal);
      } catch (error) {
        logger.warn({ err: error }, 'the tail of the log could not be read; going on');
        await bell.wait(pollMs, aborter.signal);
      }
    }
    markReady();
    for (const subscriber of subscribers) subscriber.bell.ring();
  }

  async function* subscribe({ after, filter = {}, signal }: SubscribeOptions): AsyncGenerator<StoredEvent, void, undefined> {
    const subscriber = new Subscriber(filter);
    const ended = AbortSignal.any([signal, aborter.signal]);
    let cursor = after;
    try {
      await ready;
      // From Postgres until it is level with the tail; joining and finding it level are one tick, so nothing falls between.
      while (!ended.aborted && cursor < (position ?? 0)) {
        const until = position ?? 0;
        const page = await readLog(sql, { after: cursor, until, limit: pageSize, ...filter });
        for (const event of page) {
          cursor = event.position;
          yield event;
        }
        if (page.length < pageSize) cursor = until;
      }
      subscribers.add(subscriber);
      while (!ended.aborted) {
        const event = subscriber.queue.shift();
        if (event === undefined) {
          if (subscriber.overflowed)
            throw new FairleadError('overloaded', 'the subscriber is too slow; go on from the cursor', { details: { cursor } });
          await subscriber.bell.wait(60_000, ended);
        } else if (event.position > cursor) {
          cursor = event.position;
          yield event;
        }
      }
    } finally {
      subscribers.delete(subscriber);
    }
  }

  const running = run();
  return {
    subscribe,
    position: () => position ?? 0,
    stop: async () => {
      aborter.abort();
      await running;
      close();
    },
  };
}

function matches(event: StoredEvent, filter: EventFilter): boolean {
  return (
    (filter.aggregateType === undefined || event.aggregateType === filter.aggregateType) &&
    (filter.aggregateId === undefined || event.aggregateId === filter.aggregateId)
  );
}
