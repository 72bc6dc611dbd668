/**
 * Starting, recognising and ending local processes. A pid from a file is only trusted after its command line has
 * been compared: pids are used again, and another program must never get our signal.
 */
import { spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const maxLogBytes = 5 * 1024 * 1024;

// Below the ranges from which Linux (32768–60999) and macOS (49152–65535) take the ports of outgoing connections: a server
// that is down for a while finds its port free again, whatever connects to whatever meanwhile.
const portsToListenOn = { first: 20_000, last: 32_000 };

/** For ports that are chosen a while before their server listens: none that `freePort` gives to one that listens at once. */
export const portsChosenAhead = { first: 12_000, last: 19_999 };

/** True while a process with this pid exists and is not a zombie. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${String(pid)}/status`, 'utf8'));
  } catch {
    return !existsSync('/proc/self/status');
  }
}

/** The command line of a process, arguments separated by spaces; undefined when it is gone or hidden from us. */
export function commandOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8')
      .replaceAll('\0', ' ')
      .trim();
    return text === '' ? undefined : text;
  } catch {
    if (existsSync('/proc/self/cmdline')) return undefined;
  }
  const ps = spawnSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  const text = ps.status === 0 ? ps.stdout.trim() : '';
  return text === '' ? undefined : text;
}

/**
 * What tells a process from a later one with the same pid: its start time. Undefined when it is gone or hidden from us.
 */
export function startTimeOf(pid: number): string | undefined {
  try {
    // The command's name stands in parentheses and may hold anything; start time is the 20th field after it.
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    if (existsSync('/proc/self/stat')) return undefined;
  }
  const ps = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
  const text = ps.status === 0 ? ps.stdout.trim() : '';
  return text === '' ? undefined : text;
}

/** One variable of a process's environment as it was started; undefined when unset or unreadable (Linux only). */
export function environmentOf(pid: number, name: string): string | undefined {
  try {
    const entries = readFileSync(`/proc/${String(pid)}/environ`, 'utf8').split('\0');
    return entries.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);
  } catch {
    return undefined;
  }
}

/** Waits until the process is gone; false when it is still there after `timeoutMs`. */
export async function waitUntilGone(pid: number, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (isAlive(pid)) {
    if (Date.now() >= deadline) return false;
    await delay(20);
  }
  return true;
}

/** Sends a signal to one process, or with `group` to its whole process group; false when there is none. */
export function signalPid(pid: number, signal: NodeJS.Signals, group = false): boolean {
  try {
    process.kill(group ? -pid : pid, signal);
    return true;
  } catch {
    return false;
  }
}

/**
 * Ends a process: each signal in turn with its own patience, SIGKILL to the group last. The caller has verified
 * whose pid it is.
 */
export async function stopPid(pid: number, steps: readonly { signal: NodeJS.Signals; timeoutMs: number }[]): Promise<void> {
  for (const { signal, timeoutMs } of steps) {
    if (!signalPid(pid, signal)) return;
    if (await waitUntilGone(pid, timeoutMs)) return;
  }
  if (!signalPid(pid, 'SIGKILL', true)) signalPid(pid, 'SIGKILL');
  await waitUntilGone(pid, 5_000);
}

/** True when a TCP server could listen on this port of 127.0.0.1 now. */
export async function portIsFree(port: number): Promise<boolean> {
  return (await tryListen(port)) !== undefined;
}

/** A port of 127.0.0.1 that was free a moment ago, from a range of which no outgoing connection is given any. */
export async function freePort({ first, last } = portsToListenOn): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = randomInt(first, last + 1);
    if (await portIsFree(port)) return port;
  }
  throw new Error(`No free port on 127.0.0.1 among ${String(first)}–${String(last)}`);
}

function tryListen(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(undefined);
    });
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address();
      server.close(() => {
        resolve(typeof address === 'object' && address !== null ? address.port : undefined);
      });
    });
  });
}

/** What a server says first on a new connection (NATS greets with INFO); undefined when it refuses or stays silent. */
export function greeting(port: number, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let text = '';
    const done = (value: string | undefined) => {
      socket.destroy();
      resolve(value);
    };
    socket.setTimeout(timeoutMs, () => {
      done(undefined);
    });
    socket.on('error', () => {
      done(undefined);
    });
    socket.on('close', () => {
      done(undefined);
    });
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      if (text.includes('\n')) done(text);
    });
  });
}

export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

export interface ServerProcess {
  readonly pid: number;
  /** Settles when the process has ended; never rejects. */
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  hasExited(): boolean;
  /** Ends it as stopPid does; resolves when its end has been noticed here too. */
  stop(steps: readonly { signal: NodeJS.Signals; timeoutMs: number }[]): Promise<void>;
}

/** Starts a server in a process group of its own, output appended to `logFile`; it does not keep Node alive. */
export async function spawnServer(
  command: string,
  args: readonly string[],
  options: { logFile: string; cwd: string; env?: NodeJS.ProcessEnv; as?: Identity },
): Promise<ServerProcess> {
  mkdirSync(dirname(options.logFile), { recursive: true });
  keepLogSmall(options.logFile);
  const log = openSync(options.logFile, 'a', 0o600);
  try {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      detached: true,
      stdio: ['ignore', log, log],
      ...options.as,
    });
    let ended = false;
    const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
      child.once('exit', (code, signal) => {
        ended = true;
        resolve({ code, signal });
      });
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    if (child.pid === undefined) throw new Error(`${command} did not start`);
    child.unref();
    const { pid } = child;
    const stop = async (steps: readonly { signal: NodeJS.Signals; timeoutMs: number }[]) => {
      if (ended) return;
      // From here on its end is awaited, so Node must not exit before.
      child.ref();
      await stopPid(pid, steps);
      await exited;
    };
    return { pid, exited, hasExited: () => ended, stop };
  } finally {
    closeSync(log);
  }
}

function keepLogSmall(file: string): void {
  if (existsSync(file) && statSync(file).size > maxLogBytes) renameSync(file, `${file}.1`);
}

/** The last lines of a text file, for error messages; '' when there is none. */
export function tailOf(file: string, lines = 8): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return '';
  }
}
