import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Writes the first admin's login, readable by the owner alone: whole or not at all, and on disk when it resolves. */
export async function writeFirstAdminFile(file: string, login: { email: string; password: string }): Promise<void> {
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    const handle = await open(draft, 'wx', 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(login, null, 2)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  const folder = await open(dirname(file), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Removes the file, if there is one. */
export async function removeFirstAdminFile(file: string | undefined): Promise<void> {
  if (file !== undefined) await rm(file, { force: true });
}
