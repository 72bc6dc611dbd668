import { readFileSync, renameSync, writeFileSync } from 'node:fs';

/** Replaces a file whole: a reader finds the old text or the new one. Readable by the owner alone. */
export function writeWhole(file: string, text: string): void {
  const draft = `${file}.${String(process.pid)}.new`;
  writeFileSync(draft, text, { mode: 0o600 });
  renameSync(draft, file);
}

/** The text of a file, undefined when there is none. */
export function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A JSON object from a file; undefined when there is none, or none that can be read as one. */
export function readJsonObject(file: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(readIfThere(file) ?? '');
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
