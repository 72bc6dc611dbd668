/** A control plane with something to tell, and the peer beside it, each server in a process of its own. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { JSONWebKeySet } from 'jose';
import { databaseOf, post, startGateway } from '../log/gateway.js';
import type { BenchRun } from '../run.js';
import type { BareOptions } from './bare.js';
import { routesOf, type Measured } from './routes.js';

export interface Server {
  url: string;
  pid: () => number;
}

export interface Stage {
  ours: Server;
  bare: Server;
  /** Of any part of the control plane. */
  pidOf: (name: string) => number;
  token: string;
  /** With the body that is right for each. */
  routes: (Measured & { expected: string })[];
}

/** What both have. */
const poolSize = 10;

/** Starts both, which end with the run. Throws when the two do not answer alike. */
export async function openStage(run: BenchRun): Promise<Stage> {
  const stack = await startGateway(run, {
    LOG_LEVEL: 'info',
    RATE_LIMIT_PER_MINUTE: '10000000',
    ACCESS_TOKEN_TTL_SECONDS: '86400',
    DATABASE_POOL_SIZE: String(poolSize),
  });
  const { access_token: token } = await post<{ access_token: string }>(`${stack.url}/admin/v1/auth/login`, stack.firstAdmin());
  const many = run.quick ? 10 : 50;
  await fill(stack.url, token, many);
  const { user_id: userId } = JSON.parse(await read(`${stack.url}/admin/v1/auth/me`, token)) as { user_id: string };
  const routes: Stage['routes'] = [];
  for (const route of routesOf({ userId, many })) routes.push({ ...route, expected: await read(`${stack.url}${route.path}`, token) });
  const bare = await startPeer(run, {
    databaseUrl: databaseOf(stack, 'api-gateway'),
    poolSize,
    jwks: JSON.parse(await read(`${stack.url}/.well-known/jwks.json`, token)) as JSONWebKeySet,
    whoami: JSON.parse(await read(`${stack.url}/admin/v1/auth/whoami`, token)) as Record<string, unknown>,
    bodies: Object.fromEntries(
      routes.flatMap(({ asks, path, expected }) => (asks === undefined ? [] : [[path.split('?')[0] ?? path, expected] as const])),
    ),
  });
  for (const { path, expected } of routes) {
    const answered = await read(`${bare.url}${path}`, token);
    if (answered !== expected) throw new Error(`${path} is answered with ${expected} by us, and with ${answered} by the peer`);
  }
  const pidOf = (name: string) => stack.pids()[name] ?? NaN;
  return { ours: { url: stack.url, pid: () => pidOf('api-gateway') }, bare, pidOf, token, routes };
}

/** So many users, with the first admin, and tenants. Throws when the lists do not have them. */
async function fill(url: string, token: string, many: number): Promise<void> {
  for (const kind of ['aggregate', 'projection', 'runner']) await put(`${url}/admin/v1/shards/${kind}/${kind}-1`, token);
  for (let n = 1; n <= many; n += 1) {
    const name = String(n).padStart(2, '0');
    await post(`${url}/admin/v1/tenants`, { tenant_id: `tenant-${name}`, name: `Tenant ${name}` }, token);
    if (n === many) continue;
    await post(
      `${url}/admin/v1/users`,
      { email: `user-${name}@example.com`, password: `a long one, of ${name}`, roles: ['viewer'] },
      token,
    );
  }
  for (const list of ['users', 'tenants']) {
    const { items } = JSON.parse(await read(`${url}/admin/v1/${list}?limit=200`, token)) as { items: unknown[] };
    if (items.length !== many) throw new Error(`there are ${String(items.length)} ${list}, not ${String(many)}`);
  }
}

async function put(url: string, token: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ endpoints: [{ endpoint_id: 'endpoint-1', url: 'http://127.0.0.1:9' }] });
  const response = await fetch(url, { method: 'PUT', headers, body });
  if (!response.ok) throw new Error(`${url} was answered with ${String(response.status)}: ${await response.text()}`);
}

async function read(url: string, token: string): Promise<string> {
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  if (!response.ok) throw new Error(`${url} was answered with ${String(response.status)}: ${await response.text()}`);
  return response.text();
}

/** With the flags of the gateway, and a file for its log as the gateway has one. */
async function startPeer(run: BenchRun, options: BareOptions): Promise<Server> {
  const log = openSync(join(run.folder, 'bare.log'), 'a', 0o600);
  const child = fork(fileURLToPath(new URL('./bare-process.js', import.meta.url)), { stdio: ['ignore', log, 'inherit', 'ipc'] });
  closeSync(log);
  const exited = once(child, 'exit');
  run.defer(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  child.send(options);
  const ended = exited.then(([code]) => {
    throw new Error(`the peer ended with ${String(code)}`);
  });
  ended.catch(() => undefined);
  const [{ url }] = (await Promise.race([once(child, 'message'), ended])) as [{ url: string }];
  return { url, pid: () => child.pid ?? NaN };
}
