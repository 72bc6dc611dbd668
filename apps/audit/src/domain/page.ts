import type { TrailRecord } from './record.js';

/** The most a page's details take as JSON in bytes; a longer page ends early. On the wire they may grow sixfold. */
export const maxPageBytes = 1_048_576;

/**
 * Cuts what was read to one page: `limit` records, or fewer when they would make too large a message, but at
 * least one. `more` tells that records are left.
 */
export function pageOf(
  read: readonly TrailRecord[],
  limit: number,
  maxBytes = maxPageBytes,
): { records: readonly TrailRecord[]; more: boolean } {
  let bytes = 0;
  const end = read.slice(0, limit).findIndex((record, index) => {
    bytes += Buffer.byteLength(JSON.stringify(record.details));
    return index > 0 && bytes > maxBytes;
  });
  const records = read.slice(0, end === -1 ? limit : end);
  return { records, more: records.length < read.length };
}
