/** Checks, for a verification of the trail, that the files of sealed segments are what was sealed, and fit the chain. */
import { checkSegment, readManifest, SegmentFault, type AnchorVerifier } from '@fairlead/audit-chain';
import type { Sql } from '@fairlead/postgres';
import { hashBefore } from '../chain/export-chain.js';
import { chainBreak, type ChainBreak } from '../domain/chain-break.js';
import { readLinks } from '../store/chain.js';
import { readSealing, segmentsFrom, type SegmentRow } from '../store/segments.js';
import type { Segments } from './segments.js';

export interface VerifySegmentsDeps {
  readonly sql: Sql;
  readonly verify: AnchorVerifier;
  readonly segments: Pick<Segments, 'folder' | 'verifyManifest'> | undefined;
}

/** What a part of the check came to. */
export interface SegmentsPart {
  /** Up to here segments are what was sealed. */
  readonly position: number;
  readonly segments: number;
  readonly broken: ChainBreak | undefined;
  /** There are no further ones. */
  readonly done: boolean;
}

/** Checks the segments behind a position until `isOver`; at least one. The chain has been checked before. */
export async function checkSegments(deps: VerifySegmentsDeps, after: number, isOver: () => boolean): Promise<SegmentsPart> {
  const { sealedUntil } = await readSealing(deps.sql);
  let [position, segments] = [after, 0];
  if (deps.segments === undefined) return { position, segments, broken: undefined, done: true };
  while (position < sealedUntil) {
    if (segments > 0 && isOver()) return { position, segments, broken: undefined, done: false };
    const [row] = await segmentsFrom(deps.sql, position + 1, 1);
    try {
      if (row?.from !== position + 1) throw new SegmentFault('segment_gap', `no segment is known that begins at position ${position + 1}`);
      await checkOne(deps, deps.segments, row);
    } catch (error) {
      if (!(error instanceof SegmentFault)) throw error;
      return { position, segments, broken: chainBreak(error.kind, position + 1, error.message), done: true };
    }
    position = row.to;
    segments += 1;
  }
  return { position, segments, broken: undefined, done: true };
}

async function checkOne(
  { sql, verify }: VerifySegmentsDeps,
  { folder, verifyManifest }: Pick<Segments, 'folder' | 'verifyManifest'>,
  { from, to, manifest: name }: SegmentRow,
): Promise<void> {
  const manifest = await readManifest(folder, name, verifyManifest);
  const behind = (await readLinks(sql, to, to)).get(to)?.hash.toString('hex');
  const prior = (await hashBefore(sql, from)).toString('hex');
  if (manifest.from !== from || manifest.to !== to || manifest.hash !== behind || manifest.prior !== prior)
    throw new SegmentFault('segment_broken', `${name}: it is of another chain than the log's`);
  await checkSegment({ folder, verify }, manifest);
}
