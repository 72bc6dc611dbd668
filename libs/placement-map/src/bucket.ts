import {
  DiscardPolicy,
  RetentionPolicy,
  StorageType,
  type JetStreamClient,
  type JetStreamManager,
  type StoredMsg,
  type StreamInfo,
} from '@nats-io/jetstream';
import type { BucketSpec } from '@fairlead/contracts';
import { failpoint } from '@fairlead/failpoints';
import type { AskedConfig } from '@fairlead/messaging';
import { decodeMarker, markerKey, readChunkKey, shortSha256, type MarkedVersion, type Marker } from '@fairlead/placement-reader/format';
import { readEntries, type Held, type HeldChunk, type Publication } from './publication.js';

/*
 * The KV bucket as the stream that it is. A publication is safe against other publishers and against a stalled one
 * that wakes up:
 * - A chunk is written on the condition that its key has not moved since the bucket was read. So it cannot replace a
 *   chunk that someone else has put in force meanwhile.
 * - The marker is written, once all chunks are, on the condition that the bucket has grown by exactly these chunks. So
 *   what it names is what the bucket holds.
 */

/** What a publisher knows of the bucket. */
export interface BucketState {
  readonly created: string;
  readonly lastSequence: number;
  /** With the hash of its bytes. */
  readonly marker: (Marker & MarkedVersion) | undefined;
  readonly held: Held;
  /** The sequence of each key's last value, as far as known; 0 for a key that has none. */
  readonly sequences: ReadonlyMap<string, number>;
}

/** The bucket is not as it was read: someone else has written. */
export class BucketMoved extends Error {}

const readsAtOnce = 32;
const writesAtOnce = 32;

export const bucketStream = (bucket: BucketSpec): string => `KV_${bucket.name}`;
export const bucketSubject = (bucket: BucketSpec, key: string): string => `$KV.${bucket.name}.${key}`;

/** A KV bucket's configuration, as KV clients make it, plus the first sequence, which they cannot set. */
export function bucketConfig(bucket: BucketSpec, options: { replicas: number; firstSequence?: number }): AskedConfig {
  return {
    name: bucketStream(bucket),
    subjects: [bucketSubject(bucket, '>')],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    num_replicas: options.replicas,
    max_msgs_per_subject: bucket.history,
    max_msgs: -1,
    max_bytes: -1,
    max_age: 0,
    max_consumers: -1,
    allow_direct: true,
    allow_rollup_hdrs: true,
    deny_delete: true,
    deny_purge: false,
    ...(options.firstSequence === undefined ? {} : { first_seq: options.firstSequence }),
  };
}

/** The last value of a key, from the stream's leader: never an older one. Undefined when there is none. */
async function lastValue(manager: JetStreamManager, bucket: BucketSpec, key: string): Promise<StoredMsg | undefined> {
  return (await manager.streams.getMessage(bucketStream(bucket), { last_by_subj: bucketSubject(bucket, key) })) ?? undefined;
}

/** The marker in force, or undefined when there is none that can be read. */
export async function readMarker(manager: JetStreamManager, bucket: BucketSpec): Promise<(Marker & MarkedVersion) | undefined> {
  const stored = await lastValue(manager, bucket, markerKey);
  return stored === undefined ? undefined : tryDecodeMarker(stored);
}

function tryDecodeMarker(stored: StoredMsg): (Marker & MarkedVersion) | undefined {
  try {
    return markedMarker(stored.data);
  } catch {
    // Deleted or foreign: the next publication replaces it.
    return undefined;
  }
}

const markedMarker = (value: Uint8Array): Marker & MarkedVersion => ({ ...decodeMarker(value), marker: shortSha256(value) });

/**
 * Reads the marker and every chunk it names; of what `before` tells of the same bucket, only the chunks that the marker names anew. What somebody
 * did to the others is not seen then: who has to know it reads without `before`. Throws BucketMoved when something is written meanwhile.
 */
export async function readBucket(
  manager: JetStreamManager,
  bucket: BucketSpec,
  info: StreamInfo,
  before?: BucketState,
): Promise<BucketState> {
  const lastSequence = info.state.last_seq;
  const sequences = new Map<string, number>();
  const read = async (key: string) => {
    const stored = await lastValue(manager, bucket, key);
    if ((stored?.seq ?? 0) > lastSequence) throw new BucketMoved('the bucket was written to while it was read');
    sequences.set(key, stored?.seq ?? 0);
    return stored;
  };
  const storedMarker = info.state.messages === 0 ? undefined : await read(markerKey);
  const marker = storedMarker === undefined ? undefined : tryDecodeMarker(storedMarker);
  const held = new Map<string, HeldChunk>();
  for (const keys of inGroups([...(marker?.chunks ?? [])], readsAtOnce)) {
    await Promise.all(
      keys.map(async ([key, hash]) => {
        const described = readChunkKey(key);
        if (described === undefined) return;
        const [known, sequence] = [before?.held.get(described.name), before?.sequences.get(key)];
        const isSame = before?.created === info.created && known?.slot === described.slot && known.hash === hash;
        if (isSame && known.entries !== undefined && sequence !== undefined) {
          held.set(described.name, known);
          sequences.set(key, sequence);
          return;
        }
        const stored = await read(key);
        const sound = stored !== undefined && shortSha256(stored.data) === hash;
        held.set(described.name, { slot: described.slot, hash, entries: sound ? readEntries(described.what, stored.data) : undefined });
      }),
    );
  }
  return { created: info.created, lastSequence, marker, held, sequences };
}

/** Writes a publication and returns the bucket as it then is. Throws what JetStream answers when a condition fails. */
export async function writePublication(
  client: JetStreamClient,
  manager: JetStreamManager,
  bucket: BucketSpec,
  state: BucketState,
  publication: Publication,
): Promise<BucketState> {
  const sequences = new Map(state.sequences);
  for (const writes of inGroups(publication.chunks, writesAtOnce)) {
    const expected = await Promise.all(writes.map(({ key }) => sequenceOf(manager, bucket, state, key)));
    const acks = writes.map(async ({ key, value }, index) => {
      const expect = { streamName: bucketStream(bucket), lastSubjectSequence: expected[index] };
      const ack = await client.publish(bucketSubject(bucket, key), value, { expect });
      sequences.set(key, ack.seq);
    });
    await allOrFirstError(acks);
  }
  await failpoint('placement.publish.after_chunks');
  const { key, value } = publication.marker;
  const expect = { streamName: bucketStream(bucket), lastSequence: state.lastSequence + publication.chunks.length };
  const ack = await client.publish(bucketSubject(bucket, key), value, { expect });
  await failpoint('placement.publish.after_marker');
  sequences.set(key, ack.seq);
  return { created: state.created, lastSequence: ack.seq, marker: markedMarker(Buffer.from(value)), held: publication.held, sequences };
}

async function sequenceOf(manager: JetStreamManager, bucket: BucketSpec, state: BucketState, key: string): Promise<number> {
  const known = state.sequences.get(key);
  if (known !== undefined) return known;
  const sequence = (await lastValue(manager, bucket, key))?.seq ?? 0;
  if (sequence > state.lastSequence) throw new BucketMoved('the bucket was written to by someone else');
  return sequence;
}

/** Waits for all, then throws the first rejection, if any: nothing stays on its way. */
async function allOrFirstError<T>(work: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(work);
  return await Promise.all(work);
}

function* inGroups<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}
