/** A PostgreSQL server as a local process: made on first start, stopped cleanly, found again after a crash. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { giveTo, preparePostgresHome, removePostgresHome, type Log, type PostgresHome } from './postgres-home.js';
import { commandOf, freePort, isAlive, portIsFree, signalPid, spawnServer, stopPid, tailOf, type ServerProcess } from './processes.js';

export interface PostgresOptions {
  /** Folder of this server alone; made when missing. Nobody else may run a server on it. */
  readonly dir: string;
  /** Port on 127.0.0.1; a free one when omitted. */
  readonly port?: number;
  readonly log: Log;
  /** false: commits are not flushed to disk. For tests, whose data nobody needs after a power cut. */
  readonly fsync?: boolean;
  /** Memory for pages, as Postgres writes sizes; '128MB' when not given. */
  readonly sharedBuffers?: string;
}

export interface RunningPostgres {
  readonly host: string;
  readonly port: number;
  /** `postgres://postgres@127.0.0.1:<port>/postgres`, without the password. */
  readonly adminUrl: string;
  readonly adminPassword: string;
  readonly pid: number;
  readonly dataDir: string;
  /** The server's own log. */
  readonly logFile: string;
  /** Settles when the server has ended, for whatever reason; never rejects. */
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Fast shutdown, then immediate, then SIGKILL; resolves when the process is gone. Safe to call again. */
  stop(): Promise<void>;
  /** Sends a signal to the server's whole process group. */
  kill(signal: NodeJS.Signals): void;
}

const host = '127.0.0.1';
const readyTimeoutMs = 60_000;
const attempts = 4;

/**
 * Starts PostgreSQL on the data in `dir`, making the cluster when there is none. What a killed run left (a live
 * server on this data, a stale pid file) is ended first and told through `log`.
 * @throws Error with the server's last log lines when it does not come up, or when the given port is taken.
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const home = preparePostgresHome(options.dir, options.log);
  await stopLeftovers(home.dataDir, options.log);
  if (options.port !== undefined && !(await portIsFree(options.port))) throw new Error(portTaken(options.port));
  const adminPassword = preparePassword(options.dir, home.dataDir);
  if (!existsSync(join(home.dataDir, 'PG_VERSION'))) initialise(home, adminPassword, options);
  assertSameMajor(home);

  const logFile = join(options.dir, 'postgres.log');
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await freePort());
    writeSettings(home, port, options);
    const server = await spawnServer(join(home.native, 'bin/postgres'), ['-D', home.dataDir], {
      logFile,
      cwd: home.dataDir,
      as: home.as,
    });
    if (await becomesReady(server, port, adminPassword)) return running(server, port, adminPassword, home, logFile);
    await server.stop([{ signal: 'SIGQUIT', timeoutMs: 5_000 }]);
    const reason = tailOf(logFile);
    const passing = /could not bind|Address already in use|pre-existing shared memory block/.test(reason);
    if (!passing || attempt >= attempts) throw new Error(`PostgreSQL did not start on port ${String(port)}:\n${reason}`);
    await delay(500);
  }
}

/** Deletes everything a stopped server left, also what stands outside `dir`. */
export async function removePostgres(options: { dir: string; log: Log }): Promise<void> {
  await stopLeftovers(join(options.dir, 'data'), options.log);
  removePostgresHome(options.dir);
}

function running(server: ServerProcess, port: number, adminPassword: string, home: PostgresHome, logFile: string): RunningPostgres {
  return {
    host,
    port,
    adminUrl: `postgres://postgres@${host}:${String(port)}/postgres`,
    adminPassword,
    pid: server.pid,
    dataDir: home.dataDir,
    logFile,
    exited: server.exited,
    stop: () => server.stop(shutdown),
    kill: (signal) => {
      if (!server.hasExited()) signalPid(server.pid, signal, true);
    },
  };
}

/** SIGINT is pg_ctl's "fast" (sessions end, a checkpoint is written), SIGQUIT its "immediate". */
const shutdown = [
  { signal: 'SIGINT', timeoutMs: 20_000 },
  { signal: 'SIGQUIT', timeoutMs: 5_000 },
] as const;

function portTaken(port: number): string {
  return `Port ${String(port)} of ${host}, meant for PostgreSQL, is taken by another program`;
}

function preparePassword(dir: string, dataDir: string): string {
  const file = join(dir, 'admin-password');
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  if (existsSync(join(dataDir, 'PG_VERSION'))) {
    throw new Error(
      `${file} is missing, and nothing else opens the database in ${dataDir}; put it back, or move ${dir} away to start anew`,
    );
  }
  const password = randomBytes(24).toString('base64url');
  writeFileSync(file, `${password}\n`, { mode: 0o600 });
  return password;
}

/** Makes the cluster beside its final place and renames it, so that an interrupted start leaves no half of one. */
function initialise(home: PostgresHome, password: string, options: PostgresOptions): void {
  options.log('Making a new PostgreSQL data folder');
  const fresh = join(home.parent, 'data.new');
  const passwordFile = join(home.parent, 'initdb-password');
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { mode: 0o700 });
  giveTo(fresh, home.as);
  rmSync(passwordFile, { force: true });
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  giveTo(passwordFile, home.as);
  try {
    const args = ['-D', fresh, '--username=postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8'];
    args.push('--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--no-instructions');
    if (options.fsync === false) args.push('--no-sync');
    const result = spawnSync(join(home.native, 'bin/initdb'), args, { cwd: fresh, encoding: 'utf8', ...home.as });
    if (result.status !== 0) throw new Error(`initdb failed:\n${result.error?.message ?? `${result.stdout}${result.stderr}`.trim()}`);
  } finally {
    rmSync(passwordFile, { force: true });
  }
  const conf = join(fresh, 'postgresql.conf');
  writeFileSync(conf, `${readFileSync(conf, 'utf8')}\ninclude 'fairlead.conf'\n`);
  renameSync(fresh, home.dataDir);
}

function writeSettings(home: PostgresHome, port: number, { fsync = true, sharedBuffers = '128MB' }: PostgresOptions): void {
  const settings: Record<string, string | number> = {
    listen_addresses: `'${host}'`,
    port,
    unix_socket_directories: `''`,
    max_connections: 200,
    shared_buffers: `'${sharedBuffers}'`,
    password_encryption: `'scram-sha-256'`,
    timezone: `'UTC'`,
    log_timezone: `'UTC'`,
    log_line_prefix: `'%m [%p] %u@%d %a '`,
    ...(fsync ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_wal_size: `'4GB'` }),
  };
  const file = join(home.dataDir, 'fairlead.conf');
  const text = Object.entries(settings).map(([name, value]) => `${name} = ${String(value)}\n`);
  writeFileSync(file, `# Written at every start.\n${text.join('')}`, { mode: 0o600 });
  giveTo(file, home.as);
}

function assertSameMajor(home: PostgresHome): void {
  const data = readFileSync(join(home.dataDir, 'PG_VERSION'), 'utf8').trim();
  const binaries = home.version.split('.')[0] ?? '';
  if (data !== binaries) {
    throw new Error(
      `The data in ${home.dataDir} is PostgreSQL ${data}'s, the installed server is ${binaries}; dump and restore it, or start anew`,
    );
  }
}

async function becomesReady(server: ServerProcess, port: number, password: string): Promise<boolean> {
  const deadline = Date.now() + readyTimeoutMs;
  while (!server.hasExited() && Date.now() < deadline) {
    if (await answers(port, password)) return true;
    await delay(50);
  }
  return false;
}

async function answers(port: number, password: string): Promise<boolean> {
  const client = new Client({ host, port, user: 'postgres', database: 'postgres', password, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === '28P01') throw new Error('PostgreSQL refuses the kept admin password', { cause: error });
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Ends the server (or orphaned backends) of a run that was killed, and removes a pid file that names nobody. */
async function stopLeftovers(dataDir: string, log: Log): Promise<void> {
  const pidFile = join(dataDir, 'postmaster.pid');
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
  if (Number.isSafeInteger(pid) && pid > 1 && isServerOf(pid, dataDir)) {
    log(`Stopping the PostgreSQL server (pid ${String(pid)}) that an earlier run left`);
    await stopPid(pid, shutdown);
  } else {
    log('Removing the pid file of a PostgreSQL server that is gone');
  }
  for (const orphan of backendsOf(dataDir)) await stopPid(orphan, [{ signal: 'SIGQUIT', timeoutMs: 5_000 }]);
  rmSync(pidFile, { force: true });
}

/** A postmaster's command line names its data folder. */
function isServerOf(pid: number, dataDir: string): boolean {
  const command = isAlive(pid) ? commandOf(pid) : undefined;
  if (command === undefined) return false;
  return / -D /.test(command) && [dataDir, realpathSync(dataDir)].some((path) => command.endsWith(` -D ${path}`));
}

/** Backends whose postmaster was killed: they stand in the data folder until their statement ends (Linux only). */
function backendsOf(dataDir: string): number[] {
  const real = realpathSync(dataDir);
  const pids = existsSync('/proc/self/cwd') ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : [];
  return pids.map(Number).filter((pid) => {
    try {
      return readlinkSync(`/proc/${String(pid)}/cwd`) === real && (commandOf(pid) ?? '').startsWith('postgres');
    } catch {
      return false;
    }
  });
}
