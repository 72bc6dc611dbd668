/** What the anchors of an export, and those that were kept elsewhere, say of its events. */
import { anchoredLeaf, heldUntil, type AnchorFaultKind, type Life, type WholeAnchor } from './anchor.js';
import { leafBytes } from './links.js';

export type CoverFaultKind = 'anchor_of_another_log' | 'anchors_disagree';

/** An anchor with where it was read. */
export interface ReadAnchor extends WholeAnchor {
  readonly line: number;
  /** It is of an anchor file that was kept elsewhere. */
  readonly kept: boolean;
}

export interface AnchorFinding {
  readonly line: number;
  readonly position?: number;
  readonly kind: AnchorFaultKind | CoverFaultKind;
  readonly message: string;
}

/** What anchors say about a range. */
export interface Cover {
  readonly expected: (position: number) => Buffer | undefined;
  /** Hashes of the chain that were anchored. */
  readonly hashes: ReadonlyMap<number, Buffer>;
  /** The last event that is anchored without a gap before it, and when that was. */
  readonly anchored: { readonly position: number; readonly time: string } | undefined;
  readonly kids: readonly string[];
  readonly restored: readonly Life[];
}

/** Says what is wrong with an anchor. */
export function anchorFinding(
  { line, kept }: Pick<ReadAnchor, 'line' | 'kept'>,
  { message, ...fault }: Omit<AnchorFinding, 'line'>,
): AnchorFinding {
  return { line, ...fault, message: kept ? `in the anchor file: ${message}` : message };
}

/**
 * What anchors say about a range that they all say something about, or why they can't all be of its log: one that is left
 * out would make a copy that was kept elsewhere worth nothing against anchors that were made after the log was rewritten.
 */
export function coverOf({ from, to }: { from: number; to: number }, anchors: readonly ReadAnchor[]): Cover | AnchorFinding {
  const lineage = longest(anchors.map((anchor) => anchor.lineage));
  const count = Math.max(0, to - from + 1);
  const leaves = Buffer.alloc(count * leafBytes);
  const covered = new Uint8Array(count);
  const hashes = new Map<number, Buffer>();
  const times = new Map<number, string>();
  const leafAt = (at: number) => leaves.subarray((at - from) * leafBytes, (at - from + 1) * leafBytes);
  for (const anchor of anchors) {
    const { incarnation } = anchor;
    if (!lineage.some((life) => life.incarnation === incarnation)) return anchorFinding(anchor, strange(anchor));
    const until = Math.min(anchor.position, to, heldUntil(lineage, incarnation));
    for (let at = Math.max(anchor.from, from); at <= until; at += 1) {
      const leaf = anchoredLeaf(anchor, at);
      if (leaf === undefined) continue;
      if (covered[at - from] === 1 && !leafAt(at).equals(leaf)) return anchorFinding(anchor, contradiction(at));
      leaf.copy(leafAt(at));
      covered[at - from] = 1;
      times.set(until, anchor.time);
    }
    if (until !== anchor.position) continue;
    if (hashes.get(until)?.equals(anchor.hash) === false) return anchorFinding(anchor, contradiction(until));
    hashes.set(until, anchor.hash);
  }
  const gap = covered.indexOf(0);
  const last = gap === -1 ? to : from + gap - 1;
  return {
    expected: (position) => (covered[position - from] === 1 ? leafAt(position) : undefined),
    hashes,
    anchored: last < from ? undefined : { position: last, time: times.get(last) ?? '' },
    kids: [...new Set(anchors.map(({ kid }) => kid))],
    restored: restoredOf(lineage, anchors),
  };
}

function longest(lineages: readonly (readonly Life[])[]): readonly Life[] {
  return lineages.reduce<readonly Life[]>((best, one) => (one.length >= best.length ? one : best), []);
}

function strange({ incarnation, position }: ReadAnchor): Omit<AnchorFinding, 'line'> {
  return {
    kind: 'anchor_of_another_log',
    message: `the anchor at position ${position} is of the incarnation ${incarnation}, which the other anchors know nothing of: those of one side were made after the log was changed, or the anchor file was begun anew`,
  };
}

function contradiction(position: number): Omit<AnchorFinding, 'line'> {
  return { kind: 'anchors_disagree', position, message: `another anchor says something else of the event at position ${position}` };
}

/** Incarnations that took anchored events away. How many is said by the anchors, too: a lineage that was forged says less. */
function restoredOf(lineage: readonly Life[], anchors: readonly ReadAnchor[]): Life[] {
  return lineage.flatMap((life, index) => {
    const before = lineage[index - 1]?.incarnation;
    const lost = anchors
      .filter(({ incarnation }) => incarnation === before)
      .map(({ position, time }) => ({ position, time }))
      .reduce((most, one) => (one.position > (most?.position ?? 0) ? one : most), life.lost);
    return lost !== undefined && lost.position > life.after ? [{ ...life, lost }] : [];
  });
}
