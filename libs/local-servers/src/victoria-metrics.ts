/** VictoriaMetrics as a local process that scrapes by itself; small: what it may keep and use is bounded. */
import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { commandOf, freePort, isAlive, portIsFree, signalPid, spawnServer, stopPid, tailOf, type ServerProcess } from './processes.js';

/** Whose `/metrics` is read, and the labels that its samples get. */
export interface ScrapeTarget {
  /** The service's address; metrics are read at `<url>/metrics`. */
  readonly url: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface VictoriaMetricsOptions {
  /** The program, as `findVictoriaMetrics` answers it. */
  readonly program: string;
  /** Folder of this server alone; made when missing. */
  readonly dir: string;
  /** Port on 127.0.0.1; a free one when omitted. */
  readonly port?: number;
  readonly targets: readonly ScrapeTarget[];
  readonly scrapeIntervalSeconds: number;
  /** For so long after its moment a sample may still come: what is asked later than that stays as it is (`-search.latencyOffset`). */
  readonly settleSeconds: number;
  readonly log: (line: string) => void;
}

export interface RunningVictoriaMetrics {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Settles when the server has ended, for whatever reason; never rejects. */
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Scrapes these from now on, within seconds. */
  setTargets(targets: readonly ScrapeTarget[]): void;
  /** SIGTERM, then SIGKILL; resolves when the process is gone. Safe to call again. */
  stop(): Promise<void>;
  /** Sends a signal to the server's whole process group. */
  kill(signal: NodeJS.Signals): void;
}

const host = '127.0.0.1';
const readyTimeoutMs = 30_000;
const attempts = 4;
const shutdown = [{ signal: 'SIGTERM', timeoutMs: 10_000 }] as const;
const bounds = ['-retentionPeriod=14d', '-memory.allowedBytes=64MB', '-search.maxConcurrentRequests=8', '-search.maxQueryDuration=10s'];

/**
 * Starts the server on the data in `dir`. One that a killed run left on it is ended first.
 * @throws Error with the server's last log lines when it does not come up, or when the port is taken
 */
export async function startVictoriaMetrics(options: VictoriaMetricsOptions): Promise<RunningVictoriaMetrics> {
  mkdirSync(options.dir, { recursive: true, mode: 0o700 });
  const dir = realpathSync(options.dir);
  await stopLeftover(dir, options.log);
  if (options.port !== undefined && !(await portIsFree(options.port))) {
    throw new Error(`Port ${String(options.port)} of ${host}, meant for VictoriaMetrics, is taken by another program`);
  }
  const setTargets = (targets: readonly ScrapeTarget[]) => {
    writeWhole(targetsFile(dir), JSON.stringify(targets.map(discovered)));
  };
  setTargets(options.targets);
  writeWhole(configFile(dir), JSON.stringify(scrapeConfig(dir, options.scrapeIntervalSeconds)));
  const logFile = join(dir, 'victoria-metrics.log');
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await freePort());
    const args = [`-httpListenAddr=${host}:${String(port)}`, ...argumentsFor(dir, options.settleSeconds)];
    const server = await spawnServer(options.program, args, { logFile, cwd: dir, env: {} });
    writeWhole(pidFile(dir), String(server.pid));
    if (await becomesReady(server, port)) return running(server, port, setTargets);
    await server.stop(shutdown);
    const reason = tailOf(logFile);
    if (!reason.includes('address already in use') || attempt >= attempts) {
      throw new Error(`VictoriaMetrics did not start on port ${String(port)}:\n${reason}`);
    }
    await delay(500);
  }
}

const targetsFile = (dir: string) => join(dir, 'targets.json');
const configFile = (dir: string) => join(dir, 'scrape.json');
const pidFile = (dir: string) => join(dir, 'victoria-metrics.pid');
const dataFlag = (dir: string) => `-storageDataPath=${join(dir, 'data')}`;

function argumentsFor(dir: string, settleSeconds: number): string[] {
  return [
    dataFlag(dir),
    ...bounds,
    `-search.latencyOffset=${String(settleSeconds)}s`,
    `-promscrape.config=${configFile(dir)}`,
    '-promscrape.fileSDCheckInterval=1s',
    '-loggerLevel=WARN',
  ];
}

/** JSON is YAML. */
function scrapeConfig(dir: string, intervalSeconds: number): object {
  const interval = `${String(intervalSeconds)}s`;
  return {
    global: { scrape_interval: interval, scrape_timeout: interval },
    scrape_configs: [{ job_name: 'fairlead', file_sd_configs: [{ files: [targetsFile(dir)] }] }],
  };
}

function discovered({ url, labels }: ScrapeTarget): object {
  const { host: address, protocol, pathname } = new URL(url);
  const path = `${pathname.replace(/\/$/, '')}/metrics`;
  return { targets: [address], labels: { ...labels, __scheme__: protocol.slice(0, -1), __metrics_path__: path } };
}

function writeWhole(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

function running(server: ServerProcess, port: number, setTargets: RunningVictoriaMetrics['setTargets']): RunningVictoriaMetrics {
  return {
    url: `http://${host}:${String(port)}`,
    port,
    pid: server.pid,
    exited: server.exited,
    setTargets,
    stop: () => server.stop(shutdown),
    kill: (signal) => {
      if (!server.hasExited()) signalPid(server.pid, signal, true);
    },
  };
}

async function becomesReady(server: ServerProcess, port: number): Promise<boolean> {
  const deadline = Date.now() + readyTimeoutMs;
  while (!server.hasExited() && Date.now() < deadline) {
    const health = await fetch(`http://${host}:${String(port)}/health`, { signal: AbortSignal.timeout(1_000) }).catch(() => undefined);
    if (health?.ok === true) return !server.hasExited();
    await delay(30);
  }
  return false;
}

async function stopLeftover(dir: string, log: (line: string) => void): Promise<void> {
  if (!existsSync(pidFile(dir))) return;
  const pid = Number(readFileSync(pidFile(dir), 'utf8').trim());
  const command = Number.isSafeInteger(pid) && pid > 1 && isAlive(pid) ? commandOf(pid) : undefined;
  if (command?.includes(` ${dataFlag(dir)} `) === true) {
    log(`Stopping the VictoriaMetrics (pid ${String(pid)}) that an earlier run left`);
    await stopPid(pid, shutdown);
  }
  rmSync(pidFile(dir), { force: true });
}
