/** Checks a range of the log, page by page, so that it takes as much memory as a page. */
import { canonicalRow, checkStretch, type Break, type CanonicalEvent, type LogRow } from '@fairlead/audit-chain';
import type { Sql } from '@fairlead/postgres';
import { readLinks, readRows } from '../store/chain.js';

export interface RangeToCheck {
  readonly from: number;
  readonly to: number;
  /** The chain's hash in front of it. */
  readonly prior: Buffer;
  /** The hash that was anchored at its end. */
  readonly anchored?: Uint8Array;
  /** The leaf that was anchored of a position; what the chain keeps counts where there is none. */
  readonly expected?: (position: number) => Uint8Array | undefined;
  /** The highest position of an event in the log. */
  readonly last: number;
  /** Up to here the chain has to have links. */
  readonly linkedUntil: number;
}

const pageSize = 2_000;
/** Rows behind a stretch that tell what was done at its end. */
const ahead = 2;

/** The chain's hash behind the range, or what broke first. */
export async function checkRange(sql: Sql, range: RangeToCheck): Promise<{ readonly hash: Buffer } | { readonly broken: Break }> {
  let [from, hash] = [range.from, range.prior];
  while (from <= range.to) {
    const rows = await readRows(sql, { after: from - 1, until: range.to + ahead, limit: pageSize });
    const last = rows.at(-1)?.position ?? 0;
    const ends = rows.length === 0 || last >= range.to;
    const reached = ends ? range.to : Math.max(from, rows[Math.max(0, rows.length - 1 - ahead)]?.position ?? from);
    const links = await readLinks(sql, from, Math.max(last, reached));
    const expected = (position: number) => range.expected?.(position) ?? links.get(position)?.leaf;
    const to = knownUntil(expected, from, reached);
    if (to < from) return { broken: lostLink(from) };
    const checked = checkStretch({
      from,
      to,
      rows: rows.map(readable),
      more: range.last > Math.max(last, from - 1),
      prior: hash,
      anchored: to === range.to ? range.anchored : undefined,
      expected,
      links,
      linkedUntil: range.linkedUntil,
    });
    if ('broken' in checked) return checked;
    hash = checked.hash;
    from = to + 1;
  }
  return { hash };
}

/** Up to where it is known without a gap what the events were. */
function knownUntil(expected: (position: number) => Uint8Array | undefined, from: number, to: number): number {
  for (let position = from; position <= to; position += 1) if (expected(position) === undefined) return position - 1;
  return to;
}

function lostLink(position: number): Break {
  return { position, kind: 'chain_broken', message: 'the chain has lost what it kept of this event, and no anchor tells' };
}

/** What can't be read is not what was recorded: its form equals no other. */
function readable(row: LogRow): CanonicalEvent {
  try {
    return canonicalRow(row);
  } catch {
    return { position: row.position, before: 'unreadable ', after: '' };
  }
}
