/** Finds VictoriaMetrics and vmagent: on PATH, in the cache, or in the newest Debian suite whose package runs here. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fetchDebianPrograms } from './debian-package.js';
import { cacheFolder, onPath } from './programs.js';

export interface VictoriaMetricsPrograms {
  readonly server: string;
  readonly agent: string;
}

export const defaultVictoriaMetricsCacheDir = cacheFolder('victoria-metrics');

/**
 * The programs to run, or why there are none: they are fetched where Debian's packages can be had, and nothing needs them but
 * measuring.
 */
export function findVictoriaMetrics(options: {
  cacheDir?: string;
  log: (line: string) => void;
}): VictoriaMetricsPrograms | { readonly missing: string } {
  const cacheDir = options.cacheDir ?? defaultVictoriaMetricsCacheDir;
  const cached = { server: join(cacheDir, 'victoria-metrics'), agent: join(cacheDir, 'vmagent') };
  const [server, agent] = [onPath('victoria-metrics')[0], onPath('vmagent')[0]];
  const found = [...(server === undefined || agent === undefined ? [] : [{ server, agent }]), cached];
  const usable = found.find(runHere);
  if (usable !== undefined) return usable;
  const failures = fetchDebianPrograms({
    package: 'victoria-metrics',
    megabytes: 25,
    programs: [
      { path: 'usr/bin/victoria-metrics', target: cached.server },
      { path: 'usr/bin/vmagent', target: cached.agent },
    ],
    log: options.log,
    accept: (paths) => paths.every(runsHere),
  });
  if (runHere(cached)) return cached;
  return { missing: `VictoriaMetrics is not there: put victoria-metrics and vmagent on PATH or into ${cacheDir} (${failures.join('; ')})` };
}

const runHere = ({ server, agent }: VictoriaMetricsPrograms) => runsHere(server) && runsHere(agent);

/** Debian's say no version; that they answer at all is what counts. */
function runsHere(path: string): boolean {
  return spawnSync(path, ['-version'], { timeout: 10_000 }).status === 0;
}
