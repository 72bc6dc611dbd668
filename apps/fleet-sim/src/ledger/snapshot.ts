import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import { writeFileAtomically } from './files.js';

/** Reads a snapshot that a schema accepts; undefined when there is none or it is of another form, and the ledger is read from its start. */
export async function readSnapshot<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return schema.safeParse(JSON.parse(text)).data;
}

/** Replaces a snapshot as a whole. */
export async function writeSnapshot(path: string, value: unknown): Promise<void> {
  await writeFileAtomically(path, JSON.stringify(value));
}
