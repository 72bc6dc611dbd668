/**
 * The file that anchors are kept in, one line each, outside of the database. It is only ever added to. A line counts once
 * its end is written: what a crash left of one is cut off before the next.
 */
import { constants } from 'node:fs';
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { maxLineLength } from '@fairlead/audit-chain';
import { syncFolder } from '@fairlead/config';
import type { AnchorSource, SourceLine } from './anchor-source.js';

export interface AnchorFile extends AnchorSource {
  /** Adds a line; it is on the disk when this resolves. Whoever calls has taken the anchoring lock. */
  append(line: string): Promise<void>;
  /** Cuts off what a crash left of a line; answers how many bytes. Whoever calls has taken the anchoring lock. */
  repair(): Promise<number>;
}

const chunkBytes = 256 * 1024;
const newline = 0x0a;

/** Opens the file by its path; it and its folder are made when they are needed. */
export function anchorFile(path: string): AnchorFile {
  return {
    kind: 'file',
    last: async () => (await reading(path, lastLine)) ?? undefined,
    lines: (offset) => linesFrom(path, offset),
    repair: async () => (await reading(path, (handle) => cutTorn(handle, path))) ?? 0,
    append: async (line) => {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      const handle = await open(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT, 0o600);
      try {
        const isNew = (await handle.stat()).size === 0;
        await handle.writeFile(`${line}\n`);
        await handle.sync();
        if (isNew) await syncFolder(dirname(path));
      } finally {
        await handle.close();
      }
    },
  };
}

/** Undefined when there is no file yet. */
async function reading<T>(path: string, work: (handle: FileHandle) => Promise<T>): Promise<T | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return await work(handle);
  } finally {
    await handle.close();
  }
}

/** The end of the file: as much of it as two lines may take. */
async function tailOf(handle: FileHandle): Promise<{ tail: Buffer; size: number }> {
  const { size } = await handle.stat();
  const tail = Buffer.alloc(Math.min(size, 2 * maxLineLength));
  await handle.read(tail, 0, tail.length, size - tail.length);
  return { tail, size };
}

async function lastLine(handle: FileHandle): Promise<string | undefined> {
  const { tail, size } = await tailOf(handle);
  const end = tail.lastIndexOf(newline);
  if (end === -1) {
    if (size >= maxLineLength) throw new Error('the anchor file does not end with lines of anchors');
    return undefined;
  }
  const start = end === 0 ? -1 : tail.lastIndexOf(newline, end - 1);
  return tail.toString('utf8', start + 1, end);
}

async function cutTorn(handle: FileHandle, path: string): Promise<number> {
  const { tail, size } = await tailOf(handle);
  const torn = tail.length - (tail.lastIndexOf(newline) + 1);
  if (torn === 0) return 0;
  // More than a line: whatever this is, it was not left by a crash.
  if (torn > maxLineLength) throw new Error('the anchor file does not end with lines of anchors');
  const writing = await open(path, 'r+');
  try {
    await writing.truncate(size - torn);
    await writing.sync();
  } finally {
    await writing.close();
  }
  return torn;
}

/** The whole lines from an offset on. */
async function* linesFrom(path: string, offset: number): AsyncGenerator<SourceLine, void, undefined> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  if (handle === undefined) return;
  try {
    let [rest, start, at] = [Buffer.alloc(0), offset, offset];
    const chunk = Buffer.alloc(chunkBytes);
    for (;;) {
      const { bytesRead } = await handle.read(chunk, 0, chunk.length, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      rest = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
      for (let end = rest.indexOf(newline); end !== -1; end = rest.indexOf(newline)) {
        start += end + 1;
        const text = rest.toString('utf8', 0, end);
        rest = rest.subarray(end + 1);
        yield { text, next: start };
      }
      // A line that is longer than any is handed out as it is: its reader refuses it.
      if (rest.length > maxLineLength) {
        yield { text: rest.toString('utf8'), next: start };
        return;
      }
    }
  } finally {
    await handle.close();
  }
}
