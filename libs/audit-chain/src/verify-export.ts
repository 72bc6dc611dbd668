/**
 * Verifies an export by itself: no server, no database. It is read twice, first for its anchors, then for its events, so
 * that what is kept in memory is 16 bytes for each event.
 */
import { AnchorFault, verifyAnchorLine, type AnchorFaultKind, type AnchorVerifier, type Life } from './anchor.js';
import { anchorFinding, coverOf, type AnchorFinding, type Cover, type CoverFaultKind, type ReadAnchor } from './anchor-cover.js';
import { checkStretch, type BreakKind } from './check-stretch.js';
import { recordedMs, type CanonicalEvent } from './event.js';
import { readExportLine, type ExportHeader, type ExportLine } from './export-lines.js';
import { hashAfter } from './links.js';

export interface ExportFinding {
  /** From 1 on; of the anchor file's lines when it is about one of those. */
  readonly line: number;
  /** Of the event that it is about. */
  readonly position?: number;
  readonly kind: BreakKind | AnchorFaultKind | CoverFaultKind | 'line_unreadable' | 'incomplete';
  readonly message: string;
}

export interface ExportReport {
  readonly from: number;
  readonly to: number;
  /** Events that were found to be the recorded ones, or at least to fit together. */
  readonly checked: number;
  /** What broke first, if anything did. */
  readonly finding: ExportFinding | undefined;
  /** The last event that is anchored without a gap before it, and when that was. */
  readonly anchored: Cover['anchored'];
  /** The events behind that one, and between which times they say that they were recorded; NaN when one says none. */
  readonly unanchored: { readonly events: number; readonly spanMs: number } | undefined;
  /** The last anchor of the anchor file, when it is behind the export's end. */
  readonly beyond: { readonly position: number; readonly time: string } | undefined;
  /** The keys that signed the anchors. */
  readonly kids: readonly string[];
  /** Incarnations that began by a restore: events that had been anchored are gone. */
  readonly restored: readonly Life[];
}

export interface VerifyExportOptions {
  /** The export's lines, from the beginning each time. */
  readonly lines: () => AsyncIterable<string>;
  readonly verify: AnchorVerifier;
  /** The lines of an anchor file that was kept elsewhere; what they cover is held against them, too. */
  readonly anchorLines?: () => AsyncIterable<string>;
}

/** So many events are looked at together: one that was moved further than that is told as edited. */
const batch = 2_000;
const ahead = 2;

/** Verifies an export; answers the first thing that is wrong. */
export async function verifyExport(options: VerifyExportOptions): Promise<ExportReport> {
  const nothing = { from: 0, to: 0, checked: 0, anchored: undefined, unanchored: undefined, beyond: undefined, kids: [], restored: [] };
  const first = await firstLine(options.lines());
  const start: ExportLine = first === undefined ? { is: 'unreadable' } : readExportLine(first);
  if (start.is !== 'header')
    return {
      ...nothing,
      finding: { line: 1, kind: 'line_unreadable', message: 'the file does not begin as an export of the audit trail' },
    };
  const { header } = start;
  const found = await readAnchors(options, header);
  if ('finding' in found) return { ...nothing, from: header.from, to: header.to, finding: found.finding };
  // What the header claims takes no memory; some lines may be missing, and are named.
  const there = header.from + found.events - 1;
  const cover = coverOf({ from: header.from, to: Math.min(header.to, there + batch) }, found.anchors);
  if ('kind' in cover) return { ...nothing, from: header.from, to: header.to, finding: cover };
  const behind: Span = { first: Infinity, last: -Infinity };
  const { checked, finding } = await checkEvents(options.lines(), header, cover, behind);
  const { anchored, kids, restored } = cover;
  const events = header.to - (anchored?.position ?? header.from - 1);
  const unanchored = events > 0 ? { events, spanMs: behind.last - behind.first } : undefined;
  const report = { from: header.from, to: header.to, checked, anchored, unanchored, beyond: found.beyond, kids, restored };
  if (finding?.kind !== 'truncated' || header.to <= there + batch) return { ...report, finding };
  const message = `the header speaks of events up to ${header.to}, but there are only ${found.events}`;
  return { ...report, finding: { ...finding, kind: 'incomplete', message } };
}

async function firstLine(lines: AsyncIterable<string>): Promise<string | undefined> {
  for await (const line of lines) return line;
  return undefined;
}

/** The anchors that say something about the range: those of the export, then those that were kept elsewhere; and how many events there are. */
async function readAnchors(
  { lines, anchorLines, verify }: VerifyExportOptions,
  { from, to }: ExportHeader,
): Promise<{ anchors: ReadAnchor[]; events: number; beyond: ExportReport['beyond'] } | { finding: AnchorFinding }> {
  const anchors: ReadAnchor[] = [];
  let events = 0;
  let beyond: ExportReport['beyond'];
  for (const [source, kept] of [
    [lines(), false],
    [anchorLines?.(), true],
  ] as const) {
    let line = 0;
    for await (const text of source ?? []) {
      line += 1;
      if (!kept && text.startsWith('{"event":')) events += 1;
      if (!kept && !text.startsWith('{"anchor":')) continue;
      try {
        const anchor = await verifyAnchorLine(text, verify);
        if (anchor.position >= from && anchor.from <= to) anchors.push({ ...anchor, line, kept });
        if (kept && anchor.position > (beyond?.position ?? to)) beyond = { position: anchor.position, time: anchor.time };
      } catch (error) {
        if (!(error instanceof AnchorFault)) throw error;
        return { finding: anchorFinding({ line, kept }, { kind: error.kind, message: error.message }) };
      }
    }
  }
  return { anchors, events, beyond };
}

/** Between which times events were recorded. */
interface Span {
  first: number;
  last: number;
}

/** The lines of events, with their numbers; then what ended them. */
interface Read {
  readonly rows: CanonicalEvent[];
  readonly hashes: Buffer[];
}

async function checkEvents(
  lines: AsyncIterable<string>,
  header: ExportHeader,
  cover: Cover,
  behind: Span,
): Promise<{ checked: number; finding: ExportFinding | undefined }> {
  const read: Read = { rows: [], hashes: [] };
  let hash: Buffer = Buffer.from(header.prior, 'hex');
  let position = header.from;
  let [line, anchors] = [0, 0];
  let state: 'events' | 'anchors' | 'ended' = 'events';
  const lineOf = (at: number) => at - header.from + 2;
  const check = (last: boolean): ExportFinding | undefined => {
    // The last rows of a part are looked at when more is known of what follows them.
    while (position <= header.to && (read.rows.length >= batch + ahead || last)) {
      const checked = checkPart(read, { position, to: header.to, hash, last }, cover);
      if ('finding' in checked) return { ...checked.finding, line: lineOf(checked.finding.position) };
      hash = checked.hash;
      position = checked.next;
    }
    return undefined;
  };
  // What stands before that line is told first.
  const failed = (kind: ExportFinding['kind'], message: string, at = line) => {
    const finding = check(true);
    const isEvent = state === 'events' && at - 2 < header.to - header.from + 1;
    const own = { line: at, kind, message, ...(isEvent ? { position: header.from + at - 2 } : {}) };
    return { checked: position - header.from, finding: finding !== undefined && finding.line < at ? finding : own };
  };

  for await (const text of lines) {
    line += 1;
    if (line === 1) continue;
    const said = readExportLine(text);
    if (said.is === 'event' && state === 'events') {
      read.rows.push(said.event);
      read.hashes.push(said.hash);
      if (said.event.position > (cover.anchored?.position ?? 0)) {
        const time = recordedMs(said.event);
        behind.first = Math.min(behind.first, time);
        behind.last = Math.max(behind.last, time);
      }
      const finding = check(false);
      if (finding !== undefined) return { checked: position - header.from, finding };
    } else if (said.is === 'anchor' && state !== 'ended') {
      state = 'anchors';
      anchors += 1;
    } else if (said.is === 'end' && state !== 'ended') {
      state = 'ended';
      if (said.events !== Math.max(0, header.to - header.from + 1) || said.anchors !== anchors)
        return failed('incomplete', 'the last line counts other events or anchors than the file has');
    } else {
      return failed('line_unreadable', 'the line is not one of an export here, or not written in canonical form');
    }
  }
  const finding = check(true);
  if (finding !== undefined) return { checked: position - header.from, finding };
  const [extra] = read.rows;
  if (extra !== undefined) return failed('inserted', 'an event stands behind the range that was exported', lineOf(header.to + 1));
  if (state !== 'ended') return failed('incomplete', 'the file ends without its last line: it was cut off', line + 1);
  return { checked: position - header.from, finding: undefined };
}

/** Checks the rows of a part of the range and takes them away; all of them count as anchored, or none. */
function checkPart(
  read: Read,
  { position, to, hash, last }: { position: number; to: number; hash: Buffer; last: boolean },
  { expected, hashes, anchored }: Cover,
): { finding: Omit<ExportFinding, 'line'> & { position: number } } | { hash: Buffer; next: number } {
  const isAnchored = position <= (anchored?.position ?? 0);
  const until = Math.min(to, isAnchored ? (anchored?.position ?? 0) : to, position + batch - 1);
  const rows = read.rows.slice(0, until - position + 1 + ahead);
  const checked = isAnchored
    ? checkStretch({ from: position, to: until, rows, more: !last || read.rows.length > rows.length, prior: hash, expected })
    : checkOrder(rows, { position, until, to, last });
  if ('broken' in checked) return { finding: checked.broken };
  let reached = hash;
  for (const [index, row] of rows.slice(0, until - position + 1).entries()) {
    reached = hashAfter(reached, row);
    const finding = { position: row.position, kind: isAnchored ? ('hash_wrong' as const) : ('edited' as const) };
    if (read.hashes[index]?.equals(reached) !== true)
      return { finding: { ...finding, message: 'the hash beside the event is not what the event and those before it come to' } };
    if (hashes.get(row.position)?.equals(reached) === false)
      return { finding: { ...finding, message: 'the chain does not come to the hash that was anchored here' } };
  }
  read.rows.splice(0, until - position + 1);
  read.hashes.splice(0, until - position + 1);
  return { hash: reached, next: until + 1 };
}

/** Without anchors nothing says what an event was: only that the positions follow each other. */
function checkOrder(
  rows: readonly CanonicalEvent[],
  { position, until, to, last }: { position: number; until: number; to: number; last: boolean },
): ReturnType<typeof checkStretch> {
  const at = Array.from({ length: until - position + 1 }, (_, index) => position + index).find(
    (one, index) => rows[index]?.position !== one,
  );
  if (at === undefined) return { hash: Buffer.alloc(0) };
  const later = rows.slice(at - position).map((row) => row.position);
  const kind =
    later.length === 0
      ? last && at <= to
        ? 'truncated'
        : 'deleted'
      : !later.includes(at)
        ? 'deleted'
        : isSwap(later)
          ? 'reordered'
          : 'inserted';
  return { broken: { position: at, kind, message: 'the positions do not follow each other here' } };
}

function isSwap([first = 0, ...others]: readonly number[]): boolean {
  return !others.includes(first) && first > (others[0] ?? 0);
}
