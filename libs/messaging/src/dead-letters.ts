import { headers, type MsgHdrs } from '@nats-io/nats-core';
import { describeError, type Topology } from '@fairlead/contracts';
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';

/** A message that a consumer gave up on. */
export interface DeadLetter {
  /** Place in the dead-letter stream: the cursor for the next page. */
  readonly sequence: number;
  readonly consumer: string;
  /** Where the message came from. */
  readonly original: { readonly stream: string; readonly subject: string; readonly sequence: number };
  readonly deliveries: number;
  readonly error: string;
  readonly failedAt: string;
  /** The payload: as JSON when it is JSON, else `{ base64 }`. */
  readonly data: unknown;
}

const longestErrorLength = 2000;

export interface GivenUp {
  readonly consumer: string;
  readonly stream: string;
  readonly subject: string;
  readonly sequence: number;
  readonly deliveries: number;
  readonly error: unknown;
  readonly payload: Uint8Array;
  readonly headers: MsgHdrs | undefined;
}

/**
 * Stores a message that was given up on; resolves when the server has it. Repeating it for the same consumer, stream
 * and sequence within the server's deduplication window (2 minutes) stores it once.
 */
export async function publishDeadLetter(client: JetStreamClient, topology: Topology, letter: GivenUp): Promise<void> {
  const carried = headers();
  for (const [name, values] of letter.headers ?? []) {
    // Nats-* headers are instructions to the server, meant for the first publication only.
    if (!name.toLowerCase().startsWith('nats-'))
      values.forEach((value) => {
        carried.append(name, value);
      });
  }
  const body: Omit<DeadLetter, 'sequence'> = {
    consumer: letter.consumer,
    original: { stream: letter.stream, subject: letter.subject, sequence: letter.sequence },
    deliveries: letter.deliveries,
    error: describeError(letter.error).slice(0, longestErrorLength),
    failedAt: new Date().toISOString(),
    data: readPayload(letter.payload),
  };
  await client.publish(topology.subjects.deadLetter(letter.consumer), JSON.stringify(body), {
    headers: carried,
    msgID: `${letter.consumer}:${letter.stream}:${letter.sequence}`,
  });
}

function readPayload(payload: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(payload).toString('utf8')) as unknown;
  } catch {
    return { base64: Buffer.from(payload).toString('base64') };
  }
}

/** Dead letters after a sequence of the dead-letter stream, oldest first; at most `limit` (100 when not given, never more than 1000). */
export async function readDeadLetters(
  manager: JetStreamManager,
  topology: Topology,
  options: { consumer?: string; after?: number; limit?: number } = {},
): Promise<DeadLetter[]> {
  const stream = topology.streams.deadLetter;
  const subject = options.consumer === undefined ? stream.subjects[0] : topology.subjects.deadLetter(options.consumer);
  const limit = Math.min(options.limit ?? 100, 1000);
  const letters: DeadLetter[] = [];
  let next = (options.after ?? 0) + 1;
  while (letters.length < limit) {
    const message = await manager.direct.getMessage(stream.name, { seq: next, next_by_subj: subject });
    if (message === null) break;
    letters.push({ ...message.json<Omit<DeadLetter, 'sequence'>>(), sequence: message.seq });
    next = message.seq + 1;
  }
  return letters;
}
