/** Reads what the stream EVT holds of a range of positions, beside the log's own events. */
import { isDeepStrictEqual } from 'node:util';
import { DeliverPolicy, type ConsumerMessages, type JsMsg } from '@nats-io/jetstream';
import { describeError } from '@fairlead/contracts';
import { findStream, type Messaging } from '@fairlead/messaging';
import type { Sql } from '@fairlead/postgres';
import { encodeEvent, incarnationHeader } from './event-message.js';
import { eventStreamIncarnation } from './event-stream.js';
import { readHead } from './read.js';
import { textOf, type StoredEvent } from './types.js';

/** Where the stream is not what the log says. */
export interface StreamFault {
  readonly kind: 'missing' | 'differs' | 'ahead' | 'other_incarnation';
  /** 0 for the stream as a whole. */
  readonly position: number;
  readonly message: string;
}

/** Compares events, given in position order, with the stream's messages. */
export interface StreamComparison {
  /** Why the stream can not be looked at; empty when it can. */
  readonly problem: string;
  /** About the stream as a whole. */
  readonly faults: readonly StreamFault[];
  compare(events: readonly StoredEvent[]): Promise<StreamFault[]>;
  /** Events compared so far. */
  compared(): number;
  close(): Promise<void>;
}

/** A stream that says nothing for so long is taken for dead. */
const silenceMs = 5_000;

/** Opens the stream to compare a range with it. Never throws: NATS being away is a problem to tell, not a fault. */
export async function compareWithStream(
  deps: { sql: Sql; messaging: Messaging },
  range: { from: number; to: number },
): Promise<StreamComparison> {
  try {
    return await open(deps, range);
  } catch (error) {
    return nothingToCompare(describeError(error));
  }
}

async function open(
  { sql, messaging }: { sql: Sql; messaging: Messaging },
  range: { from: number; to: number },
): Promise<StreamComparison> {
  const { name } = messaging.topology.streams.evt;
  const info = await findStream(await messaging.manager(), name);
  if (info === undefined) return nothingToCompare(`there is no stream ${name}`);
  // The head after the stream's state: a stream filled from this log can not be ahead of it.
  const head = await readHead(sql);
  const incarnation = eventStreamIncarnation(info);
  if (incarnation !== head.incarnation) {
    const message = `stream ${name} mirrors incarnation ${incarnation === '' ? '(none)' : incarnation}, the log is ${head.incarnation}`;
    return nothingToCompare(`stream ${name} mirrors another incarnation`, [{ kind: 'other_incarnation', position: 0, message }]);
  }
  const { first_seq: first, last_seq: last } = info.state;
  const faults: StreamFault[] =
    last > head.position
      ? [
          {
            kind: 'ahead',
            position: head.position + 1,
            message: `stream ${name} is at ${String(last)}, the log at ${String(head.position)}`,
          },
        ]
      : [];
  const [from, to] = [Math.max(range.from, first), Math.min(range.to, last)];
  if (from > to) return { ...nothingToCompare('', faults) };
  const consumer = await messaging.jetstream().consumers.get(name, {
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: from,
  });
  const messages = await consumer.consume({ max_messages: 500 });
  const firstNow = async () => (await findStream(await messaging.manager(), name))?.state.first_seq ?? 0;
  const close = async () => {
    // Not close(): it waits until all was read that had come.
    messages.stop();
    // Else it would linger for five minutes.
    await consumer.delete().catch(() => undefined);
  };
  return comparing(messaging, messages, { from, to, incarnation, faults, firstNow, close });
}

interface Compared extends Pick<StreamComparison, 'faults' | 'close'> {
  readonly from: number;
  readonly to: number;
  readonly incarnation: string;
  readonly firstNow: () => Promise<number>;
}

function comparing(
  messaging: Messaging,
  messages: ConsumerMessages,
  { from, to, incarnation, faults, firstNow, close }: Compared,
): StreamComparison {
  const iterator = messages[Symbol.asyncIterator]();
  /** Read already, but not compared: it may be beyond the event at hand. */
  let waiting: JsMsg | undefined;
  let ended = false;
  let count = 0;

  /** The message at a position; undefined when the stream goes on behind it. */
  async function messageAt(position: number): Promise<JsMsg | undefined> {
    while (!ended && (waiting === undefined || waiting.seq < position)) waiting = await next();
    return waiting?.seq === position ? waiting : undefined;
  }

  async function next(): Promise<JsMsg | undefined> {
    const timer = setTimeout(() => {
      messages.stop();
    }, silenceMs);
    try {
      const read = await iterator.next();
      if (read.done !== true) return read.value;
      ended = true;
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    problem: '',
    faults,
    compared: () => count,
    compare: async (events) => {
      const found: StreamFault[] = [];
      const missing: number[] = [];
      for (const event of events) {
        if (event.position < from || event.position > to) continue;
        const message = await messageAt(event.position);
        if (ended) throw new Error('the stream fell silent');
        count += 1;
        if (message === undefined) missing.push(event.position);
        else found.push(...differences(messaging, incarnation, event, message));
      }
      // Messages that became too old meanwhile are not missing.
      const first = missing.length === 0 ? 0 : await firstNow();
      const lost = missing.filter((position) => position >= first);
      return [
        ...found,
        ...lost.map((position) => ({ kind: 'missing', position, message: 'the stream has no message of this event' }) as const),
      ];
    },
    close,
  };
}

function differences(messaging: Messaging, incarnation: string, event: StoredEvent, message: JsMsg): StreamFault[] {
  const expected = encodeEvent(messaging.topology, textOf(event), incarnation);
  const wrong = message.subject === expected.subject ? [] : ['subject'];
  // An older release wrote no such header.
  const marked = message.headers?.get(incarnationHeader) ?? '';
  if (marked !== '' && marked !== incarnation) wrong.push('incarnation');
  const [held, logged] = [parse(message.string()), parse(expected.data)];
  wrong.push(...Object.keys(logged).filter((key) => !isDeepStrictEqual(held[key], logged[key])));
  if (wrong.length === 0) return [];
  return [{ kind: 'differs', position: event.position, message: `the stream holds another ${wrong.join(', ')} than the log` }];
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    // As it would be written again: a message of a release that did so is the same as one that holds what the log does.
    return typeof value === 'object' && value !== null ? (JSON.parse(JSON.stringify(value)) as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function nothingToCompare(problem: string, faults: readonly StreamFault[] = []): StreamComparison {
  return { problem, faults, compare: () => Promise.resolve([]), compared: () => 0, close: () => Promise.resolve() };
}
