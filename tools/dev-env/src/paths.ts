import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The project's folder, seen from src and from dist alike. */
export const root = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

/** The compiled script of this package; processes run compiled code also when tests run the source. */
export function ownScript(name: string): string {
  return join(root, 'tools/dev-env/dist', name);
}

/** The compiled main of an app. */
export function mainOf(app: string): string {
  return join(root, 'apps', app, 'dist/main.js');
}

/** For node --import. */
export const followParentScript = pathToFileURL(ownScript('follow-parent.js')).href;

/** @throws Error when the code has not been compiled */
export function assertBuilt(): void {
  if (!existsSync(ownScript('follow-parent.js'))) throw new Error('Fairlead is not compiled yet: node tools/setup.mjs --build');
}
