/**
 * Programs of a Debian package from a newer suite than the machine's own, without root and without touching the machine's
 * package lists: apt-get with folders of its own, the configured mirror and key, another suite.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Newest first. */
const suites = ['sid', 'testing', 'stable'];
const patienceMs = 180_000;

export interface DebianPrograms {
  /** The package's name. */
  readonly package: string;
  /** About how much is fetched, for people. */
  readonly megabytes: number;
  /** Each program's place in the package, and where it is to stand. */
  readonly programs: readonly { readonly path: string; readonly target: string }[];
  readonly log: (line: string) => void;
  /** How long one step of apt-get may take; three minutes when not given. */
  readonly stepTimeoutMs?: number | undefined;
  /** True for unpacked programs, in the order of `programs`, that are new enough and run here. */
  readonly accept: (paths: readonly string[]) => boolean;
}

/**
 * Puts accepted programs at their targets and returns why earlier tries failed (empty when the first one worked);
 * without success, no target is there afterwards that was not before.
 */
export function fetchDebianPrograms(options: DebianPrograms): string[] {
  const sources = existsSync('/usr/bin/apt-get') ? configuredSources() : [];
  if (sources.length === 0) return ['no Debian package source is configured on this machine'];
  const failures: string[] = [];
  for (const suite of suites) {
    options.log(`Fetching ${options.package} from Debian's ${suite} (about ${String(options.megabytes)} MB, once)`);
    const work = mkdtempSync(join(tmpdir(), 'fairlead-debian-'));
    try {
      const folder = download(
        work,
        options.package,
        sources.map((source) => withSuite(source, suite)),
        options.stepTimeoutMs ?? patienceMs,
      );
      const unpacked = options.programs.map(({ path }) => join(folder, path));
      if (options.accept(unpacked)) {
        for (const { path, target } of options.programs) install(join(folder, path), target);
        return failures;
      }
      failures.push(`the one in ${suite} is too old or does not run here`);
    } catch (error) {
      failures.push(`${suite}: ${error instanceof Error ? error.message : String(error)}`);
      // What is too slow for one suite is so for the next.
      if (error instanceof TooSlow) return failures;
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
  return failures;
}

function install(binary: string, target: string): void {
  mkdirSync(dirname(target), { recursive: true });
  const part = `${target}.${String(process.pid)}`;
  copyFileSync(binary, part);
  chmodSync(part, 0o755);
  renameSync(part, target);
}

/** Answers the folder that the package is unpacked in. */
function download(work: string, name: string, sources: readonly Source[], timeoutMs: number): string {
  for (const folder of ['etc', 'lists/partial', 'cache/archives/partial', 'package']) mkdirSync(join(work, folder), { recursive: true });
  sources.forEach((source, index) => {
    writeFileSync(join(work, 'etc', `${String(index)}.${source.format}`), `${source.text}\n`);
  });
  const settings: Record<string, string> = {
    'Dir::Etc::SourceList': '/dev/null',
    'Dir::Etc::SourceParts': join(work, 'etc'),
    'Dir::State::Lists': join(work, 'lists'),
    'Dir::Cache': join(work, 'cache'),
    'Acquire::Languages': 'none',
    'Acquire::Retries': '2',
    ...(process.getuid?.() === 0 ? { 'APT::Sandbox::User': 'root' } : {}),
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  run('apt-get', [...flags, '-q', 'update'], work, timeoutMs);
  run('apt-get', [...flags, '-q', 'download', name], work, timeoutMs);
  const file = readdirSync(work).find((entry) => entry.endsWith('.deb'));
  if (file === undefined) throw new Error('apt-get fetched no package');
  run('dpkg', ['-x', file, 'package'], work, timeoutMs);
  return join(work, 'package');
}

class TooSlow extends Error {}

function run(command: string, args: readonly string[], cwd: string, timeoutMs: number): void {
  const result = spawnSync(command, args, { cwd, encoding: 'utf8', timeout: timeoutMs, env: { ...process.env, LC_ALL: 'C.UTF-8' } });
  if (result.status === 0) return;
  if (result.error !== undefined && 'code' in result.error && result.error.code === 'ETIMEDOUT')
    throw new TooSlow(`${command} did not end within ${String(timeoutMs / 1_000)} s`);
  const said = (result.error?.message ?? result.stderr).trim().split('\n');
  throw new Error(`${command} ${args.at(-1) === 'update' ? 'update' : 'download'} failed: ${said.slice(-2).join(' ')}`);
}

export interface Source {
  readonly format: 'sources' | 'list';
  readonly text: string;
}

function configuredSources(): Source[] {
  const folder = '/etc/apt/sources.list.d';
  const parts = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  const codename = /^VERSION_CODENAME="?([\w-]+)/m.exec(readText('/etc/os-release'))?.[1];
  return ['/etc/apt/sources.list', ...parts].flatMap((file) => {
    if (file.endsWith('.sources')) return archiveStanzas(readText(file), codename);
    return file.endsWith('.list') ? archiveLines(readText(file), codename) : [];
  });
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** deb822 stanzas that are the distribution's own archive: its suite is the machine's, its component `main`. */
export function archiveStanzas(text: string, codename: string | undefined): Source[] {
  const stanzas = text.split(/\n\s*\n/).map((stanza) => stanza.replaceAll(/^#.*\n?/gm, '').trim());
  return stanzas
    .filter((stanza) => {
      const words = (name: string) => (new RegExp(`^${name}:[ \\t]*(.*)$`, 'im').exec(stanza)?.[1] ?? '').split(/\s+/);
      const enabled = !words('Enabled').includes('no');
      return (
        enabled &&
        words('Types').includes('deb') &&
        words('Suites').some((s) => isArchive(s, codename)) &&
        words('Components').includes('main')
      );
    })
    .map((stanza) => ({ format: 'sources' as const, text: stanza }));
}

/** The same for one-line sources. */
export function archiveLines(text: string, codename: string | undefined): Source[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => {
      const [, suite, components] = /^deb\s+(?:\[[^\]]*\]\s+)?\S+\s+(\S+)\s+(.*)$/.exec(line) ?? [];
      return suite !== undefined && isArchive(suite, codename) && (components ?? '').split(/\s+/).includes('main');
    })
    .map((line) => ({ format: 'list' as const, text: line }));
}

function isArchive(suite: string, codename: string | undefined): boolean {
  return suite === codename || ['stable', 'testing', 'unstable', 'sid'].includes(suite);
}

/** The same source, asking for another suite's `main`. */
export function withSuite(source: Source, suite: string): Source {
  if (source.format === 'list') {
    return { ...source, text: source.text.replace(/^(deb\s+(?:\[[^\]]*\]\s+)?\S+\s+)\S+\s+.*$/, `$1${suite} main`) };
  }
  const text = source.text.replace(/^Suites:.*$/im, `Suites: ${suite}`).replace(/^Components:.*$/im, 'Components: main');
  return { ...source, text: text.replace(/^Types:.*$/im, 'Types: deb') };
}
