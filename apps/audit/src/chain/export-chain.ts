/** Writes a range of the log as lines that can be verified without us: see docs/audit.md for their form. */
import {
  AnchorFault,
  canonicalRow,
  endLine,
  eventLine,
  exportHeader,
  genesis,
  linksOf,
  parseAnchorLine,
  readAnchor,
  type Anchor,
} from '@fairlead/audit-chain';
import { FairleadError } from '@fairlead/contracts';
import { appendInTransaction, pokeLog, readHead } from '@fairlead/event-log';
import type { Messaging } from '@fairlead/messaging';
import type { Database, Sql } from '@fairlead/postgres';
import { readChainState, readLinks, readRows } from '../store/chain.js';
import type { AnchorSource } from './anchor-source.js';

export interface ExportDeps {
  readonly sql: Database;
  readonly messaging: Messaging;
  readonly source: AnchorSource;
}

/** A range of the log, inclusive; `to` is one less than `from` when the log is empty. */
export interface ExportRange {
  readonly from: number;
  readonly to: number;
}

const pageSize = 1_000;
/** Lines are handed out in pieces of about so many bytes. */
const pieceBytes = 256 * 1024;

/**
 * Settles the range that is exported, 0 being the first and the end of the chain, and commits the event that says who
 * was handed it, before anything of it is read. Throws `invalid_argument` for a range that there is not.
 */
export async function beginExport({ sql, messaging }: ExportDeps, asked: ExportRange): Promise<ExportRange> {
  const { chained } = await readChainState(sql);
  const range = { from: Math.max(1, asked.from), to: asked.to === 0 ? chained : asked.to };
  if (range.to > chained) throw new FairleadError('invalid_argument', `to: the audit chain has come to ${chained} only`);
  if (range.from > range.to + 1 || (range.from > range.to && chained > 0))
    throw new FairleadError('invalid_argument', 'from: is behind the end of the range');
  const position = await sql.transaction(async (tx) => {
    const event = { aggregateType: 'event_log', aggregateId: 'log', type: 'exported', payload: range } as const;
    return (await appendInTransaction(tx, { events: [event] })).lastPosition;
  });
  pokeLog(messaging, position);
  return range;
}

/** The lines of an export, in pieces of whole lines. */
export async function* exportLines(deps: ExportDeps, range: ExportRange): AsyncGenerator<Buffer, void, undefined> {
  let [lines, bytes]: [string[], number] = [[], 0];
  for await (const line of allLines(deps, range)) {
    lines.push(line, '\n');
    bytes += line.length;
    if (bytes < pieceBytes) continue;
    yield Buffer.from(lines.join(''));
    [lines, bytes] = [[], 0];
  }
  if (lines.length > 0) yield Buffer.from(lines.join(''));
}

async function* allLines({ sql, source }: ExportDeps, { from, to }: ExportRange): AsyncGenerator<string, void, undefined> {
  const hash = await hashBefore(sql, from);
  const { incarnation } = await readHead(sql);
  yield exportHeader({ from, to, prior: hash.toString('hex'), incarnation, exported_at: new Date().toISOString() });
  yield* eventLines(sql, { from, to }, hash);
  let anchors = 0;
  const kids = new Set<string>();
  for await (const { text } of source.lines(0)) {
    const anchor = readable(text);
    if (anchor === undefined || anchor.position < from || anchor.from > to) continue;
    anchors += 1;
    kids.add(anchor.kid);
    yield text;
  }
  yield endLine({ events: Math.max(0, to - from + 1), anchors, kids: [...kids] });
}

/** The chain's hash in front of a position. */
export async function hashBefore(sql: Sql, position: number): Promise<Buffer> {
  return position === 1 ? genesis : ((await readLinks(sql, position - 1, position - 1)).get(position - 1)?.hash ?? genesis);
}

/** The lines of the events of a range, which follow a hash. Positions that are missing are missing here, too: who verifies them is told. */
export async function* eventLines(sql: Sql, { from, to }: ExportRange, prior: Buffer): AsyncGenerator<string, void, undefined> {
  let hash = prior;
  for (let after = from - 1; after < to;) {
    const rows = (await readRows(sql, { after, until: to, limit: pageSize })).map(canonicalRow);
    const last = rows.at(-1);
    if (last === undefined) break;
    for (const [index, link] of linksOf(hash, rows).entries()) {
      const row = rows[index];
      if (row !== undefined) yield eventLine(row, link.hash);
      ({ hash } = link);
    }
    after = last.position;
  }
}

/** A line that is no anchor proves nothing; it does not keep anybody from the others. `audit verify` names it. */
export function readable(text: string): Anchor | undefined {
  try {
    return readAnchor(parseAnchorLine(text).anchor);
  } catch (error) {
    if (error instanceof AnchorFault) return undefined;
    throw error;
  }
}
