import { open } from 'node:fs/promises';
import { listSegments, type Segment } from './files.js';
import { LedgerDamagedError, parseRecord, type LedgerEvent, type Recorded } from './records.js';

/** A record and the ledger position right after it. */
export interface Positioned {
  record: Recorded<LedgerEvent>;
  end: number;
}

const chunkBytes = 256 * 1024;
const newline = 0x0a;

/**
 * Reads a ledger's whole lines between two positions, a chunk at a time.
 *
 * @param from a position after a record, or 0; positions whose segments were removed are damage
 * @param to reads nothing beyond; an unfinished last line is left out
 * @returns batches in order, none of them empty
 */
export async function* readLedger(dir: string, from: number, to = Number.MAX_SAFE_INTEGER): AsyncGenerator<Positioned[]> {
  const segments = await listSegments(dir);
  let position = from;
  const first = segments[0];
  if (first !== undefined && first.start > from)
    throw new LedgerDamagedError(`the ledger ${dir} begins at ${String(first.start)}, not ${String(from)}`);
  for (const [index, segment] of segments.entries()) {
    const next = segments[index + 1];
    if (next !== undefined && next.start <= position) continue;
    if (position >= to) return;
    for await (const batch of readSegment(segment, position, Math.min(to, next?.start ?? to))) {
      position = batch.at(-1)?.end ?? position;
      yield batch;
    }
    if (next !== undefined && position < to && position !== next.start)
      throw new LedgerDamagedError(`the ledger ${dir} has a gap at ${String(position)}`);
  }
}

async function* readSegment(segment: Segment, from: number, to: number): AsyncGenerator<Positioned[]> {
  const handle = await open(segment.path, 'r');
  try {
    let rest = Buffer.alloc(0);
    let position = from;
    for (;;) {
      const readFrom = position + rest.length;
      const wanted = Math.min(chunkBytes, to - readFrom);
      if (wanted <= 0) return;
      const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(wanted), 0, wanted, readFrom - segment.start);
      if (bytesRead === 0) return;
      const data = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
      const { batch, used } = parseLines(data, position);
      rest = data.subarray(used);
      position += used;
      if (batch.length > 0) yield batch;
    }
  } finally {
    await handle.close();
  }
}

function parseLines(data: Buffer, position: number): { batch: Positioned[]; used: number } {
  const batch: Positioned[] = [];
  let used = 0;
  for (let end = data.indexOf(newline); end >= 0; end = data.indexOf(newline, used)) {
    const record = parseRecord(data.toString('utf8', used, end));
    used = end + 1;
    batch.push({ record, end: position + used });
  }
  return { batch, used };
}
