/** Finds VictoriaMetrics and vmagent: on PATH, in the cache, or in the newest Debian suite whose package runs here. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fetchDebianPrograms } from './debian-package.js';
import { cacheFolder, onPath } from './programs.js';

export interface VictoriaMetricsPrograms {
  readonly server: string;
  readonly agent: string;
}

const dayMs = 86_400_000;
const impatientMs = 45_000;

export const defaultVictoriaMetricsCacheDir = cacheFolder('victoria-metrics');

/**
 * The programs to run, or why there are none: they are fetched where Debian's packages can be had, and nothing needs them but
 * measuring.
 */
export function findVictoriaMetrics(options: {
  cacheDir?: string;
  log: (line: string) => void;
  /** Do not keep anybody waiting: a fetch is given up soon, and one that failed is not tried again for a day. */
  impatient?: boolean;
}): VictoriaMetricsPrograms | { readonly missing: string } {
  const cacheDir = options.cacheDir ?? defaultVictoriaMetricsCacheDir;
  const cached = { server: join(cacheDir, 'victoria-metrics'), agent: join(cacheDir, 'vmagent') };
  const [server, agent] = [onPath('victoria-metrics')[0], onPath('vmagent')[0]];
  const found = [...(server === undefined || agent === undefined ? [] : [{ server, agent }]), cached];
  const usable = found.find(runHere);
  if (usable !== undefined) return usable;
  const failedBefore = join(cacheDir, 'not-to-be-had');
  const missing = (why: string) => ({
    missing: `VictoriaMetrics is not there: put victoria-metrics and vmagent on PATH or into ${cacheDir} (${why})`,
  });
  if (options.impatient === true && isYoung(failedBefore)) return missing('it could not be fetched within the last day');
  const failures = fetchDebianPrograms({
    package: 'victoria-metrics',
    megabytes: 25,
    programs: [
      { path: 'usr/bin/victoria-metrics', target: cached.server },
      { path: 'usr/bin/vmagent', target: cached.agent },
    ],
    log: options.log,
    stepTimeoutMs: options.impatient === true ? impatientMs : undefined,
    accept: (paths) => paths.every(runsHere),
  });
  if (runHere(cached)) return cached;
  mkdirSync(cacheDir, { recursive: true });
  writeFileSync(failedBefore, failures.join('\n'));
  return missing(failures.join('; '));
}

function isYoung(file: string): boolean {
  const written = statSync(file, { throwIfNoEntry: false })?.mtimeMs;
  return written !== undefined && Date.now() - written < dayMs;
}

const runHere = ({ server, agent }: VictoriaMetricsPrograms) => runsHere(server) && runsHere(agent);

/** Debian's say no version; that they answer at all is what counts. */
function runsHere(path: string): boolean {
  return spawnSync(path, ['-version'], { timeout: 10_000 }).status === 0;
}
