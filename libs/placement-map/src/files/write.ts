import { createHash, type Hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { writeFileAtomically } from '@fairlead/config';
import { placementFiles, placementText, routingText, type PlacementSource } from '@fairlead/placement-reader/files';

/** The SHA-256 of what was written, by file. */
export type WrittenFiles = ReadonlyMap<string, string>;

/**
 * Writes placement to the two files of a folder, each replaced as a whole. Between the two they are of different versions,
 * which readers wait out. The source must not change meanwhile. Throws what the file system answers.
 */
export async function writePlacementFiles(dir: string, source: PlacementSource): Promise<WrittenFiles> {
  const files = placementFiles(dir);
  return new Map([
    [files.routing, await writeHashed(files.routing, routingText(source))],
    [files.placement, await writeHashed(files.placement, placementText(source))],
  ]);
}

/** Whether files are still what was written. Never throws. */
export async function areAsWritten(written: WrittenFiles): Promise<boolean> {
  const same = await Promise.all(
    [...written].map(async ([file, hash]) => {
      const content = await readFile(file).catch(() => undefined);
      return content !== undefined && createHash('sha256').update(content).digest('hex') === hash;
    }),
  );
  return same.every(Boolean);
}

async function writeHashed(file: string, parts: Iterable<string>): Promise<string> {
  const hash = createHash('sha256');
  await writeFileAtomically(file, passing(parts, hash));
  return hash.digest('hex');
}

function* passing(parts: Iterable<string>, hash: Hash): Generator<string> {
  for (const part of parts) {
    hash.update(part);
    yield part;
  }
}
