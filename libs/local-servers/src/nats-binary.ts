/** Finds a nats-server that is new enough: on PATH, in the cache, or in the newest Debian suite that offers one. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fetchDebianPrograms } from './debian-package.js';
import { cacheFolder, onPath } from './programs.js';

export interface NatsBinary {
  readonly path: string;
  /** Such as `2.11.3`. */
  readonly version: string;
}

const oldest = { major: 2, minor: 10 };

/** `<repository>/.cache/nats`: one unpacked server serves every start of a clone. */
export const defaultNatsCacheDir = cacheFolder('nats');

/**
 * The server to run. The order: PATH, the cache, Debian's package (unpacked into the cache, root is not needed).
 * @throws Error that lists the ways to get one.
 */
export function findNatsServer(options: { cacheDir?: string; log: (line: string) => void }): NatsBinary {
  const cacheDir = options.cacheDir ?? defaultNatsCacheDir;
  const cached = join(cacheDir, 'nats-server');
  const seen: string[] = [];
  for (const path of [...onPath('nats-server'), cached]) {
    const version = versionOf(path);
    if (version === undefined) continue;
    if (isNewEnough(version)) return { path, version };
    seen.push(`${path} is version ${version}`);
  }
  const failures = fetchDebianPrograms({
    package: 'nats-server',
    megabytes: 16,
    programs: [{ path: 'usr/sbin/nats-server', target: cached }],
    log: options.log,
    accept: ([path = '']) => isNewEnough(versionOf(path)),
  });
  const version = versionOf(cached);
  if (version !== undefined && isNewEnough(version)) return { path: cached, version };
  throw new Error(
    [
      `No nats-server ${String(oldest.major)}.${String(oldest.minor)} or newer was found. Ways to get one:`,
      '  - set NATS_URL (and NATS_TOKEN) to a running server with JetStream',
      '  - put a nats-server on PATH (your package manager, or the releases of the NATS project)',
      `  - put the program at ${cached}`,
      ...[...seen, ...failures].map((reason) => `  (${reason})`),
    ].join('\n'),
  );
}

/** True for a version text such as `2.10.27` that is not older than what JetStream here needs. */
export function isNewEnough(version: string | undefined): boolean {
  const match = /^(\d+)\.(\d+)\./.exec(version ?? '');
  if (match === null) return false;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  return major > oldest.major || (major === oldest.major && minor >= oldest.minor);
}

function versionOf(path: string): string | undefined {
  const result = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: 10_000 });
  return result.status === 0 ? /v?(\d+\.\d+\.\d+)/.exec(result.stdout)?.[1] : undefined;
}
