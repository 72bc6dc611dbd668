/** Checks of what keeps an installation safe and up: privileges, ports, secrets, health, updates, limits. */
import { basename } from 'node:path';
import { controlPlaneServices } from '@fairlead/contracts';
import { stopTimeoutMs } from '@fairlead/service-runtime';
import type { SecretReader } from '@fairlead/dev-env';
import type { Dockerfile } from './dockerfile.js';
import { composePath, msOf, swarmReadme, type DeployedService } from './model.js';
import { secretsRead } from './settings.js';

/** A fresh volume belongs to root in an image that has no such folder; without any capability that is all root may do. */
const rootAllowed = ['deploy/swarm/nats.yml: server'];
/** The only port that is reached from outside, and only from this machine. */
const portsAllowed: Readonly<Record<string, string>> = { [`${composePath}: api-gateway`]: '127.0.0.1:7400:7400' };
/** What a stack gives a service beyond what its counterpart in Compose reads. */
const readers: Readonly<Record<string, { reader: SecretReader; more: readonly string[] }>> = {
  ...Object.fromEntries(
    controlPlaneServices.map((service) => [
      `deploy/swarm/fairlead.yml: ${service}`,
      { reader: service, more: [`${service}.tls.crt`, `${service}.tls.key`, 'tls-ca.crt'] },
    ]),
  ),
  'deploy/swarm/nats.yml: server': { reader: 'nats', more: ['nats.cluster.conf', 'nats.tls.crt', 'nats.tls.key', 'tls-ca.crt'] },
  'deploy/swarm/data.yml: postgres': { reader: 'postgres', more: ['postgres.tls.crt', 'postgres.tls.key'] },
  'deploy/swarm/migrate.yml: migrate': { reader: 'migrate', more: ['tls-ca.crt'] },
};

/** Privileges and limits of a container. */
export function privilegeProblems({ where, spec, file }: DeployedService): string[] {
  const problems: string[] = [];
  if (!spec.read_only) problems.push('its file system can be written');
  if (spec.cap_drop.join() !== 'ALL') problems.push('it keeps capabilities');
  if (!spec.init) problems.push('nobody reaps its processes');
  if (spec.user.startsWith('0:') && !rootAllowed.includes(where)) problems.push('it runs as root');
  if (file.kind === 'compose' && !('security_opt' in spec && spec.security_opt.includes('no-new-privileges:true')))
    problems.push('it may gain privileges');
  for (const port of spec.ports ?? []) if (portsAllowed[where] !== port) problems.push(`it publishes ${port}`);
  return problems.map((problem) => `${where}: ${problem}`);
}

/**
 * Each service gets the secrets that are made for it, and no others, and reads them all.
 * @param made files of each reader
 * @param configTexts the texts of its configs
 */
export function secretProblems(
  service: DeployedService,
  made: Readonly<Record<string, readonly string[]>>,
  configTexts: readonly string[],
): string[] {
  const { where, spec, name } = service;
  const { reader, more } = readers[where] ?? { reader: name as SecretReader, more: [] };
  const meant = new Set([...(made[reader] ?? []).map((file) => basename(file)), ...more]);
  const read = secretsRead(service, configTexts);
  const mounted = new Set(
    'secrets' in spec ? (spec.secrets ?? []).map(({ source }) => source) : mountsSecretsOf(service, reader) ? meant : [],
  );
  return [
    ...[...mounted].filter((secret) => !meant.has(secret)).map((secret) => `${where}: the secret ${secret} is none of its own`),
    ...[...read].filter((secret) => !mounted.has(secret)).map((secret) => `${where}: it reads the secret ${secret}, which it is not given`),
    ...[...mounted]
      .filter((secret) => !read.has(secret))
      .map((secret) => `${where}: it is given the secret ${secret}, which it does not read`),
    ...('secrets' in spec ? ownerProblems(service) : []),
  ];
}

function mountsSecretsOf({ spec }: DeployedService, reader: string): boolean {
  return (spec.volumes ?? []).includes(`secrets-${reader}:/run/secrets:ro`);
}

function ownerProblems({ where, spec }: DeployedService): string[] {
  const secrets = 'secrets' in spec ? (spec.secrets ?? []) : [];
  return secrets
    .filter(({ uid, gid }) => `${uid}:${gid}` !== spec.user)
    .map(({ source }) => `${where}: its user can't read the secret ${source}`);
}

/** The service that hands secrets out has every reader's volume; nobody else sees another's. */
export function handOutProblems(services: readonly DeployedService[], made: Readonly<Record<string, readonly string[]>>): string[] {
  const maker = services.find(({ file, name }) => file.kind === 'compose' && name === 'secrets');
  const mounts = (maker?.spec.volumes ?? []).filter((volume) => typeof volume === 'string');
  const missing = Object.keys(made).filter((reader) => !mounts.includes(`secrets-${reader}:/secrets/${reader}`));
  return [
    ...missing.map((reader) => `${composePath}: secrets: the secrets of ${reader} are not handed out`),
    ...services
      .filter((service) => service !== maker && service.file.kind === 'compose')
      .flatMap(({ where, name, spec }) =>
        (spec.volumes ?? [])
          .filter((volume) => typeof volume === 'string' && volume.startsWith('secrets') && !volume.startsWith(`secrets-${name}:`))
          .map(() => `${where}: it sees secrets of others`),
      ),
  ];
}

/**
 * The key that registers the simulated fleet may change tenants and placement: it is made, and trusted, where that fleet is.
 * @param instructions what an operator of a production installation is told to run
 */
export function simulatedFleetProblems(services: readonly DeployedService[], instructions: string): string[] {
  const option = '--simulated-fleet';
  const registers = services.some(({ file, name }) => file.kind === 'compose' && name === 'register-fleet');
  const maker = services.find(({ file, name }) => file.kind === 'compose' && name === 'secrets');
  const trusted = maker?.spec.command.includes(option) ?? false;
  const told = [...instructions.matchAll(/make-secrets\.js(.*)/g)].filter(([, args = '']) => args.includes(option));
  return [
    ...(registers === trusted
      ? []
      : [`${composePath}: secrets: ${registers ? 'nobody may register' : 'the key is trusted of'} a simulated fleet`]),
    ...told.map(() => `${swarmReadme}: production is told to trust the key of a simulated fleet`),
  ];
}

/** Health checks, patience at the end, and updates that notice a failure. */
export function updateProblems(service: DeployedService, dockerfile: Dockerfile): string[] {
  const { where, spec, own, once } = service;
  const problems: string[] = [];
  const check = healthOf(service, dockerfile);
  if (once !== (check === undefined)) problems.push(once ? 'it ends by itself, and is asked for its health' : 'nobody asks for its health');
  if (own && !once && (spec.stop_grace_period === undefined || msOf(spec.stop_grace_period) <= stopTimeoutMs))
    problems.push(`it is killed before the ${String(stopTimeoutMs / 1000)} s are over that it may take to drain`);
  if (!('update_config' in spec.deploy) && service.file.kind === 'swarm' && !once) problems.push('nothing says how it is updated');
  for (const kind of ['update_config', 'rollback_config'] as const) {
    const update = kind in spec.deploy ? (spec.deploy as Record<typeof kind, { monitor: string } | undefined>)[kind] : undefined;
    if (update !== undefined && check !== undefined && msOf(update.monitor) <= check.failsAfterMs)
      problems.push(`${kind}.monitor (${update.monitor}) is over before a health check fails (${String(check.failsAfterMs / 1000)} s)`);
  }
  return problems.map((problem) => `${where}: ${problem}`);
}

/** The health check of a container: its own, or the image's. */
function healthOf({ spec, own }: DeployedService, dockerfile: Dockerfile): { failsAfterMs: number } | undefined {
  const { healthcheck } = spec;
  if (healthcheck !== undefined)
    return 'disable' in healthcheck ? undefined : { failsAfterMs: msOf(healthcheck.interval) * healthcheck.retries };
  const text = own ? dockerfile.instructions.find(({ name }) => name === 'HEALTHCHECK')?.text : undefined;
  const option = (name: string) => new RegExp(`--${name}=(\\S+)`).exec(text ?? '')?.[1] ?? '';
  return text === undefined ? undefined : { failsAfterMs: msOf(option('interval')) * Number(option('retries')) };
}

/** An empty volume takes over the owner of the image's folder that it is mounted on: there has to be one. */
export function volumeProblems(services: readonly DeployedService[], dockerfile: Dockerfile): string[] {
  const made = dockerfile.instructions.filter(({ text }) => text.startsWith('install -d -o node')).flatMap(({ text }) => text.split(/\s+/));
  const mounted = services
    .filter(({ own }) => own)
    .flatMap(({ spec }) => (spec.volumes ?? []).flatMap((volume) => (typeof volume === 'string' ? [volume.split(':')[1] ?? ''] : [])));
  return [...new Set(mounted)].filter((path) => !made.includes(path)).map((path) => `nobody may write ${path}`);
}
