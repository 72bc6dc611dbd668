/** Where a stretch of events departs from the leaves that were kept of it, and what was most likely done to it. */
import { leafOf } from './links.js';
import type { CanonicalEvent } from './event.js';

export type EventBreakKind = 'edited' | 'deleted' | 'inserted' | 'reordered' | 'truncated';

export interface EventBreak {
  readonly position: number;
  readonly kind: EventBreakKind;
  /** Which of the rows stands where the break is. */
  readonly index: number;
}

export interface Stretch {
  readonly from: number;
  readonly to: number;
  /** What was read from `from` on, in order; up to two events behind `to` tell more about the last ones. */
  readonly rows: readonly CanonicalEvent[];
  /** Something follows behind these rows. */
  readonly more: boolean;
  /** The leaf that was kept of a position. */
  readonly expected: (position: number) => Uint8Array | undefined;
}

/** How far behind a stretch kept leaves are looked at. */
const ahead = 2;

/** The first position whose event is not the one that was there; undefined when all are. */
export function findBreak(stretch: Stretch): EventBreak | undefined {
  for (let position = stretch.from; position <= stretch.to; position += 1) {
    const index = position - stretch.from;
    const row = stretch.rows[index];
    if (row === undefined) return { position, index, kind: stretch.more ? 'deleted' : 'truncated' };
    if (row.position !== position) return { position, index, kind: kindOfStray(stretch, row, index) };
    if (!was(stretch, row, position)) return { position, index, kind: kindOfChange(stretch, row, index) };
  }
  return undefined;
}

/** Whether the row is the event that stood at a position. */
function was({ expected }: Stretch, row: CanonicalEvent | undefined, position: number): boolean {
  const kept = expected(position);
  return row !== undefined && kept !== undefined && leafOf(row, position).equals(kept);
}

/** Another position stands where this one is expected: in a table rows are missing, in a file lines may have moved. */
function kindOfStray(stretch: Stretch, row: CanonicalEvent, index: number): EventBreakKind {
  const position = stretch.from + index;
  const later = stretch.rows.slice(index + 1);
  const comes = (at: number) => later.some((other) => other.position === at);
  if (!comes(position)) return row.position > position ? 'deleted' : 'edited';
  const genuine = stretch.expected(row.position) === undefined || was(stretch, row, row.position);
  return row.position > position && genuine && !comes(row.position) ? 'reordered' : 'inserted';
}

/** An event stands here that is not the one that stood here. */
function kindOfChange(stretch: Stretch, row: CanonicalEvent, index: number): EventBreakKind {
  const position = stretch.from + index;
  const next = stretch.rows[index + 1];
  const origin = originOf(stretch, row, position);
  if (origin === undefined) return was(stretch, next, position) ? 'inserted' : 'edited';
  // Those behind a deleted event have moved up together.
  if (next === undefined || was(stretch, next, origin + 1)) return 'deleted';
  if (stretch.expected(origin + 1) === undefined && !was(stretch, next, position)) return 'deleted';
  return 'reordered';
}

/** The later position that this event stood at. */
function originOf(stretch: Stretch, row: CanonicalEvent, position: number): number | undefined {
  for (let at = position + 1; at <= stretch.to + ahead; at += 1) if (was(stretch, row, at)) return at;
  return undefined;
}
