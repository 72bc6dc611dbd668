/** Checks that services find each other: names, networks, ports, and connections of PostgreSQL. */
import type { DeployedService } from './model.js';

const httpPort = 'HTTP_PORT';
const serverPorts: Readonly<Record<string, number>> = { 'postgres:': 5432, 'nats:': 4222 };

/** Every address in a service's settings is that of a service that it shares a network with, on a port where that one listens. */
export function addressProblems(service: DeployedService, all: readonly DeployedService[]): string[] {
  return Object.entries(service.environment).flatMap(([name, value]) => {
    return addressesOf(name, value).flatMap(({ host, port }) => {
      const peers = all.filter((other) =>
        [...other.networks].some(([network, names]) => service.networks.has(network) && names.includes(host)),
      );
      if (peers.length === 0) return [`${service.where}: ${name}: no service ${host} is on its networks`];
      return peers.every((peer) => portsOf(peer, port).includes(port))
        ? []
        : [`${service.where}: ${name}: ${host} does not listen on ${String(port)}`];
    });
  });
}

function addressesOf(name: string, value: string): { host: string; port: number }[] {
  if (name.endsWith('_GRPC')) return [{ host: value.split(':')[0] ?? '', port: Number(value.split(':')[1]) }];
  if (name === 'CONTROL_PLANE_URLS') return value.split(',').map((named) => addressIn(named.split('=')[1] ?? ''));
  return /^(DATABASE_URL|ADMIN_DATABASE_URL|NATS_URL|USER_JWKS_URL|FAIRLEAD_URL|SIM_URL)$/.test(name) ? [addressIn(value)] : [];
}

function addressIn(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}

/** Where a service listens: by its settings, or, for PostgreSQL and NATS, by their protocol. */
function portsOf({ own, environment }: DeployedService, asked: number): number[] {
  if (!own) return Object.values(serverPorts).includes(asked) ? [asked] : [];
  return [httpPort, 'GRPC_PORT', 'JWKS_HTTPS_PORT', 'SIM_REPORT_PORT'].flatMap((name) =>
    environment[name] === undefined ? [] : [Number(environment[name])],
  );
}

/** Connections that are left for operators and scripts. */
const reserved = 20;

/** All replicas' pools at the height of an update fit into what PostgreSQL accepts. */
export function poolProblems(all: readonly DeployedService[], poolOf: (service: DeployedService) => number): string[] {
  const postgres = all.find(({ spec }) => spec.image.startsWith('postgres:'));
  const most = Number(/max_connections=(\d+)/.exec(postgres?.spec.command.join(' ') ?? '')?.[1] ?? 100);
  const needed = all.reduce((sum, service) => sum + poolOf(service) * replicasAtMost(service), 0);
  return needed + reserved <= most
    ? []
    : [`${postgres?.where ?? 'postgres'}: ${String(most)} connections, but services may open ${String(needed)}`];
}

function replicasAtMost({ spec }: DeployedService): number {
  if (!('endpoint_mode' in spec.deploy)) return 1;
  const { replicas = 1, update_config: update } = spec.deploy;
  return replicas + (update?.order === 'start-first' ? (update.parallelism ?? 1) : 0);
}
