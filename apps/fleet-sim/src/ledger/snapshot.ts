import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import { writeFileAtomically } from '@fairlead/config';
import { hasRecordEndAt } from './files.js';

/**
 * Reads a snapshot of what a ledger says up to a position. Undefined, so that the ledger is read from its start, when there is
 * none, a schema does not accept it, or the ledger was changed and no record ends there any more.
 */
export async function readLedgerSnapshot<T extends { position: number }>(
  path: string,
  schema: z.ZodType<T>,
  ledgerDir: string,
): Promise<T | undefined> {
  const snapshot = await readSnapshot(path, schema);
  return snapshot !== undefined && (await hasRecordEndAt(ledgerDir, snapshot.position)) ? snapshot : undefined;
}

/** Reads a snapshot; undefined when there is none or a schema does not accept it. */
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
