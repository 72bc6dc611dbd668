/** What may be wrong with the trail, each with what to do. */
import type { AnchorFaultKind, BreakKind, SegmentFaultKind } from '@fairlead/audit-chain';

const evidence =
  'Keep the database, the anchor file and every copy of it as they are: they are evidence. Export the range, compare it with backups and the stream, and restore one that verifies. See docs/audit.md, "When something is broken".';
const outside =
  'Compare the anchor file with its copies elsewhere: what the copies have, and it has not, was taken from it. See docs/audit.md.';
const segments =
  'Is the folder (AUDIT_SEGMENT_FOLDER) mounted? If it is, put the files back from a copy that verifies (fairlead audit verify --segments). The log still holds the events: nothing of them is lost.';

const advice = {
  edited: evidence,
  deleted: evidence,
  inserted: evidence,
  reordered: evidence,
  truncated: `Was the database restored? Then begin a new incarnation of the log (npm run db:restored). If it was not: ${evidence}`,
  chain_rewritten: evidence,
  chain_broken: `The events are as they were; what the database keeps of the chain was changed. ${evidence}`,
  hash_wrong: evidence,
  anchor_unreadable: outside,
  anchor_signature_wrong: `Is the key that signed it among the trusted ones (TRUST_JWKS)? Public keys stay there after a rotation. If it is: ${outside}`,
  anchor_leaves_wrong: outside,
  anchor_missing: outside,
  anchor_file_short: outside,
  anchor_of_another_log: `Was the file put together from several? Then verify with each of them alone. If it was not: ${outside}`,
  segment_missing: segments,
  segment_unreadable: segments,
  segment_signature_wrong: `Is the key that signed it among the trusted ones (TRUST_JWKS)? Public keys stay there after a rotation. If it is: ${segments}`,
  segment_file_wrong: segments,
  segment_broken: segments,
  segment_gap: segments,
} as const satisfies Record<
  BreakKind | AnchorFaultKind | SegmentFaultKind | 'anchor_missing' | 'anchor_file_short' | 'anchor_of_another_log',
  string
>;

export type ChainBreakKind = keyof typeof advice;

export interface ChainBreak {
  /** 0 when it is about no event. */
  readonly position: number;
  readonly kind: ChainBreakKind;
  readonly message: string;
  readonly advice: string;
}

/** Something that is not as it was, with what to do. */
export function chainBreak(kind: ChainBreakKind, position: number, message: string): ChainBreak {
  return { position, kind, message, advice: advice[kind] };
}
