/** The repository's own deployment files, and secrets made for them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepareCertificates, prepareContainerSecrets } from '@fairlead/dev-env';
import { composePath, dockerfilePath, type Sources } from './model.js';
import type { Surroundings } from './problems.js';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Every file that an installation in containers is made from, by its path in the repository. */
export function readSources(): Sources {
  const stacks = readdirSync(join(root, 'deploy/swarm')).map((name) => `deploy/swarm/${name}`);
  const paths = [composePath, dockerfilePath, '.dockerignore', 'deploy/nats.conf', ...stacks];
  return Object.fromEntries(paths.map((path) => [path, readFileSync(join(root, path), 'utf8')]));
}

/** Makes secrets as an operator does, in an empty folder. */
export async function makeSurroundings(dir: string): Promise<Surroundings> {
  await prepareCertificates(dir);
  return { root, made: await prepareContainerSecrets(dir, { simulatedFleet: true }), secretFiles: join(dir, 'secrets') };
}
