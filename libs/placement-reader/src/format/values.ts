import { serviceKinds, type PlacedKind, type ServiceKind } from '@fairlead/contracts';
import { fnv1a } from './hash.js';

/*
 * How effective placement stands in the KV bucket (history 1). Values are JSON below 512 KiB.
 *
 *   tenants.<kind>.<n>.<slot>   {"epoch":E,"revision":R,"entries":{"<tenant>":"<shard>",…}}
 *                               kind = aggregate, projection or runner; n = fnv1a(tenant) mod 64
 *   shards.<kind>.<n>.<slot>    {"epoch":E,"revision":R,"entries":[<shard>,…]}
 *                               kind = any service kind; n = fnv1a(shard id) mod 8
 *   marker                      {"format":1,"epoch":E,"revision":R,"chunks":{"<key>":"<hash>",…}}
 *
 * A chunk has two slots, `a` and `b`. The marker names the slot in force and its hash: the first 16 hex digits of the
 * SHA-256 of the value's bytes. A publication writes the chunks that changed into the slot not in force, each with
 * its own epoch and revision, and the marker last. So what the last marker names stays readable while the next
 * publication is under way, or broke off; chunks without entries are not written and not named.
 *
 * A reader takes deliveries in any order and shows a snapshot only when it has every chunk that a marker names, by
 * hash. It ignores a marker that is not newer, by (epoch, revision), than what it shows.
 *
 * docs/placement-protocol.md has all of it, for readers in other languages.
 */

/** A group of endpoints of one kind. */
export interface ShardEntry {
  readonly kind: ServiceKind;
  readonly shardId: string;
  readonly endpoints: readonly { readonly endpointId: string; readonly url: string }[];
  readonly weight: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: string;
}

/** Names one state of placement. Epochs only grow; a revision counts within its epoch. */
export interface PlacementVersion {
  readonly epoch: number;
  readonly revision: number;
}

/** What is to be published: tenant → shard for each kind, and the shard directories. */
export interface PlacementSource extends PlacementVersion {
  readonly maps: Readonly<Record<PlacedKind, ReadonlyMap<string, string>>>;
  readonly shards: readonly ShardEntry[];
}

export interface Marker extends PlacementVersion {
  /** Hash of every chunk in force, by key. */
  readonly chunks: ReadonlyMap<string, string>;
}

/** A decoded chunk. */
export type ChunkPart = { readonly tenants: ReadonlyMap<string, string> } | { readonly shards: readonly ShardEntry[] };

export type Slot = 'a' | 'b';

export const markerKey = 'marker';
export const tenantChunks = 64;
export const shardChunks = 8;
/** Every value is smaller, so that it fits NATS's default 1 MB message limit with room for the future. */
export const maxValueBytes = 512 * 1024 - 1;
const markerFormat = 1;

/** Negative, zero or positive as `left` is older than, the same as or newer than `right`. */
export function compareVersions(left: PlacementVersion, right: PlacementVersion): number {
  return left.epoch - right.epoch || left.revision - right.revision;
}

/** Which chunk of its kind a tenant, or a shard, stands in. */
export const tenantChunkOf = (tenantId: string): number => fnv1a(tenantId) % tenantChunks;
export const shardChunkOf = (shardId: string): number => fnv1a(shardId) % shardChunks;

export const chunkKey = (name: string, slot: Slot): string => `${name}.${slot}`;

const chunkKeyPattern = /^((tenants|shards)\.([a-z]+)\.([0-9]{1,2}))\.([ab])$/;

/** What a chunk's key says. */
export interface ChunkKey {
  readonly name: string;
  readonly what: 'tenants' | 'shards';
  readonly kind: ServiceKind;
  readonly chunk: number;
  readonly slot: Slot;
}

/** Takes a chunk's key apart; undefined for any other key. */
export function readChunkKey(key: string): ChunkKey | undefined {
  const [, name, what, kindText, chunkText, slot] = chunkKeyPattern.exec(key) ?? [];
  const kind = serviceKinds.find((known) => known === kindText);
  if (name === undefined || kind === undefined) return undefined;
  return { name, what: what === 'tenants' ? 'tenants' : 'shards', kind, chunk: Number(chunkText), slot: slot === 'a' ? 'a' : 'b' };
}

const compareText = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);
export const byFirst = (left: readonly [string, unknown], right: readonly [string, unknown]): number => compareText(left[0], right[0]);
const byShardId = (left: ShardEntry, right: ShardEntry): number => compareText(left.shardId, right.shardId);

/** By kind in its declared order, then by shard id. */
export function compareShards(left: ShardEntry, right: ShardEntry): number {
  return serviceKinds.indexOf(left.kind) - serviceKinds.indexOf(right.kind) || byShardId(left, right);
}

/** The JSON of a tenant chunk's entries, sorted by tenant: the same entries give the same text, in every language. */
export function encodeTenants(entries: Iterable<readonly [string, string]>): string {
  // By hand: members of an object that look like numbers would come first.
  const members = [...entries].sort(byFirst).map(([tenant, shard]) => `${JSON.stringify(tenant)}:${JSON.stringify(shard)}`);
  return `{${members.join(',')}}`;
}

/** The JSON of a shard chunk's entries; the same entries give the same text. */
export function encodeShards(shards: readonly ShardEntry[]): string {
  return JSON.stringify([...shards].sort(byShardId).map(shardJson));
}

function shardJson(shard: ShardEntry): object {
  return {
    kind: shard.kind,
    shard_id: shard.shardId,
    state: shard.state,
    weight: shard.weight,
    labels: Object.fromEntries(Object.entries(shard.labels).sort(byFirst)),
    endpoints: shard.endpoints.map((endpoint) => ({ endpoint_id: endpoint.endpointId, url: endpoint.url })),
  };
}

export function encodeChunk(version: PlacementVersion, content: string): string {
  return `{"epoch":${version.epoch},"revision":${version.revision},"entries":${content}}`;
}

/** The entries' JSON within a chunk's value as `encodeChunk` wrote it. */
export function contentOfChunk(value: string): string {
  const label = '"entries":';
  return value.slice(value.indexOf(label) + label.length, -1);
}

export function encodeMarker(marker: Marker): string {
  const { epoch, revision, chunks } = marker;
  return JSON.stringify({ format: markerFormat, epoch, revision, chunks: Object.fromEntries([...chunks].sort(byFirst)) });
}

/** Reads a marker; throws when it is not one of this format. */
export function decodeMarker(value: Uint8Array): Marker {
  const json = parseObject(value);
  if (json['format'] !== markerFormat) throw new Error('the placement marker is of an unknown format');
  return { epoch: integer(json['epoch']), revision: integer(json['revision']), chunks: stringMap(json['chunks']) };
}

/** Reads a chunk's entries; throws when they are not of the shape that its key asks for. */
export function decodeChunk(what: 'tenants' | 'shards', value: Uint8Array): ChunkPart {
  const entries = parseObject(value)['entries'];
  if (what === 'tenants') return { tenants: stringMap(entries) };
  if (!Array.isArray(entries)) throw new Error('a shard chunk has no list of entries');
  return { shards: entries.map(readShard) };
}

function readShard(value: unknown): ShardEntry {
  const json = object(value);
  const kind = serviceKinds.find((known) => known === json['kind']);
  if (kind === undefined || !Array.isArray(json['endpoints']) || typeof json['weight'] !== 'number')
    throw new Error('a shard entry is malformed');
  return {
    kind,
    shardId: text(json['shard_id']),
    state: text(json['state']),
    weight: json['weight'],
    labels: Object.fromEntries(stringMap(json['labels'])),
    endpoints: json['endpoints'].map((endpoint) => ({
      endpointId: text(object(endpoint)['endpoint_id']),
      url: text(object(endpoint)['url']),
    })),
  };
}

export function parseObject(value: Uint8Array): Record<string, unknown> {
  return object(JSON.parse(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8')) as unknown);
}

export function object(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('expected a JSON object');
  return value as Record<string, unknown>;
}

export function text(value: unknown): string {
  if (typeof value !== 'string') throw new Error('expected a string');
  return value;
}

export function integer(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw new Error('expected an integer');
  return value;
}

export function stringMap(value: unknown): Map<string, string> {
  return new Map(Object.entries(object(value)).map(([key, entry]) => [key, text(entry)]));
}
