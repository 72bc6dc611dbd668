/**
 * The whole of Fairlead on one machine. `npm start` and the end-to-end tests boot it by this one function.
 *
 * Every process is started in a group of its own and stopped by us, in the reverse order of starting: who asks before
 * who answers, the servers that hold data last.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createTokenSigner, parsePrivateJwk } from '@fairlead/auth';
import { controlPlaneServices, type ControlPlaneService } from '@fairlead/contracts';
import { portIsFree, startNats, startPostgres, type RunningNats, type RunningPostgres } from '@fairlead/local-servers';
import type { TlsFiles } from '@fairlead/tls';
import { prepareCertificates, type Certified } from './certificates.js';
import { startDatabase } from './database.js';
import { readJsonObject } from './files.js';
import type { Hold, HoldOptions, StackPart } from './hold.js';
import { keepServer, type KeptServer } from './kept-server.js';
import { takeLock } from './lock.js';
import { setLargeLogsAside, watchLogs } from './log-watch.js';
import { settleSeconds, startMetrics, type MetricsOptions } from './metrics.js';
import { natsAccounts } from './nats-accounts.js';
import { natsAccountsByCertificate, natsTls } from './nats-by-certificate.js';
import { assertBuilt, root } from './paths.js';
import { createPidBoard, stopLeftoverServices, type PidBoard } from './pids.js';
import { choosePorts } from './ports.js';
import { notReady, waitUntilReady, type Awaited } from './readiness.js';
import { prepareSecrets, readSecret, type Secrets } from './secrets.js';
import { seedFleet } from './seed.js';
import { baseEnv, httpPortOf, httpUrlsOf, internalPorts, type PortName, type StackSettings } from './services.js';
import { startUnit, type Unit, type UnitSpec } from './unit.js';
import { replicaUnit, serviceGroups, simUnit } from './units.js';

export interface StackOptions {
  readonly stateDir: string;
  /** Of the HTTP API; 0 takes a free one, and the same again at the next start. */
  readonly port: number;
  /** Each service in a process of its own. */
  readonly separate: boolean;
  /** With the simulated fleet. */
  readonly sim: boolean;
  /** With a VictoriaMetrics that scrapes the services and the fleet; without it nothing is kept of what they measure. */
  readonly metrics?: MetricsOptions | undefined;
  /** Services speak mutual TLS with each other and with NATS, where each may do what its certificate allows. */
  readonly tls?: boolean;
  /** Gets progress, and what happens later. */
  readonly log: (line: string) => void;
  /** Settings on top of this process's environment, for all services and the fleet. */
  readonly env?: Readonly<Record<string, string>>;
  /** A folder by which failpoints in the processes are switched on (libs/failpoints). */
  readonly failpoints?: string;
  /** A service that ends is started again after this long each time, rather than after growing delays. */
  readonly restartDelayMs?: number;
  /** Aborting it ends a start that is under way, cleanly. */
  readonly signal?: AbortSignal;
}

export interface Stack {
  /** Of the HTTP API. */
  readonly url: string;
  readonly stateDir: string;
  /** Of the simulated fleet's control server; '' without one. */
  readonly simUrl: string;
  /** Of VictoriaMetrics; '' without one. */
  readonly metricsUrl: string;
  /** Running processes by service name, with postgres, nats, victoria-metrics and fleet-sim. */
  pids(): Record<string, number>;
  /** The first admin's login. Throws once its password was changed, which removes the file. */
  firstAdmin(): { email: string; password: string };
  /** Kills a part with SIGKILL and keeps it down until it is released. Throws when it is not running or not ours. */
  hold(part: StackPart, options?: HoldOptions): Promise<Hold>;
  /** Starts one more process of a service, `<service>-2` and so on among the pids; it does not answer the other services. */
  replica(service: ControlPlaneService): void;
  /** Stops everything, bounded in time. Repeats answer the same promise. */
  stop(): Promise<void>;
}

const readyTimeoutMs = 120_000;

/**
 * Boots the stack and resolves when all of it is ready and the simulated fleet is registered. When that fails, or is
 * aborted, everything that was started is stopped again before it rejects.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  assertBuilt();
  const cleanups: (() => Promise<void> | void)[] = [];
  let stopping: Promise<void> | undefined;
  const stop = () => (stopping ??= runCleanups(cleanups, options.log));
  try {
    const { settings, pids, simUrl, metricsUrl, hold, replica } = await boot(options, (cleanup) => cleanups.push(cleanup));
    const { stateDir } = options;
    const url = `http://127.0.0.1:${String(settings.port)}`;
    return { url, stateDir, simUrl, metricsUrl, pids: () => pids.all(), firstAdmin: () => firstAdminOf(stateDir), hold, replica, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function runCleanups(cleanups: (() => Promise<void> | void)[], log: (line: string) => void): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) {
    try {
      await cleanup();
    } catch (error) {
      log(`While stopping: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

type OnStop = (cleanup: () => Promise<void> | void) => void;

interface Booted {
  settings: StackSettings;
  pids: PidBoard;
  simUrl: string;
  metricsUrl: string;
  hold: Stack['hold'];
  replica: Stack['replica'];
}

async function boot(options: StackOptions, onStop: OnStop): Promise<Booted> {
  const { stateDir, log } = options;
  const signal = options.signal ?? new AbortController().signal;
  const { port, pids } = await claimState(options, onStop);
  const logs = join(stateDir, 'logs');
  mkdirSync(logs, { recursive: true, mode: 0o700 });
  setLargeLogsAside(logs);

  const secrets = await prepareSecrets(stateDir, { simulatedFleet: options.sim });
  const certificates = options.tls === true ? (await prepareCertificates(stateDir)).files : undefined;
  const ports = await choosePorts(join(stateDir, 'ports.json'), ['postgres', 'nats', 'victoria-metrics', ...internalPorts]);
  signal.throwIfAborted();
  const env = baseEnv(process.env, options);
  const wantsMetrics = options.metrics !== undefined && (env['VICTORIA_METRICS_URL'] ?? '') === '';
  const metrics = wantsMetrics ? await startMetricsFor(options, { port, ports }, pids, onStop) : undefined;
  signal.throwIfAborted();
  const { postgres, nats } = await startServers({ stateDir, env, secrets, certificates, ports, pids, log, onStop });
  signal.throwIfAborted();
  const natsUrl = certificates === undefined ? nats?.current().url : nats?.current().url.replace('nats:', 'tls:');
  const addresses = { postgres: `${postgres.current().host}:${String(postgres.current().port)}`, natsUrl };
  const settings: StackSettings = { stateDir, env, port, ports, secrets, certificates, metrics, ...addresses, ...versionOf() };
  await startDatabase({ settings, adminPasswordFile: join(stateDir, 'postgres/admin-password'), signal, log });

  const watch = watchLogs(logs, log);
  onStop(() => {
    watch.stop();
  });
  log(options.separate ? 'Starting the services, each in its own process' : 'Starting the services');
  const { awaited, units } = startUnits(options, settings, pids, onStop);
  await waitUntilReady(awaited, { timeoutMs: readyTimeoutMs, signal, log });
  const simUrl = options.sim ? await register(settings, signal, log) : '';
  const hold: Stack['hold'] = async (part, { wipe = false } = {}) => {
    if (part === 'postgres') return postgres.hold();
    if (part === 'nats' && nats !== undefined) {
      return nats.hold(() => {
        if (wipe) rmSync(join(stateDir, 'nats/store'), { recursive: true, force: true });
      });
    }
    if (part === 'victoria-metrics' && metrics !== undefined) return metrics.server.hold();
    const unit = units.find(({ spec }) => spec.services.includes(part));
    if (unit === undefined) throw new Error(`${part} is not run by this stack`);
    return unit.hold();
  };
  let processes = 1;
  const replica: Stack['replica'] = (service) => {
    processes += 1;
    startGroup([replicaUnit(settings, service, processes)], options, pids, onStop);
  };
  return { settings, pids, simUrl, metricsUrl: metrics?.url ?? '', hold, replica };
}

async function startMetricsFor(
  { stateDir, metrics: options = {}, log }: StackOptions,
  where: Pick<StackSettings, 'port' | 'ports'>,
  pids: PidBoard,
  onStop: OnStop,
) {
  const onPid = (pid: number | undefined) => {
    pids.set(['victoria-metrics'], pid);
  };
  const server = await startMetrics({ stateDir, port: where.ports['victoria-metrics'], services: httpUrlsOf(where), options, log, onPid });
  if (server === undefined) return undefined;
  onStop(() => server.stop());
  return { server, url: server.current().url, settleMs: settleSeconds * 1_000 };
}

/** Makes the folder ours: lock, leftovers of a killed run, and the public port. */
async function claimState({ stateDir, port: wanted, log }: StackOptions, onStop: OnStop): Promise<{ port: number; pids: PidBoard }> {
  const lock = takeLock(stateDir, log);
  onStop(() => {
    lock.release();
  });
  await stopLeftoverServices(stateDir, log);
  const port = wanted === 0 ? (await choosePorts(join(stateDir, 'ports.json'), ['public'])).public : wanted;
  if (wanted !== 0 && !(await portIsFree(port))) {
    throw new Error(`Port ${String(port)} is taken by another program. Stop it, or choose another port: npm start -- --port N`);
  }
  lock.announce(`http://127.0.0.1:${String(port)}`);
  return { port, pids: createPidBoard(stateDir) };
}

async function startServers(given: {
  stateDir: string;
  env: NodeJS.ProcessEnv;
  secrets: Secrets;
  certificates: Readonly<Record<Certified, TlsFiles>> | undefined;
  ports: Readonly<Partial<Record<PortName, number>>>;
  pids: PidBoard;
  log: (line: string) => void;
  onStop: OnStop;
}): Promise<{ postgres: KeptServer<RunningPostgres>; nats: KeptServer<RunningNats> | undefined }> {
  const { stateDir, certificates, ports, pids, log, onStop } = given;
  const startedPostgres = keepServer({
    name: 'PostgreSQL',
    start: () => startPostgres({ dir: join(stateDir, 'postgres'), port: ports.postgres, log }),
    log,
    onPid: (pid) => {
      pids.set(['postgres'], pid);
    },
  });
  const natsUrl = given.env['NATS_URL'];
  const namespace = given.env['NATS_NAMESPACE'] ?? '';
  const { natsToken, natsFleetToken } = given.secrets;
  const authorization =
    certificates === undefined
      ? natsAccounts({ token: readSecret(natsToken), fleetToken: readSecret(natsFleetToken), namespace })
      : `${natsTls(certificates.nats)}${natsAccountsByCertificate(namespace)}`;
  const startedNats =
    natsUrl === undefined || natsUrl === ''
      ? keepServer({
          name: 'NATS',
          start: () => startNats({ dir: join(stateDir, 'nats'), port: ports.nats, authorization, log }),
          log,
          onPid: (pid) => {
            pids.set(['nats'], pid);
          },
        })
      : undefined;
  // Each is stopped again even when the other one does not come up.
  const [postgres, nats] = await Promise.allSettled([startedPostgres, startedNats]);
  if (postgres.status === 'fulfilled') onStop(() => postgres.value.stop());
  if (nats.status === 'fulfilled') onStop(() => nats.value?.stop());
  if (postgres.status === 'rejected') throw postgres.reason;
  if (nats.status === 'rejected') throw nats.reason;
  const server = postgres.value.current();
  log(`PostgreSQL is ready on port ${String(server.port)}`);
  const natsServer = nats.value?.current();
  log(
    natsServer === undefined
      ? 'NATS: the server that NATS_URL names'
      : `NATS ${natsServer.version} is ready on port ${String(natsServer.port)}`,
  );
  return { postgres: postgres.value, nats: nats.value };
}

/** Starts processes that are stopped together. */
function startGroup(specs: UnitSpec[], { log, restartDelayMs }: StackOptions, pids: PidBoard, onStop: OnStop): Unit[] {
  const units = specs.map((spec) => {
    const onPid = (pid: number | undefined) => {
      pids.set(spec.services, pid);
    };
    return startUnit(spec, { log, onPid, restartDelayMs });
  });
  onStop(async () => {
    log(`Stopping ${specs.map(({ name }) => name).join(', ')}`);
    await Promise.all(units.map((unit) => unit.stop()));
  });
  return units;
}

/** Starts the fleet and the services; what is started later is stopped earlier. */
function startUnits(options: StackOptions, settings: StackSettings, pids: PidBoard, onStop: OnStop): { awaited: Awaited[]; units: Unit[] } {
  const sim = options.sim ? startGroup([simUnit(settings)], options, pids, onStop) : [];
  const units = serviceGroups(settings, options.separate).flatMap((group) => startGroup(group, options, pids, onStop));
  const services = controlPlaneServices.flatMap((service): Awaited[] => {
    const unit = units.find(({ spec }) => spec.services.includes(service));
    const url = `http://127.0.0.1:${String(httpPortOf(settings, service))}`;
    return unit === undefined ? [] : [{ name: service, check: () => notReady(service, url), unit }];
  });
  const simReady = () => Promise.resolve(simUrlOf(settings.stateDir) === undefined ? 'has not come up yet' : undefined);
  const awaited = [...services, ...sim.map((unit) => ({ name: 'fleet-sim', check: simReady, unit }))];
  return { awaited, units: [...sim, ...units] };
}

/** `<state>/sim.json` names the fleet's control server. */
function simUrlOf(stateDir: string): string | undefined {
  const url = readJsonObject(join(stateDir, 'sim.json'))?.['url'];
  return typeof url === 'string' ? url : undefined;
}

async function register(settings: StackSettings, signal: AbortSignal, log: (line: string) => void): Promise<string> {
  const simUrl = simUrlOf(settings.stateDir);
  const { bootstrapKey } = settings.secrets;
  if (simUrl === undefined || bootstrapKey === undefined) throw new Error('The simulated fleet has gone again');
  const signer = await createTokenSigner({ privateJwk: parsePrivateJwk(readFileSync(bootstrapKey, 'utf8')) });
  const gatewayUrl = `http://127.0.0.1:${String(settings.port)}`;
  const { shards, tenants } = await seedFleet({ gatewayUrl, simUrl, token: await signer.serviceToken(), signal });
  if (shards + tenants > 0) log(`Registered ${String(shards)} shards and ${String(tenants)} tenants of the simulated fleet`);
  return simUrl;
}

function firstAdminOf(stateDir: string): { email: string; password: string } {
  const { email, password } = readJsonObject(join(stateDir, 'first-admin.json')) ?? {};
  if (typeof email === 'string' && typeof password === 'string') return { email, password };
  throw new Error(`${join(stateDir, 'first-admin.json')} is gone: the first admin's password was changed`);
}

function versionOf(): { version: string; gitSha: string } {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const git = spawnSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' });
  return { version, gitSha: git.status === 0 ? git.stdout.trim() : 'unknown' };
}
