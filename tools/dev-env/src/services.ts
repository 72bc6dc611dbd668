/** What each service of a local stack is told by its environment. */
import { join } from 'node:path';
import { controlPlaneServices, type ControlPlaneService } from '@fairlead/contracts';
import type { TlsFiles } from '@fairlead/tls';
import type { Certified } from './certificates.js';
import { natsUsers } from './nats-accounts.js';
import { stateDirVariable } from './pids.js';
import type { Secrets } from './secrets.js';

export const databaseName = 'fairlead';

/** Every port of a stack, by its name in ports.json. */
export type PortName =
  'public' | 'postgres' | 'nats' | 'victoria-metrics' | 'api-gateway.jwks' | `${ControlPlaneService}.http` | `${ControlPlaneService}.grpc`;

/** The internal ports that ports.json keeps. */
export const internalPorts: readonly PortName[] = controlPlaneServices.flatMap((service) =>
  service === 'api-gateway' ? ([`${service}.grpc`, `${service}.jwks`] as const) : ([`${service}.http`, `${service}.grpc`] as const),
);

export interface StackSettings {
  readonly stateDir: string;
  /** What every process starts from; the settings below come on top. */
  readonly env: NodeJS.ProcessEnv;
  readonly port: number;
  readonly ports: Readonly<Partial<Record<PortName, number>>>;
  readonly secrets: Secrets;
  /** What each service shows the others; undefined where they speak plain text. */
  readonly certificates?: Readonly<Record<Certified, TlsFiles>> | undefined;
  /** `host:port` of PostgreSQL. */
  readonly postgres: string;
  /** The local NATS server, `tls:` where there are certificates; undefined when the environment names one. */
  readonly natsUrl: string | undefined;
  /** Of the local VictoriaMetrics, and how late samples may come in there; undefined without one. */
  readonly metrics?: { readonly url: string; readonly settleMs: number } | undefined;
  readonly version: string;
  readonly gitSha: string;
}

export type Settings = Readonly<Record<string, string>>;

/** Where a service answers HTTP. */
export function httpPortOf(stack: Pick<StackSettings, 'port' | 'ports'>, service: ControlPlaneService): number {
  return service === 'api-gateway' ? stack.port : (stack.ports[`${service}.http`] ?? 0);
}

/** Where all services answer HTTP. */
export function httpUrlsOf(stack: Pick<StackSettings, 'port' | 'ports'>): Record<ControlPlaneService, string> {
  const urlOf = (service: ControlPlaneService) => `http://127.0.0.1:${String(httpPortOf(stack, service))}`;
  return Object.fromEntries(controlPlaneServices.map((service) => [service, urlOf(service)])) as Record<ControlPlaneService, string>;
}

/** A service's variables; secrets by the files that hold them. */
export function settingsOf(stack: StackSettings, service: ControlPlaneService): Settings {
  const { secrets } = stack;
  const jwksPort = String(stack.ports['api-gateway.jwks'] ?? 0);
  const keySetOrigin = stack.certificates === undefined ? `http://127.0.0.1:${String(stack.port)}` : `https://127.0.0.1:${jwksPort}`;
  const grpc = (other: ControlPlaneService) => `127.0.0.1:${String(stack.ports[`${other}.grpc`] ?? 0)}`;
  return {
    ...commonSettings(stack),
    ...tlsSettings(stack, service),
    ...natsSettings(stack, natsUsers.controlPlane, secrets.natsToken),
    HTTP_HOST: '127.0.0.1',
    HTTP_PORT: String(httpPortOf(stack, service)),
    GRPC_HOST: '127.0.0.1',
    GRPC_PORT: String(stack.ports[`${service}.grpc`] ?? 0),
    DATABASE_URL: `postgres://${stack.postgres}/${databaseName}`,
    DATABASE_PASSWORD_FILE: secrets.databasePasswords[service],
    SERVICE_KEY_FILE: secrets.keys[service],
    TRUST_JWKS_FILE: secrets.trustJwks,
    PLACEMENT_GRPC: grpc('placement'),
    PROVISIONER_GRPC: grpc('provisioner'),
    FLEET_OBSERVER_GRPC: grpc('fleet-observer'),
    JOB_ORCHESTRATOR_GRPC: grpc('job-orchestrator'),
    AUDIT_GRPC: grpc('audit'),
    ...(service === 'placement' ? { PLACEMENT_FILES_DIR: filesDirOf(stack) } : {}),
    ...(service === 'fleet-observer' ? observerSettings(stack) : {}),
    ...(service === 'provisioner' ? { FLEET_TOKEN_FILE: secrets.fleetToken } : {}),
    ...(service === 'api-gateway'
      ? {
          ...(stack.certificates === undefined ? {} : { JWKS_HTTPS_PORT: jwksPort }),
          FIRST_ADMIN_FILE: join(stack.stateDir, 'first-admin.json'),
          IDENTITY_KEY_FILE: secrets.identityKey,
          SIGNING_KEY_ROTATION_SECONDS: '2592000',
          // Receivers that are tried out stand on this machine.
          OUTBOUND_ALLOW_CIDRS: stack.env['OUTBOUND_ALLOW_CIDRS'] ?? '127.0.0.0/8,::1/128',
          OUTBOUND_ALLOW_HOSTS: stack.env['OUTBOUND_ALLOW_HOSTS'] ?? 'localhost',
        }
      : { USER_JWKS_URL: `${keySetOrigin}/.well-known/jwks.json` }),
    ...(service === 'audit'
      ? {
          AUDIT_ANCHOR_FILE: join(stack.stateDir, 'audit', 'anchors.jsonl'),
          AUDIT_SEGMENT_FOLDER: join(stack.stateDir, 'audit', 'segments'),
        }
      : {}),
  };
}

function observerSettings(stack: StackSettings): Settings {
  const services = Object.entries(httpUrlsOf(stack)).map(([service, url]) => `${service}=${url}`);
  const { metrics } = stack;
  return {
    CONTROL_PLANE_URLS: services.join(','),
    ...(metrics === undefined ? {} : { VICTORIA_METRICS_URL: metrics.url, VICTORIA_METRICS_SETTLE_MS: String(metrics.settleMs) }),
  };
}

/** The simulated fleet's variables. */
export function simSettings(stack: StackSettings): Settings {
  return {
    ...commonSettings(stack),
    ...tlsSettings(stack, 'fleet'),
    ...natsSettings(stack, natsUsers.fleet, stack.secrets.natsFleetToken),
    FLEET_TOKEN_FILE: stack.secrets.fleetToken,
    SIM_STATE_DIR: join(stack.stateDir, 'sim'),
    SIM_PLACEMENT_FILES_DIR: filesDirOf(stack),
  };
}

/** Where published placement is written, and read until KV gives one. */
const filesDirOf = (stack: StackSettings) => join(stack.stateDir, 'config');

function commonSettings(stack: StackSettings): Settings {
  return {
    [stateDirVariable]: stack.stateDir,
    FAIRLEAD_VERSION: stack.version,
    FAIRLEAD_GIT_SHA: stack.gitSha,
  };
}

/** The environment that every process starts from; failpoints are on in it when that is asked for, whatever the shell has set. */
export function baseEnv(
  shell: NodeJS.ProcessEnv,
  { env, failpoints }: { env?: Readonly<Record<string, string>>; failpoints?: string },
): NodeJS.ProcessEnv {
  const { FAIRLEAD_FAILPOINTS: _, ...rest } = { ...shell, ...env };
  return failpoints === undefined ? rest : { ...rest, FAIRLEAD_FAILPOINTS: failpoints };
}

function tlsSettings({ certificates }: StackSettings, peer: Certified): Settings {
  const files = certificates?.[peer];
  return files === undefined ? {} : { TLS_CERT_FILE: files.cert, TLS_KEY_FILE: files.key, TLS_CA_FILE: files.ca };
}

/** By TLS the certificate says who somebody is, else a password. */
function natsSettings({ natsUrl }: StackSettings, user: string, tokenFile: string): Settings {
  if (natsUrl?.startsWith('tls:') === true) return { NATS_URL: natsUrl };
  return natsUrl === undefined ? {} : { NATS_URL: natsUrl, NATS_USER: user, NATS_TOKEN_FILE: tokenFile };
}

/** The environment with settings on top; a value in it does not win over a file that the settings name. */
export function withSettings(env: NodeJS.ProcessEnv, settings: Settings): NodeJS.ProcessEnv {
  const fromFiles = new Set(
    Object.keys(settings)
      .filter((name) => name.endsWith('_FILE'))
      .map((name) => name.slice(0, -'_FILE'.length)),
  );
  return { ...Object.fromEntries(Object.entries(env).filter(([name]) => !fromFiles.has(name))), ...settings };
}
