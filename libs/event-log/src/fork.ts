/**
 * Where the stream and the log part. The stream is filled from the log alone, so one that holds an event of this
 * incarnation that the log does not hold tells that the database was restored to before that event.
 */
import { isDeepStrictEqual } from 'node:util';
import type { JetStreamManager } from '@nats-io/jetstream';
import type { Sql } from '@fairlead/postgres';
import { wireForm } from './event-message.js';
import { readLog } from './read.js';
import type { EventText, StoredEvent } from './types.js';

/** How it was found: the log lacks what the stream ends with, or holds another event there. */
export type ApartCause = 'log_behind_stream' | 'log_differs_from_stream';

interface Compared {
  readonly sql: Sql;
  readonly manager: JetStreamManager;
  readonly stream: string;
  /** First sequence that the stream holds; one more than `last` when it holds none. */
  readonly first: number;
  readonly last: number;
}

/** The stream holds an event that the log, in the same incarnation, does not. */
export class LogApart extends Error {
  constructor(readonly found: Compared & { readonly incarnation: string; readonly head: number; readonly cause: ApartCause }) {
    super(
      `stream ${found.stream} ends with an event, ${String(found.last)}, that the log, which is at ${String(found.head)}, does not hold: was the database restored?`,
    );
  }
}

/** Whether the stream's message is the log's event; a message that has aged out disagrees with nothing. */
export async function agreesWithLog({ sql, manager, stream, first, last }: Compared, sequence: number): Promise<boolean> {
  if (sequence < first || sequence > last) return true;
  // From the stream's leader: another replica may not have the newest yet.
  const message = await manager.streams.getMessage(stream, { seq: sequence });
  if (message === null) return true;
  const [event] = await readLog(sql, { after: sequence - 1, until: sequence, limit: 1 });
  if (event === undefined) return false;
  // What another release added to the form, or took from it, is no difference.
  const published = asJson(message.json<object>());
  return Object.entries(asJson(wireForm(event))).every(([key, value]) => !(key in published) || isDeepStrictEqual(published[key], value));
}

/** Whether two readings are of the same event. */
export function isSameEvent<Read extends StoredEvent | EventText>(one: Read, other: Read): boolean {
  return isDeepStrictEqual(one, other);
}

function asJson(value: object): Record<string, unknown> {
  return JSON.parse(JSON.stringify(value)) as Record<string, unknown>;
}

/**
 * The last position up to which the log and the stream are the same, by halving: what follows a difference differs. 0
 * when the stream no longer holds an event that both have: then nothing is known to be the same.
 */
export async function findFork({ found }: LogApart): Promise<number> {
  const { first, last, head, manager, stream } = found;
  let [low, high] = [first - 1, Math.min(last, head)];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (await agreesWithLog(found, middle)) low = middle;
    else high = middle - 1;
  }
  // It may have aged out meanwhile.
  const holds = low >= first && (await manager.streams.getMessage(stream, { seq: low })) !== null;
  return holds ? low : 0;
}
