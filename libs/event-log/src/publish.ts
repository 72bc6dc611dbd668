/**
 * Puts a page of events on the stream, each at the sequence that is its position or not at all. Little at once goes
 * message by message, pipelined; much goes in atomic batches where the server takes them, which spares an
 * acknowledgement per message.
 */
import { JetStreamApiError, type JetStreamClient } from '@nats-io/jetstream';
import { headers as natsHeaders, type MsgHdrs } from '@nats-io/nats-core';
import { MsgHdrsImpl } from '@nats-io/nats-core/internal';
import { contextHeaders, FairleadError } from '@fairlead/contracts';
import type { Messaging } from '@fairlead/messaging';
import { contextFromHeaders, type Tracing } from '@fairlead/telemetry';
import { encodeEvent, type EventMessage } from './event-message.js';
import type { EventText } from './types.js';

/** Publishes on their way at once. */
const maxPipelined = 100;
/** So many cost less in a batch, with one flush to disk for all, than one by one; of fewer, setting a batch up costs more. */
export const worthABatch = 16;
/** What the server takes in one atomic batch. */
export const maxBatched = 1_000;
const maxBytes = 4 * 1024 * 1024;
/** Events older than this are published without a span. */
const spanMaxAgeMs = 60_000;
/** The stream does not end where the publish expects it to; the latter for a batch. */
const wrongLastSequence = [10071, 10164];

export interface PublishOptions {
  messaging: Messaging;
  tracing: Tracing;
  incarnation: string;
  /** Whether the server takes atomic batches. */
  atomic: boolean;
}

interface Outgoing {
  readonly event: EventText;
  readonly message: EventMessage;
}

/** True when the stream has moved on: another relay was first. */
export function isBeaten(error: unknown): boolean {
  return error instanceof JetStreamApiError && wrongLastSequence.includes(error.code);
}

/** Publishes events that follow the stream's last one. Throws on any doubt; then the stream says what it holds. */
export async function publishPage(options: PublishOptions, events: readonly EventText[]): Promise<void> {
  const { messaging, incarnation } = options;
  const together = options.atomic && events.length >= worthABatch;
  const publish = together ? publishBatch : publishPipelined;
  let waiting: Outgoing[] = [];
  let bytes = 0;
  for (const event of events) {
    const message = encodeEvent(messaging.topology, event, incarnation);
    if (waiting.length >= (together ? maxBatched : maxPipelined) || (waiting.length > 0 && bytes + message.data.length > maxBytes)) {
      await publish(options, waiting);
      waiting = [];
      bytes = 0;
    }
    waiting.push({ event, message });
    bytes += message.data.length;
  }
  if (waiting.length > 0) await publish(options, waiting);
}

async function publishPipelined({ messaging, tracing }: PublishOptions, outgoing: readonly Outgoing[]): Promise<void> {
  const client = messaging.jetstream();
  const sent = await Promise.allSettled(outgoing.map((one) => traced(tracing, messaging, one, () => publishOne(client, one))));
  // Thrown once none is on its way any more: where the stream ends is read next.
  const failed = sent.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** All of them or none: the server keeps them aside until the last has come, and looks at the expected sequence then. */
async function publishBatch({ messaging, tracing }: PublishOptions, outgoing: readonly Outgoing[]): Promise<void> {
  const { connection } = messaging;
  if (connection === undefined) throw new FairleadError('unavailable', 'NATS is not connected');
  const client = messaging.jetstream();
  const [first, last] = [outgoing[0]?.event.position ?? 0, outgoing.at(-1)?.event.position ?? 0];
  const batch = `${String(first)}-${crypto.randomUUID()}`;
  const { promise: committed, resolve, reject } = Promise.withResolvers<undefined>();
  const sent = outgoing.map((one, index) =>
    traced(tracing, messaging, one, () => {
      const { subject, data, headers } = one.message;
      headers['Nats-Batch-Id'] = batch;
      headers['Nats-Batch-Sequence'] = String(index + 1);
      if (index === 0) headers['Nats-Expected-Last-Sequence'] = String(first - 1);
      if (index < outgoing.length - 1) {
        connection.publish(subject, Buffer.from(data), { headers: new WrittenHeaders(headers) });
        return committed;
      }
      headers['Nats-Batch-Commit'] = '1';
      client.publish(subject, data, { headers: listedHeaders(headers) }).then((ack) => {
        if (ack.seq === last) resolve(undefined);
        else reject(new Error(`position ${String(last)} became sequence ${String(ack.seq)}`));
      }, reject);
      return committed;
    }),
  );
  await Promise.all(sent);
}

async function publishOne(client: JetStreamClient, { event: { position }, message }: Outgoing): Promise<void> {
  const { subject, data, headers } = message;
  const ack = await client.publish(subject, data, { headers: listedHeaders(headers), expect: { lastSequence: position - 1 } });
  if (ack.seq !== position) throw new Error(`position ${String(position)} became sequence ${String(ack.seq)}`);
}

/** Headers that the client adds some of its own to. */
function listedHeaders(headers: Readonly<Record<string, string>>): MsgHdrs {
  const listed = natsHeaders();
  // Appended, since to set one looks for it among the others first.
  for (const [name, value] of Object.entries(headers)) listed.append(name, value);
  return listed;
}

/**
 * Headers that are sent as they are. The client asks for nothing but their bytes; to make these from a list, in which each is looked for
 * among all others, took a seventh of the relay's time.
 */
class WrittenHeaders extends MsgHdrsImpl {
  constructor(private readonly written: Readonly<Record<string, string>>) {
    super();
  }

  override encode(): Uint8Array {
    let text = 'NATS/1.0\r\n';
    for (const name in this.written) text += `${name}: ${this.written[name] ?? ''}\r\n`;
    return Buffer.from(`${text}\r\n`, 'latin1');
  }
}

/**
 * Publishes in a span of the event's own trace, which the message then names to its consumers. Old events, as a stream
 * that was lost is filled with, leave none: their traces are over, and they are many.
 */
async function traced(tracing: Tracing, messaging: Messaging, { event, message }: Outgoing, work: () => Promise<void>): Promise<void> {
  // Without a span of its own the event's trace is not kept.
  const found = message.headers;
  if (!message.kept || found[contextHeaders.traceparent] === undefined || Date.now() - event.recordedAt.getTime() > spanMaxAgeMs) {
    await work();
    return;
  }
  const stream = messaging.topology.streams.evt.name;
  const attributes = {
    'messaging.system.name': 'nats',
    'messaging.operation.name': 'publish',
    'messaging.operation.type': 'send',
    'messaging.destination.name': stream,
    'messaging.message.id': String(event.position),
    'fairlead.event.type': `${event.aggregateType}.${event.type}`,
  };
  const context = contextFromHeaders((name) => found[name]);
  const span = tracing.start(`publish ${stream}`, { kind: 'producer', context, attributes });
  message.headers[contextHeaders.traceparent] = (span.context ?? context).traceparent;
  try {
    await work();
  } catch (error) {
    // The relay that was first leaves the span; without an end this one leaves nothing.
    if (isBeaten(error)) throw error;
    span.fail(error);
    span.end();
    throw error;
  }
  span.end();
}
