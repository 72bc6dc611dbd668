/**
 * Holds the log against its anchors, and what no anchor covers yet against the chain. It goes through the anchors in the
 * order in which they were made, a bounded part in each call, and ends at the first thing that is broken.
 */
import {
  AnchorFault,
  anchoredLeaf,
  genesis,
  heldUntil,
  verifyAnchorLine,
  type Anchor,
  type AnchorVerifier,
  type Life,
  type WholeAnchor,
} from '@fairlead/audit-chain';
import { FairleadError } from '@fairlead/contracts';
import { readHistory, validUntil, type LogHistory } from '@fairlead/event-log';
import type { Sql } from '@fairlead/postgres';
import { z } from 'zod';
import { lifeAfter } from '../domain/anchoring.js';
import { chainBreak, type ChainBreak } from '../domain/chain-break.js';
import { furthestAnchor } from '../store/anchors.js';
import { readLogEnds, recordedAt, type LogEnds } from '../store/chain.js';
import { readSealing } from '../store/segments.js';
import { checkSegments, type VerifySegmentsDeps } from '../segments/verify-segments.js';
import type { AnchorSource } from './anchor-source.js';
import { checkRange } from './check-range.js';

export interface VerifyChainDeps {
  readonly sql: Sql;
  readonly source: AnchorSource;
  readonly verify: AnchorVerifier;
  /** How often anchors are made. */
  readonly everyMs: number;
  /** Where sealed segments are kept; undefined where no folder is set, and when the caller does not ask for them. */
  readonly segments?: VerifySegmentsDeps['segments'];
}

export interface VerifiedPart {
  /** Where to go on; undefined when all is checked or something is broken. */
  readonly cursor: string | undefined;
  /** Up to here everything is as it was. */
  readonly position: number;
  readonly head: number;
  readonly broken: ChainBreak | undefined;
  readonly anchor: Anchor | undefined;
  /** Events behind the last anchor, and when the first of them was recorded. */
  readonly unanchored: number;
  readonly unanchoredSince: string | undefined;
  readonly source: AnchorSource['kind'];
  readonly restored: readonly Life[];
  /** Up to here the trail is in sealed segments, and how many of them are what was sealed. */
  readonly sealedUntil: number;
  readonly segments: number;
}

/** What one call checks at most. */
const limits = { positions: 20_000, lines: 2_000, timeMs: 4_000 };

/** How far sealed segments are checked, once all else is. */
const sealedPlace = z.strictObject({ position: z.int().min(0), segments: z.int().min(0) });
const cursorSchema = z.strictObject({
  offset: z.int().min(0),
  position: z.int().min(0),
  hash: z.hex().length(64),
  sealed: sealedPlace.optional(),
});
type Place = z.output<typeof cursorSchema>;

/** Checks the part behind a cursor; '' begins. Throws `invalid_argument` for what is no cursor. */
export async function verifyChain(deps: VerifyChainDeps, cursor: string): Promise<VerifiedPart> {
  const place = placeOf(cursor);
  const [state, history, end] = [await readLogEnds(deps.sql), await readHistory(deps.sql), await lastAnchorOf(deps)];
  if (end.fault !== undefined && place.position === 0)
    return answer(deps, { state, place, broken: chainBreak(end.fault.kind, 0, `the last anchor: ${end.fault.message}`) });
  const known = {
    anchor: end.anchor,
    lineage: lineageOf(end.anchor, history),
    sameLife: end.anchor?.incarnation === history.head.incarnation,
  };
  if (place.sealed !== undefined) return checkSealed(deps, { state, place, ...known });
  const walked = await walk(deps, { place, state, ...known });
  const broken = walked.broken ?? (walked.done ? await lookBehind(deps, { state, history, anchor: end.anchor }) : undefined);
  if (broken !== undefined || !walked.done) return answer(deps, { state, place: walked.place, broken, ...known });
  return checkSealed(deps, { state, place: { ...walked.place, sealed: { position: 0, segments: 0 } }, ...known });
}

/** The last part: whether sealed segments are what was sealed. */
async function checkSealed(
  deps: VerifyChainDeps,
  { place, ...known }: { state: LogEnds; place: Place; anchor?: Anchor; lineage: readonly Life[] },
): Promise<VerifiedPart> {
  const deadline = performance.now() + limits.timeMs;
  const before = place.sealed ?? { position: 0, segments: 0 };
  const checks = { sql: deps.sql, verify: deps.verify, segments: deps.segments };
  const { position, segments, broken, done } = await checkSegments(checks, before.position, () => performance.now() > deadline);
  const sealed = { position, segments: before.segments + segments };
  return answer(deps, { ...known, place: { ...place, sealed }, broken, done });
}

function placeOf(cursor: string): Place {
  if (cursor === '') return { offset: 0, position: 0, hash: genesis.toString('hex') };
  try {
    return cursorSchema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
  } catch {
    throw new FairleadError('invalid_argument', 'cursor: is not one that a verification answered');
  }
}

async function lastAnchorOf({ source, verify }: VerifyChainDeps): Promise<{ anchor?: Anchor; fault?: AnchorFault }> {
  const text = await source.last();
  if (text === undefined) return {};
  try {
    return { anchor: await verifyAnchorLine(text, verify) };
  } catch (error) {
    if (error instanceof AnchorFault) return { fault: error };
    throw error;
  }
}

/** The lives of the log as the last anchor knows them, and the present one when no anchor has met it yet. */
function lineageOf(anchor: Anchor | undefined, history: LogHistory): readonly Life[] {
  if (anchor === undefined) return [];
  const { incarnation } = history.head;
  if (anchor.incarnation === incarnation) return anchor.lineage;
  const after = Math.min(validUntil(history, anchor.incarnation), anchor.position);
  return [...anchor.lineage, lifeAfter(anchor, incarnation, after)];
}

interface Known {
  readonly place: Place;
  readonly state: LogEnds;
  readonly lineage: readonly Life[];
  /** The last anchor is of the present incarnation. */
  readonly sameLife: boolean;
}

async function walk(deps: VerifyChainDeps, known: Known): Promise<{ place: Place; broken?: ChainBreak; done: boolean }> {
  const { sql, source, verify } = deps;
  const { state, lineage } = known;
  const deadline = performance.now() + limits.timeMs;
  const most = known.place.position + limits.positions;
  const linkedUntil = known.sameLife ? Number.MAX_SAFE_INTEGER : state.chained;
  let { place } = known;
  let lines = 0;
  const isOver = () => place.position >= most || lines >= limits.lines || performance.now() > deadline;
  for await (const line of source.lines(place.offset)) {
    if (isOver()) return { place, done: false };
    lines += 1;
    const read = await readLine(line.text, verify);
    if ('kind' in read)
      return {
        place,
        broken: chainBreak(read.kind, place.position + 1, `the anchor behind position ${place.position}: ${read.message}`),
        done: false,
      };
    // A file goes on from its last line, so that the last one knows of all; the table has those of several files.
    if (source.kind === 'file' && !lineage.some(({ incarnation }) => incarnation === read.incarnation))
      return {
        place,
        broken: chainBreak(
          'anchor_of_another_log',
          place.position + 1,
          `the anchor at position ${read.position} is of the incarnation ${read.incarnation}, which the last one knows nothing of`,
        ),
        done: false,
      };
    const until = Math.min(read.position, heldUntil(lineage, read.incarnation));
    const next = place.position + 1;
    if (read.from > next && until >= next)
      return {
        place,
        broken: chainBreak('anchor_missing', next, `no anchor covers the positions ${next} to ${read.from - 1}`),
        done: false,
      };
    if (until >= next) {
      const checked = await checkRange(sql, {
        ...{ from: next, to: until, prior: Buffer.from(place.hash, 'hex'), last: state.last, linkedUntil },
        anchored: until === read.position ? read.hash : undefined,
        expected: (position) => anchoredLeaf(read, position),
      });
      if ('broken' in checked) return { place, broken: brokenOf(checked.broken), done: false };
      place = { offset: line.next, position: until, hash: checked.hash.toString('hex') };
    } else place = { ...place, offset: line.next };
  }
  // Behind the last anchor there is the chain alone.
  while (place.position < state.chained) {
    if (isOver()) return { place, done: false };
    const to = Math.min(state.chained, place.position + limits.positions / 4);
    const range = { from: place.position + 1, to, prior: Buffer.from(place.hash, 'hex'), last: state.last, linkedUntil: to };
    const checked = await checkRange(sql, range);
    if ('broken' in checked) return { place, broken: brokenOf(checked.broken), done: false };
    place = { ...place, position: to, hash: checked.hash.toString('hex') };
  }
  return { place, done: true };
}

async function readLine(text: string, verify: AnchorVerifier): Promise<WholeAnchor | AnchorFault> {
  try {
    return await verifyAnchorLine(text, verify);
  } catch (error) {
    if (error instanceof AnchorFault) return error;
    throw error;
  }
}

function brokenOf({ kind, position, message }: { kind: ChainBreak['kind']; position: number; message: string }): ChainBreak {
  return chainBreak(kind, position, message);
}

/** What may be wrong though all that is chained is as it was. */
async function lookBehind(
  { sql, source, verify, everyMs }: VerifyChainDeps,
  { state, history, anchor }: { state: LogEnds; history: LogHistory; anchor: Anchor | undefined },
): Promise<ChainBreak | undefined> {
  if (state.chained > state.last)
    return chainBreak('truncated', state.last + 1, `the chain has ${state.chained} events, the log ends at ${state.last}`);
  if (state.last > state.head)
    return chainBreak('inserted', state.head + 1, `the log's head is ${state.head}, but there are events up to ${state.last}`);
  // Each file gets what the table gets, a little later at most.
  const kept = source.kind === 'file' ? await furthestAnchor(sql, history.head.incarnation, Math.max(5 * everyMs, 300_000)) : undefined;
  if (kept === undefined || kept.position <= (anchor?.position ?? 0)) return undefined;
  const signed = await verify(kept.jws).catch(() => undefined);
  if (signed === undefined) return undefined;
  return chainBreak(
    'anchor_file_short',
    signed.position,
    `an anchor at ${signed.position} was made at ${signed.time}; the file ends at ${anchor?.position ?? 0}`,
  );
}

async function answer(
  { sql, source }: VerifyChainDeps,
  found: { state: LogEnds; place: Place; broken?: ChainBreak; done?: boolean; anchor?: Anchor; lineage?: readonly Life[] },
): Promise<VerifiedPart> {
  const { state, place, broken, anchor, lineage = [] } = found;
  const covered = anchor === undefined ? 0 : Math.min(anchor.position, heldUntil(lineage, anchor.incarnation));
  const goesOn = broken === undefined && found.done !== true;
  return {
    cursor: goesOn ? Buffer.from(JSON.stringify(place)).toString('base64url') : undefined,
    position: place.position,
    head: state.head,
    broken,
    anchor,
    unanchored: Math.max(0, state.head - covered),
    unanchoredSince: state.head > covered ? await recordedAt(sql, covered + 1) : undefined,
    source: source.kind,
    restored: lineage.filter(({ lost, after }) => lost !== undefined && lost.position > after),
    sealedUntil: (await readSealing(sql)).sealedUntil,
    segments: place.sealed?.segments ?? 0,
  };
}
