/** A whole control plane for a bench, and the ways into it. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { changesPath, type ControlPlaneService } from '@fairlead/contracts';
import { natsUsers, startStack, type Stack } from '@fairlead/dev-env';
import { roleOf } from '@fairlead/postgres';
import type { BenchRun } from '../run.js';
import type { Bus } from './bus.js';

/** Starts the whole control plane, each service in a process of its own, with settings on top; it ends with the run. */
export async function startGateway(run: BenchRun, env: Readonly<Record<string, string>> = {}): Promise<Stack> {
  const stack = await startStack({
    stateDir: join(run.folder, 'stack'),
    port: 0,
    separate: true,
    sim: false,
    log: () => undefined,
    env: { NATS_URL: '', LOG_LEVEL: 'warn', CHANGE_STREAMS_MAX_PER_PRINCIPAL: '2000', ...env },
  });
  run.defer(() => stack.stop());
  return stack;
}

/** The database, for the role of a service. */
export function databaseOf(stack: Stack, service: ControlPlaneService): string {
  const password = encodeURIComponent(read(stack, `secrets/${service}.database-password`));
  return `postgres://${roleOf(service)}:${password}@127.0.0.1:${String(portsOf(stack).postgres)}/fairlead`;
}

/** NATS, for a service. */
export function busOf(stack: Stack): Bus {
  return {
    url: `nats://127.0.0.1:${String(portsOf(stack).nats)}`,
    user: natsUsers.controlPlane,
    token: read(stack, 'secrets/nats-token'),
    namespace: '',
  };
}

/** The change stream with a filter, for an administrator's API token. */
export async function changesFrom(stack: Stack, filter: string): Promise<{ changes: string; token: string }> {
  const login = await post<{ access_token: string }>(`${stack.url}/admin/v1/auth/login`, stack.firstAdmin());
  const { token } = await post<{ token: string }>(
    `${stack.url}/admin/v1/api-tokens`,
    { name: 'bench', roles: ['admin'] },
    login.access_token,
  );
  return { changes: `${stack.url}${changesPath}?${filter}`, token };
}

function read(stack: Stack, name: string): string {
  return readFileSync(join(stack.stateDir, name), 'utf8').trim();
}

function portsOf(stack: Stack): { postgres: number; nats: number } {
  return JSON.parse(read(stack, 'ports.json')) as { postgres: number; nats: number };
}

/** Posts to the gateway, each time anew. Throws unless it is answered with a success. */
export async function post<Body>(url: string, body: object, token?: string): Promise<Body> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const headers = { 'content-type': 'application/json', 'idempotency-key': randomUUID(), ...authorization };
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(body), headers });
  if (!response.ok) throw new Error(`${url} was answered with ${String(response.status)}: ${await response.text()}`);
  return (await response.json()) as Body;
}
