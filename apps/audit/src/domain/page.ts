/** The most a page's contents take as JSON in bytes; a longer page ends early. On the wire they may grow sixfold. */
export const maxPageBytes = 1_048_576;

/**
 * Cuts what was read to one page: `limit` records, or fewer when the contents of all would make too large a message, but
 * at least one. `more` tells that records are left.
 */
export function pageOf<Item>(
  read: readonly Item[],
  contentOf: (item: Item) => unknown,
  limit: number,
  maxBytes = maxPageBytes,
): { records: readonly Item[]; more: boolean } {
  let bytes = 0;
  const end = read.slice(0, limit).findIndex((record, index) => {
    bytes += Buffer.byteLength(JSON.stringify(contentOf(record)));
    return index > 0 && bytes > maxBytes;
  });
  const records = read.slice(0, end === -1 ? limit : end);
  return { records, more: records.length < read.length };
}
