import { stat } from 'node:fs/promises';
import { placementFiles } from './documents.js';

/** Something that differs whenever one of a folder's two files was written, replaced or removed. Never throws. */
export async function placementFilesState(dir: string): Promise<string> {
  const states = await Promise.all(
    Object.values(placementFiles(dir)).map(async (file) => {
      const stats = await stat(file, { bigint: true }).catch(codeOf);
      return typeof stats === 'string' ? stats : [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(':');
    }),
  );
  return states.join();
}

/** The system's code of a failure, such as `ENOENT`. */
export const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown';
