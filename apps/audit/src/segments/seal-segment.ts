/**
 * Seals the next segment of the trail: its events, in the lines of an export, go to a file, which is read back and held against the
 * anchors in it; then its manifest is signed; then the table tells of it, in one transaction with the event that says so. Whatever
 * crashes in between, the next turn finds what is there and goes on from it.
 */
import {
  checkSegment,
  endLine,
  exportHeader,
  manifestEnd,
  readManifest,
  segmentName,
  type Anchor,
  type AnchorVerifier,
  type ManifestVerifier,
  type SegmentManifest,
} from '@fairlead/audit-chain';
import { appendInTransaction } from '@fairlead/event-log';
import { failpoint } from '@fairlead/failpoints';
import type { Database } from '@fairlead/postgres';
import type { AnchorSource } from '../chain/anchor-source.js';
import { eventLines, hashBefore, readable } from '../chain/export-chain.js';
import { readLinks, recordedAt } from '../store/chain.js';
import { addSegment } from '../store/segments.js';
import { writeManifest, writeSegment } from './segment-files.js';

export interface SealDeps {
  readonly sql: Database;
  /** Where segments are kept; somebody made it. */
  readonly folder: string;
  readonly source: AnchorSource;
  readonly verify: AnchorVerifier;
  readonly verifyManifest: ManifestVerifier;
  readonly sign: (manifest: SegmentManifest) => Promise<string>;
}

/** What is to be sealed: positions, inclusive, all of them anchored in the present incarnation's log. */
export interface SegmentRange {
  readonly from: number;
  readonly to: number;
  readonly incarnation: string;
  /** No anchor before this place in the source is about them. */
  readonly anchorsFrom: number;
}

/** What sealing a segment came to. */
export interface SealedSegment {
  /** Of the event; undefined when another replica was first. */
  readonly position: number | undefined;
  /** Where the anchors of the next segment begin, at the earliest. */
  readonly anchorsFrom: number;
}

/** Seals a segment. Throws SegmentFault for files that are not what they should be, and what the file system answers. */
export async function sealSegment(deps: SealDeps, range: SegmentRange): Promise<SealedSegment> {
  const { sql, folder, verify, verifyManifest } = deps;
  const { from, to } = range;
  const prior = await hashBefore(sql, from);
  const last = (await readLinks(sql, to, to)).get(to);
  if (last === undefined) throw new Error(`the chain has lost its link at ${to}`);
  const name = segmentName({ from, to, hash: last.hash.toString('hex') });
  const manifestName = `${name}${manifestEnd}`;
  const anchors = { from: range.anchorsFrom };
  const isThere = await readManifest(folder, manifestName, verifyManifest).then(
    () => true,
    (error: unknown) => {
      if ((error as { kind?: unknown }).kind === 'segment_missing') return false;
      throw error;
    },
  );
  if (!isThere) await writeFiles(deps, range, { name, manifestName, prior, hash: last.hash, anchors });
  // What counts is what the folder has, also when somebody else was first.
  const manifest = await readManifest(folder, manifestName, verifyManifest);
  await checkSegment({ folder, verify }, manifest);
  const position = await sql.transaction(async (tx) => {
    if (!(await addSegment(tx, manifestName, manifest))) return undefined;
    await failpoint('audit.seal.before_event');
    const { file, sha256 } = manifest;
    const event = {
      aggregateType: 'event_log',
      aggregateId: 'log',
      type: 'trail_sealed',
      payload: { from, to, file, sha256 },
    } as const;
    const appended = (await appendInTransaction(tx, { events: [event] })).lastPosition;
    await failpoint('audit.seal.before_commit');
    return appended;
  });
  await failpoint('audit.seal.after_commit');
  return { position, anchorsFrom: anchors.from };
}

async function writeFiles(
  { sql, folder, source, verify, sign }: SealDeps,
  { from, to, incarnation }: SegmentRange,
  {
    name,
    manifestName,
    prior,
    hash,
    anchors,
  }: { name: string; manifestName: string; prior: Buffer; hash: Buffer; anchors: { from: number } },
): Promise<void> {
  const times = { first_time: (await recordedAt(sql, from)) ?? '', last_time: (await recordedAt(sql, to)) ?? '' };
  async function* lines(): AsyncGenerator<string, void, undefined> {
    // The same events come to the same file, whenever they are sealed.
    yield exportHeader({ from, to, prior: prior.toString('hex'), incarnation, exported_at: timeOf(times.last_time) });
    yield* eventLines(sql, { from, to }, prior);
    let count = 0;
    const kids = new Set<string>();
    for await (const { text, anchor } of anchorsOf(source, { from, to, incarnation }, anchors)) {
      count += 1;
      kids.add(anchor.kid);
      yield text;
    }
    yield endLine({ events: to - from + 1, anchors: count, kids: [...kids] });
  }
  const written = await writeSegment(folder, name, lines());
  const hashes = { prior: prior.toString('hex'), hash: hash.toString('hex') };
  const manifest: SegmentManifest = { from, to, ...hashes, incarnation, ...times, ...written, sealed_at: new Date().toISOString() };
  // Read back from the folder, before anything says that it is there.
  await checkSegment({ folder, verify }, manifest);
  await failpoint('audit.seal.after_read_back');
  await writeManifest(folder, manifestName, await sign(manifest));
}

/** The anchors that say something about a range, from a place in the source on; the place moves to the first of them. */
async function* anchorsOf(
  source: AnchorSource,
  { from, to, incarnation }: Pick<SegmentRange, 'from' | 'to' | 'incarnation'>,
  place: { from: number },
): AsyncGenerator<{ text: string; anchor: Anchor }, void, undefined> {
  let [before, found] = [place.from, false];
  for await (const { text, next } of source.lines(place.from)) {
    const anchor = readable(text);
    const begins = before;
    before = next;
    if (anchor === undefined || anchor.position < from) continue;
    // The place of the first that reaches so far: none before it does for what comes later either.
    if (!found) place.from = begins;
    found = true;
    // Those of the present incarnation stand last, in order.
    if (anchor.from > to && anchor.incarnation === incarnation) return;
    if (anchor.from <= to) yield { text, anchor };
  }
}

/** A time as the header of an export has it; of one that is none the first there is. */
function timeOf(text: string): string {
  const ms = Date.parse(text);
  return new Date(Number.isNaN(ms) ? 0 : ms).toISOString();
}
