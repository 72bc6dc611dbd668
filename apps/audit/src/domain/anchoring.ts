/** What the next anchor is to say, by the last one, the log's incarnations and the chain. */
import { maxAnchored, type Anchor, type Life } from '@fairlead/audit-chain';

export type NextAnchor =
  | { readonly is: 'due'; readonly from: number; readonly to: number; readonly lineage: readonly Life[] }
  /** Nothing has come since. */
  | { readonly is: 'level' }
  /** What was anchored is not in the chain: an anchor now would contradict the last one. */
  | { readonly is: 'stopped'; readonly reason: string };

export interface Standing {
  readonly last: Pick<Anchor, 'incarnation' | 'position' | 'time' | 'lineage'> | undefined;
  /** The log's. */
  readonly incarnation: string;
  /** Up to where the events of the last anchor's incarnation are those of the log. */
  readonly sharedUntil: number;
  /** How far the chain has come. */
  readonly chained: number;
}

export function nextAnchor({ last, incarnation, sharedUntil, chained }: Standing): NextAnchor {
  if (last === undefined) return due(0, chained, [{ incarnation, after: 0 }]);
  if (last.incarnation !== incarnation) {
    const after = Math.min(sharedUntil, last.position);
    return due(after, chained, [...last.lineage, lifeAfter(last, incarnation, after)]);
  }
  if (chained >= last.position) return due(last.position, chained, last.lineage);
  const reason = `the chain ends at ${chained}, before the last anchor at ${last.position}: was the database restored, and no new incarnation of the log begun?`;
  return { is: 'stopped', reason };
}

/** The incarnation that follows the one of an anchor, and what of that one it has lost. */
export function lifeAfter(last: Pick<Anchor, 'position' | 'time'>, incarnation: string, after: number): Life {
  return { incarnation, after, lost: { position: last.position, time: last.time } };
}

function due(after: number, chained: number, lineage: readonly Life[]): NextAnchor {
  if (chained <= after) return { is: 'level' };
  return { is: 'due', from: after + 1, to: Math.min(chained, after + maxAnchored), lineage };
}
