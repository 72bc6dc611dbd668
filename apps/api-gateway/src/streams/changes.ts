/**
 * The change stream of one process: what of the log a reader wants and may read, in the log's order, from a cursor.
 * `change-sse.ts` and `grpc/watch.ts` put it on the wire; docs/change-stream.md is the protocol.
 */
import type { EventCatalogue } from '@fairlead/contracts';
import { mayAnywhere, type Principal } from '@fairlead/auth';
import { formatCursor, type EventFilter, type FeedBatch, type LogCursor, type LogFollower, type StoredEvent } from '@fairlead/event-log';
import type { Logger } from '@fairlead/telemetry';
import { mayFollow, seesPart } from '../domain/audience.js';
import { filterOf, type FilterInput } from '../domain/change-filter.js';
import type { ChangeView } from '../domain/change-view.js';
import { changeForms, type Change, type Decode } from './change-forms.js';
import type { ChangeLimits, Transport } from './change-limits.js';

export interface ChangeRequest {
  readonly reader: Principal;
  /** Where to begin; undefined for the present. */
  readonly cursor: LogCursor | undefined;
  readonly filter: FilterInput;
}

export interface PollRequest extends ChangeRequest {
  readonly limit: number;
  /** How long to wait for the first change when there is none yet. */
  readonly waitMs: number;
  /** Aborted when the caller has gone. */
  readonly signal: AbortSignal;
}

export interface PollAnswer {
  readonly items: readonly ChangeView[];
  readonly cursor: string;
  /** Where the log stands. */
  readonly position: number;
  /** There may be more behind the cursor. */
  readonly more: boolean;
}

/** Changes that go out together; none: a sign of life. */
export interface ChangeBatch {
  /** Whoever waits for a slow reader empties the list as it goes out, so that nothing is kept twice. */
  readonly changes: { readonly change: Change; readonly cursor: string }[];
  /** Everything up to here was looked at for this reader. */
  readonly cursor: string;
  readonly incarnation: string;
}

/** A stream that has been let in. */
export interface OpenedChanges {
  /** Where it begins. */
  readonly cursor: string;
  /** The reader sees a change in the form for those who may read a part of the platform alone. */
  readonly inPart: (change: Change) => boolean;
  /** Aborted when the reader's token ends, the process drains, or by `end`. */
  readonly signal: AbortSignal;
  /** Why the signal was aborted: what the reader is told. */
  readonly reason: () => 'unauthenticated' | 'unavailable' | undefined;
  /** The changes behind the cursor, and then live. Throws what the follower ends with. */
  readonly batches: () => AsyncGenerator<ChangeBatch, void, undefined>;
  /** To be called whatever has happened: gives the stream's place back. */
  readonly end: () => void;
}

export interface Changes {
  poll(request: PollRequest): Promise<PollAnswer>;
  /** Lets a stream in. Throws when its cursor or filter is wrong, or too many are open. */
  open(request: ChangeRequest, transport: Transport): Promise<OpenedChanges>;
  /** Ends all streams and polls; their readers go on elsewhere. */
  close(): void;
}

export interface ChangesDeps {
  readonly follower: LogFollower;
  readonly catalogue: EventCatalogue;
  readonly decode: Decode;
  readonly limits: ChangeLimits;
  readonly logger: Logger;
}

/** Makes the change stream of one process; all readers share one follower of the log. */
export function createChanges(deps: ChangesDeps): Changes {
  const { follower, limits } = deps;
  const formsOf = changeForms(deps);
  const endings = new Set<Ending>();
  let draining = false;

  const eventFilter = ({ reader, filter: input }: ChangeRequest): EventFilter => {
    const filter = filterOf(input, reader, deps.catalogue);
    const types = filter.aggregateTypes.filter((type) => {
      const permission = deps.catalogue[type]?.permission;
      return permission !== undefined && mayAnywhere(reader, permission);
    });
    const audienceOf = (event: StoredEvent) => formsOf(event).audience;
    return {
      aggregateTypes: types,
      aggregateId: filter.aggregateId,
      matches: (event) => filter.matches(event, () => audienceOf(event)) && mayFollow(audienceOf(event), reader),
    };
  };

  /** The reader's cursor as one of the present incarnation. Throws when it is not good. */
  const resolve = async (cursor: LogCursor | undefined): Promise<Required<LogCursor>> =>
    cursor === undefined ? follower.cursor() : (await follower.read({ cursor, filter: nothing, limit: 0 })).cursor;

  async function poll(request: PollRequest): Promise<PollAnswer> {
    const { reader, limit } = request;
    const filter = eventFilter(request);
    const start = await resolve(request.cursor);
    let found = await follower.read({ cursor: start, filter, limit });
    if (found.events.length === 0 && !found.more && request.waitMs > 0) found = await waitFor(request, filter, found);
    limits.delivered('poll', found.events.length);
    const { incarnation } = found.cursor;
    return {
      items: found.events.map(formsOf).map((change) => change.view(incarnation, seesPart(change.audience, reader))),
      cursor: formatCursor(found.cursor),
      position: Math.max((await follower.cursor()).position, found.cursor.position),
      more: found.more,
    };
  }

  async function waitFor({ reader, limit, waitMs, signal }: PollRequest, filter: EventFilter, from: FeedBatch): Promise<Found> {
    const leave = limits.enter(reader, 'poll');
    const ending = new Ending(Date.now() + waitMs);
    endings.add(ending);
    const gone = () => {
      ending.because(undefined);
    };
    signal.addEventListener('abort', gone);
    if (draining || signal.aborted) gone();
    let { cursor } = from;
    try {
      for await (const batch of follower.subscribe({ cursor, filter, signal: ending.signal })) {
        // Read once more, for it knows how much one answer may hold.
        if (batch.events.length > 0) return await follower.read({ cursor, filter, limit });
        ({ cursor } = batch);
      }
      return { events: [], cursor, more: false };
    } finally {
      signal.removeEventListener('abort', gone);
      gone();
      endings.delete(ending);
      leave();
    }
  }

  async function open(request: ChangeRequest, transport: Transport): Promise<OpenedChanges> {
    const { reader } = request;
    const filter = eventFilter(request);
    const leave = limits.enter(reader, transport);
    try {
      const start = await resolve(request.cursor);
      const ending = new Ending(reader.expiresAtMs);
      endings.add(ending);
      if (draining) ending.because('unavailable');
      return {
        cursor: formatCursor(start),
        inPart: ({ audience }) => seesPart(audience, reader),
        signal: ending.signal,
        reason: () => ending.reason,
        batches: () => batchesOf(follower.subscribe({ cursor: start, filter, signal: ending.signal }), transport),
        end: () => {
          ending.because(undefined);
          endings.delete(ending);
          leave();
        },
      };
    } catch (error) {
      leave();
      throw error;
    }
  }

  async function* batchesOf(feed: AsyncIterable<FeedBatch>, transport: Transport): AsyncGenerator<ChangeBatch, void, undefined> {
    for await (const found of feed) {
      const count = found.events.length;
      yield takeBatch(found);
      limits.delivered(transport, count);
    }
  }

  /** The events in the forms that go out; the list is empty then. */
  function takeBatch({ events, cursor }: FeedBatch): ChangeBatch {
    const { incarnation } = cursor;
    const changes = events
      .splice(0)
      .map((event) => ({ change: formsOf(event), cursor: formatCursor({ position: event.position, incarnation }) }));
    return { changes, cursor: formatCursor(cursor), incarnation };
  }

  return {
    poll,
    open,
    close: () => {
      draining = true;
      for (const ending of endings) ending.because('unavailable');
    },
  };
}

type Found = Awaited<ReturnType<LogFollower['read']>>;

const nothing: EventFilter = { aggregateTypes: [] };

type Reason = ReturnType<OpenedChanges['reason']>;

/** Aborts at a time, or before, and knows why. */
class Ending {
  private readonly aborter = new AbortController();
  private readonly timer: NodeJS.Timeout;
  reason: Reason;

  constructor(atMs: number) {
    this.timer = setTimeout(
      () => {
        this.because('unauthenticated');
      },
      Math.min(Math.max(atMs - Date.now(), 0), maxTimerMs),
    );
  }

  get signal(): AbortSignal {
    return this.aborter.signal;
  }

  because(reason: Reason): void {
    if (this.signal.aborted) return;
    clearTimeout(this.timer);
    this.reason = reason;
    this.aborter.abort();
  }
}

/** Node's timers end at once beyond this: 24 days, longer than any token. */
const maxTimerMs = 2 ** 31 - 1;
