/** Where programs are looked for. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `<repository>/.cache/<name>`: what was unpacked there once serves every start of a clone. */
export function cacheFolder(name: string): string {
  return fileURLToPath(new URL(`../../../.cache/${name}`, import.meta.url));
}

/** The programs of a name on PATH, in its order. */
export function onPath(name: string): string[] {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name)).filter(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
