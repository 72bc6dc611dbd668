/**
 * Follows the log: one tail per process, fanned out in memory. It is read from JetStream by one consumer; from Postgres
 * while NATS is away, or the stream is silent, behind, or of another incarnation. A look at the log's head stands
 * behind both, so that a stream which stops without a word, and a restore, are noticed. Each subscriber starts at its own cursor, catches up
 * from the recent events in memory or from Postgres, then gets what the tail reads. One that falls too far behind is
 * cut off with its cursor. A restore of the database ends all subscribers, saying up to where what they know holds.
 */
import { describeError, FairleadError } from '@fairlead/contracts';
import type { Messaging } from '@fairlead/messaging';
import type { Sql } from '@fairlead/postgres';
import type { Logger, Registry } from '@fairlead/telemetry';
import { Bell } from './bell.js';
import { fitting, pageBytes, sizeOf, smallPageBytes } from './bounded.js';
import { readHistory, resolveWith, validUntil, type LogCursor, type LogHistory } from './cursor.js';
import { isWanted, type EventFilter } from './filter.js';
import { isSameEvent } from './fork.js';
import { gate } from './gate.js';
import { followerMetrics } from './metrics.js';
import { readPage, type Page } from './page.js';
import { assertGapless } from './read.js';
import { startStreamSource, type StreamSource } from './stream-source.js';
import { Subscriber } from './subscriber.js';
import { Tail } from './tail.js';
import type { StoredEvent } from './types.js';

/** Events that are handed out together; none: a sign of life, which says how far the log was looked through. */
export interface FeedBatch {
  /** Those that are wanted, in position order. The list is its reader's own: a slow one may empty it, to keep less. */
  readonly events: StoredEvent[];
  /** Up to here everything was looked at for this reader: where to go on from. */
  readonly cursor: Required<LogCursor>;
}

export interface SubscribeOptions {
  /** Events after this one. */
  readonly cursor: LogCursor;
  readonly filter?: EventFilter;
  readonly signal: AbortSignal;
}

export interface ReadFeedOptions {
  readonly cursor: LogCursor;
  readonly filter?: EventFilter;
  /** Events at most; of large ones fewer, as `pageBytes` says. */
  readonly limit: number;
}

export interface LogFollower {
  /**
   * The events after the cursor in position order, each once, until the signal aborts or the follower stops; and an
   * empty batch at least every `heartbeatMs`, or when a long look through the log has ended. Throws
   * - `cursor_superseded`, with `{incarnation, valid_until}`, when the log was restored to before the cursor;
   * - `log_behind`, with `{position}`, when the log lacks events up to the cursor for no reason that is known yet;
   * - `overloaded`, with the `cursor` to go on from, when the reader is too slow;
   * - `unavailable` when Postgres is needed to catch up and does not answer.
   */
  subscribe(options: SubscribeOptions): AsyncGenerator<FeedBatch, void, undefined>;
  /**
   * What is there after the cursor, without waiting. It may look through a part alone and find nothing: `more` says that
   * the log goes on after the cursor that it answers. Throws as `subscribe` does.
   */
  read(options: ReadFeedOptions): Promise<FeedBatch & { readonly more: boolean }>;
  /** Where the tail stands; waits until it is known. */
  cursor(): Promise<Required<LogCursor>>;
  stop(): Promise<void>;
}

export interface FollowOptions {
  readonly sql: Sql;
  readonly messaging?: Messaging;
  readonly logger: Logger;
  readonly registry?: Registry;
  /** Longest silence to a subscriber; 15 s when not given. */
  readonly heartbeatMs?: number;
}

const pageSize = 500;
const pollMs = 250;
/** How long the stream may stand still while the log goes on, and how far it may be behind, before Postgres is read instead. */
const stalledMs = 500;
const maxStreamLag = 2_000;
/** Statements at once for all who catch up: they share the pool with everything else the service does. */
const catchUpStatements = 3;
/** How long one `read` goes on through events that are not wanted. */
const readBudgetMs = 200;
const defaultHeartbeatMs = 15_000;

/** Starts the tail at the log's present end. */
export function followLog(options: FollowOptions): LogFollower {
  const { sql, messaging, logger } = options;
  const aborter = new AbortController();
  const { signal: stopped } = aborter;
  const bell = new Bell();
  let stream: StreamSource | undefined;
  /** The stream does not keep up with the log, until it is level with the tail again. */
  let stalled = false;
  /** Since when the tail stands at a position while the log goes on. */
  let standing: { position: number; since: number } | undefined;
  const metrics = followerMetrics(options.registry);
  const inTurn = gate(catchUpStatements);
  let trouble: string | undefined;
  let checking: Promise<boolean> | undefined;
  let started: Tail | undefined;
  let markStarted: (tail: Tail) => void = () => undefined;
  let giveUp: () => void = () => undefined;
  /** Nobody can be level with the tail before it knows where it starts; undefined when it never will. */
  const starting = new Promise<Tail | undefined>((resolve) => {
    markStarted = resolve;
    giveUp = () => {
      resolve(undefined);
    };
  });

  const streaming = () => stream?.open() === true && !stalled;

  /**
   * Sees whether the log is still the one it was, and reads on from Postgres unless the stream does so. True when it is
   * to be looked at again at once.
   */
  async function look(): Promise<boolean> {
    if (started === undefined) {
      started = new Tail(await readHistory(sql), onEnd);
      stream = openStream(started);
      markStarted(started);
    }
    const tail = started;
    const { position: from, last } = tail;
    // From the last event on: by it the log is told from one that was restored and has grown past it.
    const known = from === 0 ? 0 : 1;
    const { head, events: read } = await readPage(sql, { after: from - known, limit: known + (streaming() ? 0 : pageSize) });
    const [at, events] = [known === 0 ? undefined : read[0], read.slice(known)];
    if (head.incarnation !== tail.incarnation) {
      const history = await readHistory(sql);
      logger.warn({ ...history.head, was: tail.incarnation }, 'the event log is in another incarnation; all who follow it are told');
      stream?.restart('the event log is in another incarnation');
      tail.begin(history);
      return true;
    }
    if (from > 0 && (at === undefined || (last !== undefined && !isSameEvent(at, last)))) {
      if (tail.trouble === undefined) {
        logger.error({ position: head.position, was: from }, 'the event log lacks what was read from it: was the database restored?');
        stream?.restart('the event log is behind');
      }
      tail.lose(head.position);
      return false;
    }
    if (tail.trouble !== undefined) logger.info({ position: from }, 'the event log holds again what was read from it');
    tail.hold(tail.position === from ? at : undefined);
    assertGapless(from, events);
    // The stream may have brought some of them meanwhile.
    metrics.took('postgres', events.filter((event) => tail.take(event, sizeOf(event))).length);
    metrics.at(tail.position, Math.max(head.position, tail.position));
    metrics.streaming(streaming());
    return streaming() ? hasStalled(tail, head.position) : events.length > 0 && tail.position < head.position;
  }

  function openStream(tail: Tail): StreamSource | undefined {
    if (messaging === undefined) return undefined;
    return startStreamSource({
      sql,
      messaging,
      logger,
      tail,
      onMessage: (seq, taken) => {
        if (taken) metrics.took('stream', 1);
        if (seq >= tail.position) stalled = false;
      },
      onEnd: () => {
        bell.ring();
      },
    });
  }

  function hasStalled(tail: Tail, head: number): boolean {
    const lag = head - tail.position;
    if (lag <= 0) standing = undefined;
    else if (standing?.position !== tail.position) standing = { position: tail.position, since: performance.now() };
    stalled = lag > maxStreamLag || (standing !== undefined && performance.now() - standing.since >= stalledMs);
    if (stalled) standing = undefined;
    return stalled;
  }

  /** One look at a time; whoever asks during one gets its result. */
  function check(): Promise<boolean> {
    checking ??= look().finally(() => {
      checking = undefined;
    });
    return checking;
  }

  function onEnd(error: FairleadError): void {
    metrics.ended(error.code);
    metrics.subscribers(started?.subscribers.size ?? 0);
  }

  async function run(): Promise<void> {
    while (!stopped.aborted) {
      try {
        const more = await check();
        if (trouble !== undefined) logger.info('the log is followed again');
        trouble = undefined;
        if (!more) await bell.wait(pollMs, stopped);
      } catch (error) {
        // Said once; it is tried again for ever.
        const reason = describeError(error);
        if (reason !== trouble) logger.warn({ reason }, 'the log can not be followed; it is tried again');
        trouble = reason;
        await new Bell().wait(pollMs, stopped);
      }
    }
    giveUp();
    for (const subscriber of started?.subscribers ?? []) subscriber.rouse();
  }

  /**
   * A reader at a cursor, known to the tail from the moment its cursor was found good, so that it hears of all that
   * comes after. The database is asked about what is not known here.
   */
  async function admit(tail: Tail, cursor: LogCursor, filter: EventFilter): Promise<Subscriber> {
    for (;;) {
      let history = tail.known;
      if (!isGood(history, cursor)) history = await readHistory(sql);
      if (history.head.incarnation === tail.incarnation) {
        const position = resolveWith(history, cursor);
        if (tail.trouble !== undefined) throw tail.trouble;
        const subscriber = new Subscriber(filter, position, tail.incarnation);
        tail.subscribers.add(subscriber);
        metrics.subscribers(tail.subscribers.size);
        return subscriber;
      }
      await check();
    }
  }

  function dismiss(tail: Tail, subscriber: Subscriber): void {
    tail.leave(subscriber);
    metrics.subscribers(tail.subscribers.size);
  }

  /** What follows for a reader that is not level with the tail: from memory if it reaches back, else from Postgres. */
  async function nextPage(
    tail: Tail,
    reader: Subscriber,
    { limit, bytes }: { limit: number; bytes: number },
  ): Promise<Pick<Page, 'events' | 'position'>> {
    const { filter, position } = reader;
    const recent = tail.recent.after(position, pageSize);
    if (recent !== undefined) {
      const page = fitting(recent, bytes);
      return { events: page.filter((event) => isWanted(filter, event)), position: page.at(-1)?.position ?? position };
    }
    const rows = filter.matches === undefined ? Math.min(limit, pageSize) : pageSize;
    const page = await inTurn(() => readPage(sql, { after: position, limit: rows, bytes, filter }));
    if (page.head.incarnation === reader.incarnation && page.head.position >= position) {
      if (page.whole) return page;
      throw new Error(`the event log does not hold all positions between ${position} and ${page.position}`);
    }
    // The log is another one than the reader began with; once the tail knows, the reader is told.
    await check();
    return { events: [], position };
  }

  async function* subscribe({ cursor, filter = {}, signal }: SubscribeOptions): AsyncGenerator<FeedBatch, void, undefined> {
    const tail = await starting;
    if (tail === undefined) return;
    const ended = () => signal.aborted || stopped.aborted;
    const subscriber = await admit(tail, cursor, filter);
    const rouse = () => {
      subscriber.rouse();
    };
    signal.addEventListener('abort', rouse);
    try {
      let told = subscriber.position;
      while (!ended()) {
        let events = subscriber.take();
        let { position } = subscriber;
        if (subscriber.live) {
          ({ position } = tail);
          if (events.length === 0 && !subscriber.due) {
            await subscriber.sleep();
            continue;
          }
        } else if (position < tail.position) {
          ({ events, position } = await nextPage(tail, subscriber, { limit: pageSize, bytes: smallPageBytes }));
          // Throws when it was ended meanwhile: what was read may be of another incarnation.
          subscriber.take();
        } else {
          tail.join(subscriber);
          if (told === position) continue;
        }
        const at = subscriber.moveTo(position);
        if (events.length === 0 && !subscriber.due && !subscriber.live) continue;
        told = at.position;
        subscriber.heard();
        yield { events, cursor: at };
      }
    } finally {
      signal.removeEventListener('abort', rouse);
      dismiss(tail, subscriber);
    }
  }

  async function read({ cursor, filter = {}, limit }: ReadFeedOptions): Promise<FeedBatch & { more: boolean }> {
    const tail = await starting;
    if (tail === undefined) throw new FairleadError('unavailable', 'the service is stopping');
    const reader = await admit(tail, cursor, filter);
    const until = performance.now() + readBudgetMs;
    let found: StoredEvent[] = [];
    try {
      while (reader.position < tail.position && found.length < limit && performance.now() < until) {
        const page = await nextPage(tail, reader, { limit: limit - found.length, bytes: pageBytes });
        // Throws when it was ended meanwhile.
        reader.take();
        const events = fitting([...found, ...page.events].slice(0, limit), pageBytes);
        const isCut = events.length < found.length + page.events.length;
        found = events;
        reader.moveTo(isCut ? (found.at(-1)?.position ?? page.position) : page.position);
        if (isCut) break;
      }
      return { events: found, cursor: reader.cursor, more: reader.position < tail.position };
    } finally {
      dismiss(tail, reader);
    }
  }

  // What the stream brings needs no look at the database.
  const deafen = messaging?.subscribeCore(messaging.topology.subjects.logPoke, () => {
    if (!streaming()) bell.ring();
  });
  const beats = setInterval(
    () => {
      for (const subscriber of started?.subscribers ?? []) subscriber.beat();
    },
    (options.heartbeatMs ?? defaultHeartbeatMs) / 2,
  );
  const running = run();
  return {
    subscribe,
    read,
    cursor: async () => {
      const tail = await starting;
      if (tail === undefined) throw new FairleadError('unavailable', 'the service is stopping');
      return { position: tail.position, incarnation: tail.incarnation };
    },
    stop: async () => {
      aborter.abort();
      clearInterval(beats);
      deafen?.();
      await running;
      await stream?.stop();
    },
  };
}

function isGood(history: LogHistory, cursor: LogCursor): boolean {
  return cursor.position <= Math.min(history.head.position, validUntil(history, cursor.incarnation ?? history.head.incarnation));
}
