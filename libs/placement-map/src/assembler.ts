import { isPlacedKind, type PlacedKind } from '@fairlead/contracts';
import {
  compareVersions,
  decodeChunk,
  decodeMarker,
  markerKey,
  readChunkKey,
  tenantChunkOf,
  type ChunkPart,
  type Marker,
  type PlacementVersion,
  type ShardEntry,
} from './format.js';
import { shortSha256 } from './hash.js';
import { shardDirectory, type PlacementSnapshot } from './snapshot.js';

/** Puts deliveries of a bucket together. Pure: the same deliveries in the same order give the same snapshots. */
export interface Assembler {
  /**
   * Takes one delivery and returns the snapshot that it completed, if it did. Throws when the value is not what its
   * key asks for; it is then ignored.
   */
  take(key: string, value: Uint8Array): PlacementSnapshot | undefined;
  current(): PlacementSnapshot | undefined;
  /** Keys of the chunks that the marker taken last names and that are not here. Empty when no marker waits for any. */
  missing(): string[];
  /** Waits for no marker's chunks any more: another one may stand in the bucket. Chunks that are here stay, they are known by hash. */
  forget(): void;
}

interface Part {
  readonly hash: string;
  readonly chunk: ChunkPart;
}

interface Shown {
  readonly snapshot: PlacementSnapshot;
  /** By key. */
  readonly parts: ReadonlyMap<string, Part>;
}

export function createAssembler(): Assembler {
  /** Delivered chunks that are not part of what is shown. Bounded: there are only so many keys. */
  const arrived = new Map<string, { hash: string; value: Uint8Array }>();
  let awaited: Marker | undefined;
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
      if (kept?.hash === hash) parts.set(key, kept);
      else if (value !== undefined) parts.set(key, { hash, chunk: decodeChunk(readChunkKey(key)?.what ?? 'shards', value) });
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
    shown = { snapshot: makeSnapshot(marker, parts), parts };
    for (const [key, part] of parts) if (arrived.get(key)?.hash === part.hash) arrived.delete(key);
    return shown.snapshot;
  }

  return {
    take(key, value) {
      if (key === markerKey) {
        const marker = decodeMarker(value);
        const newest = [shown?.snapshot, awaited].every((known) => known === undefined || compareVersions(marker, known) > 0);
        if (!newest) return undefined;
        awaited = marker;
        return complete();
      }
      if (readChunkKey(key) === undefined) return undefined;
      arrived.set(key, { hash: shortSha256(value), value });
      return awaited?.chunks.has(key) === true ? complete() : undefined;
    },
    current: () => shown?.snapshot,
    missing: () => [...(awaited?.chunks ?? [])].filter(([key, hash]) => !isHere(key, hash)).map(([key]) => key),
    forget() {
      awaited = undefined;
    },
  };
}

function makeSnapshot(version: PlacementVersion, parts: ReadonlyMap<string, Part>): PlacementSnapshot {
  const maps: Record<PlacedKind, ReadonlyMap<string, string>[]> = { aggregate: [], projection: [], runner: [] };
  const shards: ShardEntry[] = [];
  for (const [key, { chunk }] of parts) {
    const described = readChunkKey(key);
    if (described === undefined) continue;
    if ('shards' in chunk) shards.push(...chunk.shards);
    else if (isPlacedKind(described.kind)) maps[described.kind][described.chunk] = chunk.tenants;
  }
  return {
    epoch: version.epoch,
    revision: version.revision,
    origin: 'kv',
    shardOf: (kind, tenantId) => maps[kind][tenantChunkOf(tenantId)]?.get(tenantId),
    tenants: (kind) => maps[kind].reduce((count, chunk) => count + chunk.size, 0),
    assignments: function* (kind) {
      // Chunks without tenants leave holes.
      for (const chunk of maps[kind].filter(Boolean)) yield* chunk;
    },
    ...shardDirectory(shards),
  };
}
