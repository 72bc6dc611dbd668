/** Checks a stretch of events against what was anchored of it and against what the chain keeps of it. */
import { findBreak, type EventBreakKind, type Stretch } from './find-break.js';
import { hashAfter, leafOf, type Link } from './links.js';

export type BreakKind = EventBreakKind | 'chain_rewritten' | 'chain_broken' | 'hash_wrong';

export interface Break {
  readonly position: number;
  readonly kind: BreakKind;
  readonly message: string;
}

export interface AnchoredStretch extends Stretch {
  /** The chain's hash in front of it. */
  readonly prior: Buffer;
  /** The hash that was anchored at its end. */
  readonly anchored?: Uint8Array;
  /** What the chain keeps of it, where there is one to look at. */
  readonly links?: ReadonlyMap<number, Link>;
  /** Up to here there have to be links; up to its end when left out. */
  readonly linkedUntil?: number;
}

const said: Record<EventBreakKind, string> = {
  edited: 'the event is not the one that was recorded',
  deleted: 'the event that was recorded here is gone',
  inserted: 'an event stands here that was not recorded; the one that was follows it',
  reordered: 'the event stands here that was recorded elsewhere',
  truncated: 'the log ends before it: this event and all behind it are gone',
};

/** The chain's hash behind the stretch, or what broke first. */
export function checkStretch(stretch: AnchoredStretch): { readonly hash: Buffer } | { readonly broken: Break } {
  const found = findBreak(stretch);
  if (found !== undefined) {
    const { position, kind } = found;
    const row = stretch.rows[found.index];
    const kept = stretch.links?.get(position);
    // The chain agrees with what stands there now: it was made anew after the change.
    const fits = row?.position === position && kept !== undefined && leafOf(row).equals(kept.leaf);
    if (fits) return broken(position, 'chain_rewritten', `${said[kind]} (${kind}), and the chain was rewritten to fit`);
    return broken(position, kind, said[kind]);
  }
  let hash = stretch.prior;
  for (const row of stretch.rows.slice(0, Math.max(0, stretch.to - stretch.from + 1))) {
    hash = hashAfter(hash, row);
    if (stretch.links === undefined) continue;
    const kept = stretch.links.get(row.position);
    if (kept === undefined && row.position > (stretch.linkedUntil ?? stretch.to)) continue;
    if (kept === undefined) return broken(row.position, 'chain_broken', 'the chain has lost what it kept of this event');
    if (!kept.hash.equals(hash) || !kept.leaf.equals(leafOf(row)))
      return broken(row.position, 'chain_broken', 'what the chain keeps of this event is not what it comes to');
  }
  if (stretch.anchored !== undefined && !hash.equals(stretch.anchored))
    return broken(stretch.to, 'hash_wrong', 'the chain does not come to the hash that was anchored here');
  return { hash };
}

function broken(position: number, kind: BreakKind, message: string): { readonly broken: Break } {
  return { broken: { position, kind, message } };
}
