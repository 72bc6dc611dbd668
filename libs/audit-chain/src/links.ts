/** The chain: what each event adds to it. */
import { createHash } from 'node:crypto';
import { canonicalText, type CanonicalEvent } from './event.js';

/** What stands for the hash before the first event. */
export const genesis: Buffer = Buffer.alloc(32);

/** Of a leaf, so many bytes are kept. */
export const leafBytes = 16;

/** What is kept of an event. */
export interface Link {
  readonly position: number;
  /** Of all events up to this one. */
  readonly hash: Buffer;
  /** Of this event alone, cut. */
  readonly leaf: Buffer;
}

/** The chain's hash behind an event. */
export function hashAfter(previous: Uint8Array, event: CanonicalEvent): Buffer {
  return createHash('sha256').update(previous).update(canonicalText(event), 'utf8').digest();
}

/** The hash of an event alone, as if it stood at `position`. */
export function leafOf(event: CanonicalEvent, position = event.position): Buffer {
  return createHash('sha256').update(canonicalText(event, position), 'utf8').digest().subarray(0, leafBytes);
}

/** The links of events that follow a hash, in order. */
export function linksOf(previous: Buffer, events: readonly CanonicalEvent[]): Link[] {
  let hash = previous;
  return events.map((event) => {
    hash = hashAfter(hash, event);
    return { position: event.position, hash, leaf: leafOf(event) };
  });
}
