import type { chainV1 } from '@fairlead/contracts';
import type { Sql } from '@fairlead/postgres';
import type { Segments } from '../segments/segments.js';
import { readSealing, segmentTotals, type SegmentRow } from '../store/segments.js';

export interface SegmentsDeps {
  readonly sql: Sql;
  /** Undefined where no folder is set. */
  readonly segments: Segments | undefined;
}

/** A segment on the wire. */
export function segmentMessage({ from, to, sha256, hash, sealedAt, ...rest }: SegmentRow): chainV1.TrailSegment {
  const { firstTime, lastTime, manifest, file, bytes } = rest;
  return {
    ...{ fromPosition: from, toPosition: to, firstTime, lastTime, manifest, file, bytes },
    ...{ sha256: sha256.toString('hex'), hash: hash.toString('hex'), sealedAt: sealedAt.toISOString() },
  };
}

/** How far sealing has come, on the wire. */
export async function sealingMessage({ sql, segments }: SegmentsDeps): Promise<chainV1.TrailSealing> {
  const [{ sealedUntil, droppedUntil, askedBefore, trouble, troubleSince }, totals] = [await readSealing(sql), await segmentTotals(sql)];
  return {
    ...{ sealedUntil, droppedUntil, ...totals, enabled: segments !== undefined },
    ...{ retentionDays: segments?.retentionDays ?? 0, segmentEvents: segments?.segmentEvents ?? 0 },
    ...{ askedBefore: askedBefore?.toISOString() ?? '', stopped: trouble ?? '', stoppedSince: troubleSince?.toISOString() ?? '' },
  };
}
