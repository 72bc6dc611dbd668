import { FairleadError } from '@fairlead/contracts';
import {
  chunkKey,
  encodeChunk,
  encodeContents,
  encodeMarker,
  markerKey,
  maxValueBytes,
  type Marker,
  type PlacementSource,
  type Slot,
} from './format.js';
import { shortSha256 } from './hash.js';

/** A chunk in force. Without content it is known by name only, and is written again. */
export interface HeldChunk {
  readonly slot: Slot;
  readonly hash: string;
  readonly content: string | undefined;
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
}

/**
 * Plans the publication of a source over the chunks in force: only changed chunks, into the slot not in force.
 * Throws FairleadError('too_large') when a value would reach 512 KiB.
 */
export function planPublication(held: Held, source: PlacementSource): Publication {
  const chunks: Write[] = [];
  const next = new Map<string, HeldChunk>();
  for (const [name, content] of encodeContents(source)) {
    const inForce = held.get(name);
    if (inForce?.content === content) {
      next.set(name, inForce);
      continue;
    }
    const slot = inForce?.slot === 'a' ? 'b' : 'a';
    const value = encodeChunk(source, content);
    assertSize(name, value);
    chunks.push({ key: chunkKey(name, slot), value });
    next.set(name, { slot, hash: shortSha256(value), content });
  }
  const named = new Map([...next].map(([name, chunk]) => [chunkKey(name, chunk.slot), chunk.hash]));
  const marker: Marker = { epoch: source.epoch, revision: source.revision, chunks: named };
  const value = encodeMarker(marker);
  assertSize(markerKey, value);
  const unchanged = chunks.length === 0 && next.size === held.size;
  return { chunks, marker: { key: markerKey, value }, held: next, unchanged };
}

function assertSize(name: string, value: string): void {
  const bytes = Buffer.byteLength(value, 'utf8');
  if (bytes > maxValueBytes) {
    throw new FairleadError('too_large', `placement chunk ${name} has ${bytes} bytes, more than ${maxValueBytes}`, {
      details: { chunk: name, bytes },
    });
  }
}
