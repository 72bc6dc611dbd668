import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * A ledger is a folder of segments. A segment's name is the position of its first byte in the whole ledger, so a position
 * stays valid when old segments are removed.
 */
export interface Segment {
  start: number;
  path: string;
}

const segmentPattern = /^(\d{15})\.jsonl$/;

/** The path of the segment that begins at a position. */
export function segmentPath(dir: string, start: number): string {
  return join(dir, `${String(start).padStart(15, '0')}.jsonl`);
}

/** The segments of a ledger in order; an absent folder has none. */
export async function listSegments(dir: string): Promise<Segment[]> {
  let names: string[];
  try {
    names = await readdir(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return names
    .flatMap((name) => {
      const start = segmentPattern.exec(name)?.[1];
      return start === undefined ? [] : [{ start: Number(start), path: join(dir, name) }];
    })
    .sort((a, b) => a.start - b.start);
}

/** Whether a record ends at a position of a ledger, or the ledger's first segment begins there. */
export async function hasRecordEndAt(dir: string, position: number): Promise<boolean> {
  const segments = await listSegments(dir);
  if (position === (segments[0]?.start ?? 0)) return true;
  const segment = segments.findLast(({ start }) => start < position);
  if (segment === undefined) return false;
  const handle = await open(segment.path, 'r');
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(1), 0, 1, position - 1 - segment.start);
    return bytesRead === 1 && buffer[0] === newline;
  } finally {
    await handle.close();
  }
}

/** The last whole line of a file, read from its end; undefined when there is none within its last 64 KiB. */
export async function lastLine(path: string): Promise<string | undefined> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, tailBytes);
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    return (
      buffer
        .subarray(0, buffer.lastIndexOf(newline) + 1)
        .toString('utf8')
        .trimEnd()
        .split('\n')
        .at(-1) || undefined
    );
  } finally {
    await handle.close();
  }
}

const newline = 0x0a;
const tailBytes = 64 * 1024;
