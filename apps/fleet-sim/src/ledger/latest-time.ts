import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { lastLine, listSegments } from './files.js';
import { parseRecord } from './records.js';

/** The latest time in any ledger under a folder, in microseconds since the epoch; 0 when there is none. */
export async function latestTimeUs(dir: string): Promise<number> {
  let latestUs = 0;
  for (const folder of await foldersUnder(dir)) {
    // Time only grows within a ledger, so its last segment with a record has its latest.
    for (const segment of (await listSegments(folder)).reverse()) {
      const line = await lastLine(segment.path);
      if (line === undefined) continue;
      latestUs = Math.max(latestUs, parseRecord(line).at_us);
      break;
    }
  }
  return latestUs;
}

async function foldersUnder(dir: string): Promise<string[]> {
  try {
    const entries = await readdir(dir, { withFileTypes: true, recursive: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
