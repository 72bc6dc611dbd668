import { shortSha256 } from './hash.js';
import {
  decodeChunk,
  encodeChunk,
  encodeTenants,
  integer,
  object,
  parseObject,
  stringMap,
  text,
  type ChunkPart,
  type PlacementVersion,
} from './values.js';

/*
 * What a publisher tells readers over core NATS once a marker stands in the bucket:
 *
 *   {"format":1,"epoch":E,"revision":R,"marker":"<hash>",
 *    "from":{"epoch":E,"revision":R,"marker":"<hash>"},
 *    "chunks":{"<key>":{"hash":"<hash>","set":{"<tenant>":"<shard>",…},"removed":["<tenant>",…]},
 *              "<key>":{"hash":"<hash>","value":"<the chunk's value>"}},
 *    "gone":["<chunk name>",…]}
 *
 * `marker` is the hash of the marker's bytes. Who shows the state that `from` names, by its marker too, gets the new one by changing it: a
 * chunk of tenants by its entries, any other by its new value. What comes out must have the hash of the value that stands in
 * the bucket. Without `from` it only tells that there is something new; so it is when the changes are too large. Such a
 * message may be lost, doubled or late: whoever can't use it reads the bucket.
 */

/** A version, and the hash of the bytes of its marker. */
export interface MarkedVersion extends PlacementVersion {
  readonly marker: string;
}

/** How one chunk changed, and the hash of the value that it then has. */
export type ChunkChange = { readonly hash: string } & (
  { readonly set: ReadonlyMap<string, string>; readonly removed: readonly string[] } | { readonly value: string }
);

/** What differs between two states. */
export interface Changes {
  /** By the key that the chunk has then. */
  readonly chunks: ReadonlyMap<string, ChunkChange>;
  /** Names of chunks without entries now. */
  readonly gone: readonly string[];
}

/** Tells of a new state; with `from` and `changes` it can be made of the one before. */
export interface Increment extends MarkedVersion {
  readonly base?: { readonly from: MarkedVersion; readonly changes: Changes };
}

/** Changes of more bytes, about, are not told: reading them from the bucket is as good, and many never get them. */
export const maxChangesBytes = 64 * 1024;
const incrementFormat = 1;

/** The JSON of an increment, as a value. */
export function incrementJson({ epoch, revision, marker, base }: Increment): object {
  const head = { format: incrementFormat, epoch, revision, marker };
  if (base === undefined) return head;
  const { from, changes } = base;
  const chunks = [...changes.chunks].map(([key, change]) => [
    key,
    'value' in change ? change : { hash: change.hash, set: Object.fromEntries(change.set), removed: change.removed },
  ]);
  return {
    ...head,
    from: { epoch: from.epoch, revision: from.revision, marker: from.marker },
    chunks: Object.fromEntries(chunks) as object,
    gone: changes.gone,
  };
}

/** Reads an increment; throws when it is not one of this format. */
export function decodeIncrement(value: Uint8Array): Increment {
  const json = parseObject(value);
  if (json['format'] !== incrementFormat) throw new Error('the placement increment is of an unknown format');
  const version = markedVersion(json);
  if (json['from'] === undefined) return version;
  const chunks = new Map(Object.entries(object(json['chunks'])).map(([key, change]) => [key, readChange(object(change))]));
  return { ...version, base: { from: markedVersion(object(json['from'])), changes: { chunks, gone: texts(json['gone']) } } };
}

/** The chunk that a change makes of the one before. Undefined when that is not what the change's hash says. Throws when it is malformed. */
export function changedChunk(
  what: 'tenants' | 'shards',
  before: ChunkPart | undefined,
  version: PlacementVersion,
  change: ChunkChange,
): ChunkPart | undefined {
  if ('value' in change) return shortSha256(change.value) === change.hash ? decodeChunk(what, Buffer.from(change.value)) : undefined;
  if (what !== 'tenants') return undefined;
  const tenants = new Map(before !== undefined && 'tenants' in before ? before.tenants : []);
  for (const tenant of change.removed) tenants.delete(tenant);
  for (const [tenant, shard] of change.set) tenants.set(tenant, shard);
  return shortSha256(encodeChunk(version, encodeTenants(tenants))) === change.hash ? { tenants } : undefined;
}

const markedVersion = (json: Record<string, unknown>): MarkedVersion => ({
  epoch: integer(json['epoch']),
  revision: integer(json['revision']),
  marker: text(json['marker']),
});

function readChange(json: Record<string, unknown>): ChunkChange {
  const hash = text(json['hash']);
  if (json['value'] !== undefined) return { hash, value: text(json['value']) };
  return { hash, set: stringMap(json['set']), removed: texts(json['removed']) };
}

function texts(value: unknown): string[] {
  if (!Array.isArray(value)) throw new Error('expected a list');
  return value.map(text);
}
