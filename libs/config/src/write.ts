import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Replaces a file's content as a whole, and makes its folder when it is missing: a reader finds the old or the new one,
 * also after a crash. Parts of a long text are written one after the other, so that others get their turn between them.
 * Throws what the file system answers; the old content then stands.
 */
export async function writeFileAtomically(path: string, content: string | Iterable<string>): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  // In the same folder, as a rename does not cross file systems; a name of its own, as others may write too.
  const draft = join(folder, `.${basename(path)}.${String(process.pid)}.${randomBytes(4).toString('hex')}.tmp`);
  try {
    await writeFile(draft, content, { flush: true });
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

/** Makes a folder's entries durable, as a new or renamed file needs. */
export async function syncFolder(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
