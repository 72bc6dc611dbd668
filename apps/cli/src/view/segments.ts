import type { Sealing, Segment } from '../chain-api.js';
import { fields, table } from './table.js';

/** Sealed segments, the oldest first. */
export function renderSegments(segments: readonly Segment[]): string {
  if (segments.length === 0) return '';
  return `${table(
    ['from', 'to', 'recorded from', 'until', 'bytes', 'file'],
    segments.map(({ from, to, first_time, last_time, bytes, file }) => [from, to, first_time, last_time, bytes, file]),
  )}\n`;
}

/** How far sealing has come. */
export function renderSealing(sealing: Sealing): string {
  return fields([
    ['sealed up to', sealing.sealed_until === 0 ? 'nothing is sealed' : `position ${sealing.sealed_until}`],
    ['the trail begins at', `position ${sealing.dropped_until + 1}`],
    ['segments', `${sealing.segments}, ${sealing.bytes} bytes`],
    ['sealed after', sealedAfter(sealing)],
    ['asked for', sealing.asked_before === null ? null : `what is older than ${sealing.asked_before}`],
    ['stopped', sealing.stopped === null ? null : `${sealing.stopped}, since ${sealing.stopped_since ?? 'some time'}`],
  ]);
}

function sealedAfter({ enabled, retention_days }: Sealing): string {
  if (!enabled) return 'never: AUDIT_SEGMENT_FOLDER is not set';
  return retention_days === null ? 'when it is asked for: AUDIT_RETENTION_DAYS is not set' : `${retention_days} days`;
}
