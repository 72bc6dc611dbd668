/** A nats-server with JetStream as a local process; every acknowledged message is on disk. */
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findNatsServer } from './nats-binary.js';
import {
  commandOf,
  freePort,
  greeting,
  isAlive,
  portIsFree,
  signalPid,
  spawnServer,
  stopPid,
  tailOf,
  type ServerProcess,
} from './processes.js';

export interface NatsOptions {
  /** Folder of this server alone; made when missing. */
  readonly dir: string;
  /** Port on 127.0.0.1; a free one when omitted. */
  readonly port?: number;
  readonly log: (line: string) => void;
  /** Where a fetched server is kept; the repository's `.cache/nats` when omitted. */
  readonly cacheDir?: string;
  /** The part of the configuration that says who may connect, and what for; everybody and anything when omitted. */
  readonly authorization?: string;
  /** false: messages are flushed later. For tests. */
  readonly fsync?: boolean;
}

export interface RunningNats {
  /** `nats://127.0.0.1:<port>`, without a password. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly version: string;
  readonly logFile: string;
  /** Settles when the server has ended, for whatever reason; never rejects. */
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** SIGTERM, then SIGKILL; resolves when the process is gone. Safe to call again. */
  stop(): Promise<void>;
  /** Sends a signal to the server's whole process group. */
  kill(signal: NodeJS.Signals): void;
}

const host = '127.0.0.1';
const readyTimeoutMs = 30_000;
const attempts = 4;
const shutdown = [{ signal: 'SIGTERM', timeoutMs: 10_000 }] as const;

/**
 * Starts nats-server on the JetStream store in `dir`. A server that a killed run left on it is ended first.
 * @throws Error that lists the ways to get a nats-server, or with the server's last log lines.
 */
export async function startNats(options: NatsOptions): Promise<RunningNats> {
  const binary = findNatsServer(options);
  mkdirSync(options.dir, { recursive: true, mode: 0o700 });
  await stopLeftover(options.dir, options.log);
  if (options.port !== undefined && !(await portIsFree(options.port))) {
    throw new Error(`Port ${String(options.port)} of ${host}, meant for NATS, is taken by another program`);
  }
  const logFile = join(options.dir, 'nats.log');
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await freePort());
    const configFile = writeConfig(options, port);
    const server = await spawnServer(binary.path, ['-c', configFile], { logFile, cwd: options.dir });
    if (await becomesReady(server, port)) return running(server, port, binary.version, logFile);
    await server.stop(shutdown);
    const reason = tailOf(logFile);
    if (!reason.includes('address already in use') || attempt >= attempts) {
      throw new Error(`nats-server did not start on port ${String(port)}:\n${reason}`);
    }
    await delay(500);
  }
}

function running(server: ServerProcess, port: number, version: string, logFile: string): RunningNats {
  return {
    url: `nats://${host}:${String(port)}`,
    port,
    pid: server.pid,
    version,
    logFile,
    exited: server.exited,
    stop: () => server.stop(shutdown),
    kill: (signal) => {
      if (!server.hasExited()) signalPid(server.pid, signal, true);
    },
  };
}

function writeConfig(options: NatsOptions, port: number): string {
  const dir = realpathSync(options.dir);
  const lines = [
    '# Written at every start.',
    `listen: "${host}:${String(port)}"`,
    `pid_file: ${JSON.stringify(join(dir, 'nats.pid'))}`,
    `jetstream { store_dir: ${JSON.stringify(join(dir, 'store'))}${(options.fsync ?? true) ? ', sync_interval: always' : ''} }`,
    ...(options.authorization === undefined ? [] : [options.authorization]),
  ];
  const file = join(dir, 'nats.conf');
  rmSync(file, { force: true });
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  return file;
}

async function becomesReady(server: ServerProcess, port: number): Promise<boolean> {
  const deadline = Date.now() + readyTimeoutMs;
  while (!server.hasExited() && Date.now() < deadline) {
    if ((await greeting(port, 1_000))?.includes('"jetstream":true') === true) return !server.hasExited();
    await delay(30);
  }
  return false;
}

async function stopLeftover(dir: string, log: (line: string) => void): Promise<void> {
  const pidFile = join(dir, 'nats.pid');
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, 'utf8').trim());
  const command = Number.isSafeInteger(pid) && pid > 1 && isAlive(pid) ? commandOf(pid) : undefined;
  if (command?.endsWith(` -c ${join(realpathSync(dir), 'nats.conf')}`) === true) {
    log(`Stopping the NATS server (pid ${String(pid)}) that an earlier run left`);
    await stopPid(pid, shutdown);
  }
  rmSync(pidFile, { force: true });
}
