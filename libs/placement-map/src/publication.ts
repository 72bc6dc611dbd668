import { FairleadError, placedKinds, serviceKinds } from '@fairlead/contracts';
import {
  chunkKey,
  contentOfChunk,
  decodeChunk,
  encodeChunk,
  encodeMarker,
  encodeShards,
  encodeTenants,
  markerKey,
  maxValueBytes,
  maxChangesBytes,
  shardChunkOf,
  shardChunks,
  shortSha256,
  tenantChunkOf,
  tenantChunks,
  type ChunkChange,
  type Changes,
  type Marker,
  type PlacementSource,
  type ShardEntry,
  type Slot,
} from '@fairlead/placement-reader/format';

/** What a chunk holds, in the form that is quickest to compare: looking at 150,000 entries must not hold up a service. */
export type ChunkEntries = { readonly tenants: ReadonlyMap<string, string> } | { readonly shardsJson: string };

/** A chunk in force. Without entries it is known by name only, and is written again. */
export interface HeldChunk {
  readonly slot: Slot;
  readonly hash: string;
  readonly entries: ChunkEntries | undefined;
}

/** The chunks in force, by chunk name. */
export type Held = ReadonlyMap<string, HeldChunk>;

export interface Write {
  readonly key: string;
  readonly value: string;
}

/** What to write, in order: all chunks, then the marker. */
export interface Publication {
  readonly chunks: readonly Write[];
  readonly marker: Write;
  /** The chunks in force once all of it is written. */
  readonly held: Held;
  /** True when the chunks in force already are those of the source. */
  readonly unchanged: boolean;
  /** True when a chunk in force is known to hold something else than the source. */
  readonly contradicts: boolean;
}

/**
 * Plans the publication of a source over the chunks in force: only changed chunks, into the slot not in force.
 * Throws FairleadError('too_large') when a value would reach 512 KiB.
 */
export function planPublication(held: Held, source: PlacementSource): Publication {
  const split = splitSource(held, source);
  const next = new Map<string, HeldChunk>();
  for (const name of split.same) {
    const inForce = held.get(name);
    if (inForce !== undefined) next.set(name, inForce);
  }
  const chunks: Write[] = [];
  for (const { name, entries, json } of split.changed) {
    const slot = held.get(name)?.slot === 'a' ? 'b' : 'a';
    const write = sized({ key: chunkKey(name, slot), value: encodeChunk(source, json) });
    chunks.push(write);
    next.set(name, { slot, hash: shortSha256(write.value), entries });
  }
  const named = new Map([...next].map(([name, chunk]) => [chunkKey(name, chunk.slot), chunk.hash]));
  const marker: Marker = { epoch: source.epoch, revision: source.revision, chunks: named };
  const removed = [...held.keys()].filter((name) => !next.has(name));
  const replaced = split.changed.map(({ name }) => held.get(name));
  return {
    chunks,
    marker: sized({ key: markerKey, value: encodeMarker(marker) }),
    held: next,
    unchanged: chunks.length === 0 && removed.length === 0,
    contradicts: removed.length > 0 || replaced.some((chunk) => chunk === undefined || chunk.entries !== undefined),
  };
}

/**
 * What a publication changes of the chunks that were in force before, for readers that hold them. Undefined when it is much, or a
 * chunk's entries are not known.
 */
export function changesOf(before: Held, { held, chunks: writes }: Publication): Changes | undefined {
  const chunks = new Map<string, ChunkChange>();
  let bytes = 0;
  for (const { key, value } of writes) {
    const name = key.slice(0, key.lastIndexOf('.'));
    const [old, now] = [before.get(name), held.get(name)];
    if (now?.entries === undefined || (old !== undefined && old.entries === undefined)) return undefined;
    const change = 'tenants' in now.entries ? tenantsChange(now.hash, tenantsOf(old), now.entries.tenants) : { hash: now.hash, value };
    bytes += 'value' in change ? value.length : change.bytes;
    if (bytes > maxChangesBytes) return undefined;
    chunks.set(key, change);
  }
  return { chunks, gone: [...before.keys()].filter((name) => !held.has(name)) };
}

/** Which chunks a publication would replace or remove: those that are not what they should be, and those that hold something else. */
export function findingsOf(before: Held, { held, chunks }: Publication): { damaged: string[]; differing: string[] } {
  const replaced = chunks.map(({ key }) => key.slice(0, key.lastIndexOf('.')));
  const isDamaged = (name: string) => before.has(name) && before.get(name)?.entries === undefined;
  const removed = [...before.keys()].filter((name) => !held.has(name));
  return { damaged: replaced.filter(isDamaged), differing: [...replaced.filter((name) => !isDamaged(name)), ...removed] };
}

function tenantsChange(hash: string, before: ReadonlyMap<string, string> | undefined, now: ReadonlyMap<string, string>) {
  const set = new Map([...now].filter(([tenant, shard]) => before?.get(tenant) !== shard));
  const removed = [...(before?.keys() ?? [])].filter((tenant) => !now.has(tenant));
  const bytes = [...set]
    .flat()
    .concat(removed)
    .reduce((sum, text) => sum + text.length + 4, 0);
  return { hash, set, removed, bytes };
}

/** Reads the entries of a stored chunk for comparison. Throws when the value is malformed. */
export function readEntries(what: 'tenants' | 'shards', value: Uint8Array): ChunkEntries {
  const chunk = decodeChunk(what, value);
  return 'tenants' in chunk ? chunk : { shardsJson: contentOfChunk(Buffer.from(value).toString('utf8')) };
}

interface ChangedChunk {
  readonly name: string;
  readonly entries: ChunkEntries;
  readonly json: string;
}

/** The source's chunks that have entries: those that are as held, by name, and the others with what they hold now. */
function splitSource(held: Held, source: PlacementSource): { same: string[]; changed: ChangedChunk[] } {
  const same: string[] = [];
  const changed: ChangedChunk[] = [];
  for (const kind of placedKinds) {
    const nameOf = (chunk: number) => `tenants.${kind}.${chunk}`;
    const inForce = Array.from({ length: tenantChunks }, (_, chunk) => tenantsOf(held.get(nameOf(chunk))));
    const { counts, dirty } = compareTenants(inForce, source.maps[kind]);
    const collected = collectTenants(dirty, source.maps[kind]);
    counts.forEach((count, chunk) => {
      const tenants = collected.get(chunk);
      if (tenants !== undefined) changed.push({ name: nameOf(chunk), entries: { tenants }, json: encodeTenants([...tenants]) });
      else if (count > 0) same.push(nameOf(chunk));
    });
  }
  for (const kind of serviceKinds) {
    const chunks = Array.from({ length: shardChunks }, (): ShardEntry[] => []);
    for (const shard of source.shards) if (shard.kind === kind) chunks[shardChunkOf(shard.shardId)]?.push(shard);
    chunks.forEach((shards, chunk) => {
      if (shards.length === 0) return;
      const name = `shards.${kind}.${chunk}`;
      const json = encodeShards(shards);
      if (shardsJsonOf(held.get(name)) === json) same.push(name);
      else changed.push({ name, entries: { shardsJson: json }, json });
    });
  }
  return { same, changed };
}

function tenantsOf(chunk: HeldChunk | undefined): ReadonlyMap<string, string> | undefined {
  return chunk?.entries !== undefined && 'tenants' in chunk.entries ? chunk.entries.tenants : undefined;
}

function shardsJsonOf(chunk: HeldChunk | undefined): string | undefined {
  return chunk?.entries !== undefined && 'shardsJson' in chunk.entries ? chunk.entries.shardsJson : undefined;
}

/** How many tenants each chunk has, and which chunks that have some differ from what is in force. */
function compareTenants(
  inForce: readonly (ReadonlyMap<string, string> | undefined)[],
  map: ReadonlyMap<string, string>,
): { counts: number[]; dirty: Set<number> } {
  const counts = Array.from({ length: tenantChunks }, () => 0);
  const dirty = new Set<number>();
  for (const [tenant, shard] of map) {
    const chunk = tenantChunkOf(tenant);
    counts[chunk] = (counts[chunk] ?? 0) + 1;
    if (inForce[chunk]?.get(tenant) !== shard) dirty.add(chunk);
  }
  // Every tenant of the source is in force there, so a different number means that some were removed.
  counts.forEach((count, chunk) => {
    if (count > 0 && count !== inForce[chunk]?.size) dirty.add(chunk);
  });
  return { counts, dirty };
}

function collectTenants(chunks: ReadonlySet<number>, map: ReadonlyMap<string, string>): Map<number, Map<string, string>> {
  const collected = new Map([...chunks].map((chunk) => [chunk, new Map<string, string>()]));
  if (chunks.size === 0) return collected;
  for (const [tenant, shard] of map) collected.get(tenantChunkOf(tenant))?.set(tenant, shard);
  return collected;
}

function sized(write: Write): Write {
  const bytes = Buffer.byteLength(write.value, 'utf8');
  if (bytes <= maxValueBytes) return write;
  throw new FairleadError('too_large', `the placement value ${write.key} has ${bytes} bytes, more than ${maxValueBytes}`, {
    details: { key: write.key, bytes },
  });
}
