import { isPlacedKind, type PlacedKind } from '@fairlead/contracts';
import {
  changedChunk,
  chunkKey,
  compareVersions,
  decodeChunk,
  decodeMarker,
  markerKey,
  readChunkKey,
  shortSha256,
  tenantChunkOf,
  type Changes,
  type ChunkKey,
  type ChunkPart,
  type Increment,
  type MarkedVersion,
  type Marker,
  type PlacementVersion,
  type ShardEntry,
} from './format/index.js';
import { shardDirectory, type PlacementSnapshot } from './snapshot.js';

/** Puts deliveries of a bucket together. Pure: the same deliveries in the same order give the same snapshots. */
export interface Assembler {
  /**
   * Takes one value of the bucket and returns the snapshot that it completed, if it did. A marker of the version that is shown with other
   * bytes is that of a repair: once complete, what follows begins at it, and what is shown stays. Throws when the value is not what
   * its key asks for; it is then ignored.
   */
  take(key: string, value: Uint8Array): PlacementSnapshot | undefined;
  /**
   * Makes the next snapshot of the one shown, and returns it. `same`: it tells of what is shown. `old`: it tells of nothing newer. `missed`: it does not begin at what
   * is shown, or does not lead to what its hashes say, so the bucket must be read; nothing has changed. Never throws.
   */
  advance(increment: Increment): PlacementSnapshot | 'same' | 'old' | 'missed';
  current(): PlacementSnapshot | undefined;
  /** Whether these are the bytes of the marker of what is shown. */
  isShown(marker: Uint8Array): boolean;
  /** Keys of the chunks that the marker taken last names and that are not here. Empty when no marker waits for any. */
  missing(): string[];
  /** Waits for no marker's chunks any more: another one may stand in the bucket. Chunks that are here stay, they are known by hash. */
  forget(): void;
}

interface Part {
  readonly hash: string;
  readonly described: ChunkKey | undefined;
  readonly chunk: ChunkPart;
}

type Directory = ReturnType<typeof shardDirectory>;

interface Shown {
  readonly snapshot: PlacementSnapshot;
  /** By key. */
  readonly parts: ReadonlyMap<string, Part>;
  /** Hash of the marker's bytes. */
  readonly marker: string;
  readonly directory: Directory;
}

export function createAssembler(): Assembler {
  /** Delivered chunks that are not part of what is shown. Bounded: there are only so many keys. */
  const arrived = new Map<string, { hash: string; value: Uint8Array }>();
  let awaited: (Marker & MarkedVersion) | undefined;
  let shown: Shown | undefined;

  const isHere = (key: string, hash: string) => shown?.parts.get(key)?.hash === hash || arrived.get(key)?.hash === hash;

  /** Every part that a marker names, or undefined while one is missing. */
  function collect(marker: Marker): Map<string, Part> | undefined {
    // Nothing is decoded before all is there.
    for (const [key, hash] of marker.chunks) if (!isHere(key, hash)) return undefined;
    const parts = new Map<string, Part>();
    for (const [key, hash] of marker.chunks) {
      const kept = shown?.parts.get(key);
      const value = arrived.get(key)?.value;
      const described = readChunkKey(key);
      if (kept?.hash === hash) parts.set(key, kept);
      else if (value !== undefined) parts.set(key, { hash, described, chunk: decodeChunk(described?.what ?? 'shards', value) });
    }
    return parts;
  }

  function complete(): PlacementSnapshot | undefined {
    if (awaited === undefined) return undefined;
    const marker = awaited;
    let parts: Map<string, Part> | undefined;
    try {
      parts = collect(marker);
    } catch (error) {
      awaited = undefined;
      throw error;
    }
    if (parts === undefined) return undefined;
    awaited = undefined;
    const repaired = shown !== undefined && compareVersions(marker, shown.snapshot) === 0 ? shown : undefined;
    shown = repaired === undefined ? show(marker, parts, directoryOf(parts)) : { ...repaired, parts, marker: marker.marker };
    for (const [key, part] of parts) if (arrived.get(key)?.hash === part.hash) arrived.delete(key);
    return repaired === undefined ? shown.snapshot : undefined;
  }

  return {
    take(key, value) {
      if (key === markerKey) {
        const marker = decodeMarker(value);
        const hash = shortSha256(value);
        const order = shown === undefined ? 1 : compareVersions(marker, shown.snapshot);
        if (order < 0 || (order === 0 && hash === shown?.marker)) return undefined;
        if (awaited !== undefined && compareVersions(marker, awaited) <= 0) return undefined;
        awaited = { ...marker, marker: hash };
        return complete();
      }
      if (readChunkKey(key) === undefined) return undefined;
      arrived.set(key, { hash: shortSha256(value), value });
      return awaited?.chunks.has(key) === true ? complete() : undefined;
    },
    advance(increment) {
      const order = shown === undefined ? 1 : compareVersions(increment, shown.snapshot);
      if (order <= 0) return order === 0 && increment.marker === shown?.marker ? 'same' : 'old';
      if (shown === undefined || increment.base === undefined) return 'missed';
      const { from, changes } = increment.base;
      if (compareVersions(from, shown.snapshot) !== 0 || from.marker !== shown.marker) return 'missed';
      const parts = changedParts(shown.parts, increment, changes);
      if (parts === undefined) return 'missed';
      shown = show(increment, parts, touchesShards(changes) ? directoryOf(parts) : shown.directory);
      // A marker that chunks are still read for must not bring back what was before.
      if (awaited !== undefined && compareVersions(awaited, increment) <= 0) awaited = undefined;
      return shown.snapshot;
    },
    current: () => shown?.snapshot,
    isShown: (marker) => shown !== undefined && shown.marker === shortSha256(marker),
    missing: () => [...(awaited?.chunks ?? [])].filter(([key, hash]) => !isHere(key, hash)).map(([key]) => key),
    forget() {
      awaited = undefined;
    },
  };
}

const slots = ['a', 'b'] as const;
const touchesShards = ({ chunks, gone }: Changes) => [...chunks.keys(), ...gone].some((key) => key.startsWith('shards.'));

/** The parts after changes, or undefined when one is not what its hash says. */
function changedParts(parts: ReadonlyMap<string, Part>, version: PlacementVersion, changes: Changes): Map<string, Part> | undefined {
  const next = new Map(parts);
  try {
    for (const [key, change] of changes.chunks) {
      const described = readChunkKey(key);
      if (described === undefined) return undefined;
      const keys = slots.map((slot) => chunkKey(described.name, slot));
      const before = keys.map((known) => next.get(known)).find((part) => part !== undefined);
      const chunk = changedChunk(described.what, before?.chunk, version, change);
      if (chunk === undefined) return undefined;
      for (const known of keys) next.delete(known);
      next.set(key, { hash: change.hash, described, chunk });
    }
  } catch {
    // Malformed: the hash was that of something else than a chunk.
    return undefined;
  }
  for (const name of changes.gone) for (const slot of slots) next.delete(chunkKey(name, slot));
  return next;
}

function directoryOf(parts: ReadonlyMap<string, Part>): Directory {
  const shards: ShardEntry[] = [];
  for (const { described, chunk } of parts.values()) if (described !== undefined && 'shards' in chunk) shards.push(...chunk.shards);
  return shardDirectory(shards);
}

function show(version: MarkedVersion, parts: ReadonlyMap<string, Part>, directory: Directory): Shown {
  const maps: Record<PlacedKind, ReadonlyMap<string, string>[]> = { aggregate: [], projection: [], runner: [] };
  for (const { described, chunk } of parts.values()) {
    if (described !== undefined && 'tenants' in chunk && isPlacedKind(described.kind))
      maps[described.kind][described.chunk] = chunk.tenants;
  }
  const snapshot: PlacementSnapshot = {
    epoch: version.epoch,
    revision: version.revision,
    origin: 'kv',
    shardOf: (kind, tenantId) => maps[kind][tenantChunkOf(tenantId)]?.get(tenantId),
    tenants: (kind) => maps[kind].reduce((count, chunk) => count + chunk.size, 0),
    assignments: function* (kind) {
      // Chunks without tenants leave holes.
      for (const chunk of maps[kind].filter(Boolean)) yield* chunk;
    },
    ...directory,
  };
  return { snapshot, parts, marker: version.marker, directory };
}
