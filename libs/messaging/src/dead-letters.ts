import { headers, type MsgHdrs } from '@nats-io/nats-core';
import { JetStreamApiCodes, JetStreamApiError, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import { FairleadError, describeError, type Topology } from '@fairlead/contracts';
import { failpoint } from '@fairlead/failpoints';
import { isStreamMissing } from './streams.js';

/*
 * What a consumer gave up on, kept in the stream DEAD as it came: the message's bytes and headers, and one header more
 * that says why. A replay publishes it to the subject in RETRY that only that consumer takes, and then deletes it here.
 */

/** Where a message was first published: what handlers and dead letters name it by, through all replays. */
export interface Origin {
  readonly stream: string;
  readonly subject: string;
  readonly sequence: number;
}

/** A message that a consumer gave up on. */
export interface DeadLetter {
  /** Place in the dead-letter stream: the cursor for the next page. */
  readonly sequence: number;
  /** Names this letter for ever, other than the sequence, which begins anew when NATS has lost its store. */
  readonly id: string;
  /** Empty when the record of why is unreadable; such a letter can only be discarded. */
  readonly consumer: string;
  readonly original: Origin;
  /** Deliveries of the last try. */
  readonly deliveries: number;
  /** How many times it had been replayed before it failed this time. */
  readonly replays: number;
  readonly error: string;
  /** RFC 3339. */
  readonly failedAt: string;
  /** The payload: as JSON when it is JSON, else `{ base64 }`. */
  readonly data: unknown;
}

/** Dead letters of all consumers. Every method throws `unavailable` while NATS is away or does not answer. */
export interface DeadLetters {
  /**
   * Those after a sequence, oldest first; at most `limit` (100 when not given, never more than 1000). A replica of the
   * stream answers, which may still show a letter that was settled a moment ago.
   */
  list(query?: { consumer?: string; after?: number; limit?: number }): Promise<DeadLetter[]>;
  /** The id that a sequence stands for now, and its letter when there is one. */
  find(sequence: number): Promise<{ readonly id: string; readonly letter: DeadLetter | undefined }>;
  /** How many there are of each consumer that has any. */
  counts(): Promise<ReadonlyMap<string, number>>;
  /**
   * Hands the message to the consumer that gave up on it, once more and with all its deliveries, and deletes the letter;
   * false when there is none. When it fails again it comes back as a new letter with the same origin. A process that
   * dies in between leaves the letter listed: a repeat within 2 minutes is handled once, a later one twice, which is
   * harmless, as handlers bear repeats anyway. Throws `consumer_gone` when no such consumer exists, so that no message
   * waits for nobody.
   */
  replay(sequence: number): Promise<boolean>;
  /** Deletes the letter; false when there is none. */
  discard(sequence: number): Promise<boolean>;
}

export interface GivenUp {
  readonly consumer: string;
  readonly original: Origin;
  readonly replays: number;
  readonly deliveries: number;
  readonly error: unknown;
  readonly payload: Uint8Array;
  readonly headers: MsgHdrs | undefined;
}

/** JSON in headers: why a message is in DEAD, and which message one in RETRY is. */
const recordHeader = 'fairlead-dead-letter';
const replayHeader = 'fairlead-replay';
const longestErrorLength = 2000;

type DeathRecord = Pick<DeadLetter, 'consumer' | 'original' | 'deliveries' | 'replays' | 'error' | 'failedAt'>;
type ReplayRecord = Pick<DeadLetter, 'original' | 'replays'>;

/**
 * Stores a message that was given up on; resolves when the server has it. Repeating it for the same consumer, origin
 * and number of replays within the server's deduplication window (2 minutes) stores it once.
 */
export async function publishDeadLetter(client: JetStreamClient, topology: Topology, letter: GivenUp): Promise<void> {
  const { consumer, original, replays, deliveries } = letter;
  const error = storable(describeError(letter.error));
  const record: DeathRecord = { consumer, original, deliveries, replays, error, failedAt: new Date().toISOString() };
  await client.publish(topology.subjects.deadLetter(consumer), letter.payload, {
    headers: withRecord(letter.headers, recordHeader, record),
    msgID: `${consumer}:${original.stream}:${original.sequence}:${replays}`,
  });
}

/** Bounded, and without what Postgres takes for no text: NUL and halves of surrogate pairs. */
function storable(text: string): string {
  return text.slice(0, longestErrorLength).replaceAll('\0', ' ').toWellFormed();
}

/** Which message a delivery from RETRY stands for, and how many times it has been replayed; undefined when it does not say. */
export function replayedMessage(carried: MsgHdrs | undefined): ReplayRecord | undefined {
  const record = readRecord(carried, replayHeader);
  return record === undefined ? undefined : { original: record.original, replays: record.replays ?? 1 };
}

export function createDeadLetters(deps: {
  client: () => JetStreamClient;
  manager: () => Promise<JetStreamManager>;
  topology: Topology;
  ensureStreams: () => Promise<void>;
}): DeadLetters {
  const { client, topology } = deps;
  const dead = topology.streams.deadLetter;
  const retry = topology.streams.retry;
  const [allSubjects] = dead.subjects;

  /** Runs once more when the streams were lost while we were connected. */
  async function onStreams<T>(run: (manager: JetStreamManager) => Promise<T>): Promise<T> {
    try {
      const manager = await deps.manager();
      try {
        return await run(manager);
      } catch (error) {
        if (!isStreamMissing(error)) throw error;
        await deps.ensureStreams();
        return await run(manager);
      }
    } catch (error) {
      if (error instanceof FairleadError) throw error;
      throw new FairleadError('unavailable', 'NATS does not answer as it should', { cause: error });
    }
  }

  /** Ids carry the stream's creation time: a stream made anew counts from 1 again. */
  async function readIds(manager: JetStreamManager): Promise<(sequence: number) => string> {
    const { created } = await manager.streams.info(dead.name);
    return (sequence) => `dead-${Date.parse(created)}-${sequence}`;
  }

  async function remove(manager: JetStreamManager, sequence: number): Promise<boolean> {
    try {
      return await manager.streams.deleteMessage(dead.name, sequence, false);
    } catch (error) {
      if (error instanceof JetStreamApiError && (await manager.streams.getMessage(dead.name, { seq: sequence })) === null) return false;
      throw error;
    }
  }

  async function hasConsumer(manager: JetStreamManager, consumer: string): Promise<boolean> {
    if (consumer === '') return false;
    try {
      await manager.consumers.info(retry.name, consumer);
      return true;
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound) return false;
      throw error;
    }
  }

  return {
    list: (query = {}) =>
      onStreams(async (manager) => {
        const idOf = await readIds(manager);
        const subject = query.consumer === undefined ? allSubjects : topology.subjects.deadLetter(query.consumer);
        const limit = Math.min(query.limit ?? 100, 1000);
        const letters: DeadLetter[] = [];
        let next = (query.after ?? 0) + 1;
        while (letters.length < limit) {
          const message = await manager.direct.getMessage(dead.name, { seq: next, next_by_subj: subject });
          if (message === null) break;
          letters.push(letterOf(message, dead.name, idOf));
          next = message.seq + 1;
        }
        return letters;
      }),
    find: (sequence) =>
      onStreams(async (manager) => {
        const idOf = await readIds(manager);
        const message = await manager.streams.getMessage(dead.name, { seq: sequence });
        return { id: idOf(sequence), letter: message === null ? undefined : letterOf(message, dead.name, idOf) };
      }),
    counts: () =>
      onStreams(async (manager) => {
        const { state } = await manager.streams.info(dead.name, { subjects_filter: allSubjects });
        const prefix = topology.subjects.deadLetter('x').length - 1;
        return new Map(Object.entries(state.subjects ?? {}).map(([subject, count]) => [subject.slice(prefix), count]));
      }),
    replay: (sequence) =>
      onStreams(async (manager) => {
        const idOf = await readIds(manager);
        const message = await manager.streams.getMessage(dead.name, { seq: sequence });
        if (message === null) return false;
        const { id, consumer, original, replays } = letterOf(message, dead.name, idOf);
        if (!(await hasConsumer(manager, consumer))) throw new FairleadError('consumer_gone', 'There is no consumer to take the message');
        const record: ReplayRecord = { original, replays: replays + 1 };
        await client().publish(topology.subjects.retry(consumer), message.data, {
          headers: withRecord(message.header, replayHeader, record),
          msgID: `replay:${id}`,
          expect: { streamName: retry.name },
        });
        await failpoint('dead_letter.replay.published');
        await remove(manager, sequence);
        return true;
      }),
    discard: (sequence) => onStreams((manager) => remove(manager, sequence)),
  };
}

/** The headers that came with a message, and a record of ours. Instructions to the server, and records of earlier, stay behind. */
function withRecord(carried: MsgHdrs | undefined, name: string, record: object): MsgHdrs {
  const result = headers();
  for (const [key, values] of carried ?? []) {
    if (key.toLowerCase().startsWith('nats-') || key === recordHeader || key === replayHeader) continue;
    for (const value of values) result.append(key, value);
  }
  result.set(name, JSON.stringify(record));
  return result;
}

/** What a header of ours says: its origin at least; undefined when it does not say that. */
function readRecord(carried: MsgHdrs | undefined, name: string): (Partial<DeathRecord> & Pick<DeathRecord, 'original'>) | undefined {
  try {
    const record = JSON.parse(carried?.get(name) ?? '') as Partial<DeathRecord> | null;
    return typeof record?.original?.sequence === 'number' ? { ...record, original: record.original } : undefined;
  } catch {
    return undefined;
  }
}

function letterOf(
  message: { seq: number; subject: string; data: Uint8Array; header: MsgHdrs; time: Date },
  stream: string,
  idOf: (sequence: number) => string,
): DeadLetter {
  const { seq: sequence, subject } = message;
  const unreadable: DeathRecord = {
    consumer: '',
    original: { stream, subject, sequence },
    deliveries: 0,
    replays: 0,
    error: 'the record of why is unreadable',
    failedAt: message.time.toISOString(),
  };
  const record = readRecord(message.header, recordHeader);
  return { ...unreadable, ...record, sequence, id: idOf(sequence), data: readPayload(message.data) };
}

function readPayload(payload: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(payload).toString('utf8')) as unknown;
  } catch {
    return { base64: Buffer.from(payload).toString('base64') };
  }
}
