import { randomUUID } from 'node:crypto';
import { Writable } from 'node:stream';
import { loadConfig } from '@fairlead/config';
import type { Role } from '@fairlead/contracts';
import {
  createRemoteKeys,
  createTokenSigner,
  createTokenVerifier,
  generateSigningKey,
  type KeySource,
  type PrivateJwk,
  type TokenSigner,
} from '@fairlead/auth';
import type { RunningService } from '@fairlead/service-runtime';
import { createLogger } from '@fairlead/telemetry';
import { configSchema, createService, type Overrides } from '../index.js';
import { startPeers, type Peers } from './peers.js';

/** Where the specs' real Postgres and NATS are. */
export interface Servers {
  readonly database: { url: string; password: string };
  readonly nats: { url: string; token?: string; namespace: string };
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/** For specs: the gateway as it runs, its peers, its log, and a way to call it. */
export interface TestGateway {
  readonly service: RunningService;
  readonly peers: Peers;
  /** Every log line so far. */
  readonly lines: string[];
  readonly signer: TokenSigner;
  /** What it signs with, to forge what is almost right. */
  readonly key: PrivateJwk;
  /** A token of a user with these roles, whom the gateway need not know. */
  token(...roles: Role[]): Promise<string>;
  /** A POST has an idempotency key of its own, a PATCH is for whatever is there, unless the headers say otherwise; an empty one is none. */
  call(method: string, path: string, options?: { token?: string; body?: unknown; headers?: Record<string, string> }): Promise<Answer>;
  /** Another gateway like this one, on the same database and peers. */
  another(env?: Record<string, string>): Promise<RunningService>;
  stop(): Promise<void>;
}

/** Starts the peers and the gateway, on free ports. */
export async function startGateway(servers: Servers, env: Record<string, string> = {}, overrides: Overrides = {}): Promise<TestGateway> {
  const keys = await Promise.all(['api-gateway', 'placement'].map((issuer) => generateSigningKey(issuer)));
  const [own] = keys;
  if (own === undefined) throw new Error('no key');
  const jwks = { keys: keys.map(({ publicJwk }) => publicJwk) };
  const silent = createLogger({ service: 'test', level: 'silent' });
  const far: { keys?: KeySource } = {};
  // As in the services: the gateway's own keys, and those that it tells.
  const userKeys: KeySource = { find: (kid) => far.keys?.find(kid) ?? Promise.resolve(undefined) };
  const peers = await startPeers(createTokenVerifier({ jwks, userKeys }), silent);
  const { logger, lines } = capturingLogger();
  const settings = (more: Record<string, string>) =>
    loadConfig(configSchema, {
      ...{ HTTP_PORT: '0', SERVICE_KEY: JSON.stringify(own.privateJwk), TRUST_JWKS: JSON.stringify(jwks) },
      ...{ DATABASE_URL: servers.database.url, DATABASE_PASSWORD: servers.database.password },
      ...{ NATS_URL: servers.nats.url, NATS_TOKEN: servers.nats.token, NATS_NAMESPACE: servers.nats.namespace },
      ...{
        PLACEMENT_GRPC: peers.address,
        FLEET_OBSERVER_GRPC: peers.address,
        JOB_ORCHESTRATOR_GRPC: peers.address,
        AUDIT_GRPC: peers.address,
      },
      // Nobody chains here.
      AUDIT_CHAIN_LAG_LIMIT_MS: String(24 * 60 * 60 * 1_000),
      ...more,
    });
  const service = await createService(settings(env), { logger, ...overrides }).catch(async (error: unknown) => {
    await peers.close();
    throw error;
  });
  far.keys = createRemoteKeys(`${service.httpUrl}/.well-known/jwks.json`, 'api-gateway');
  const signer = await createTokenSigner(own);
  return {
    service,
    peers,
    lines,
    signer,
    key: own.privateJwk,
    token: (...roles) => signer.signUser({ userId: 'usr_test', email: 'test@example.com', roles }, 60),
    call: (method, path, options = {}) => call(service.httpUrl, method, path, options),
    another: (more = {}) => createService(settings({ ...env, ...more }), { logger, ...overrides }),
    stop: async () => {
      await service.stop();
      await peers.close();
    },
  };
}

async function call(
  url: string,
  method: string,
  path: string,
  { token, body, headers }: { token?: string; body?: unknown; headers?: Record<string, string> },
): Promise<Answer> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(method === 'POST' ? { 'idempotency-key': randomUUID() } : {}),
      ...(method === 'PATCH' ? { 'if-match': '*' } : {}),
      ...headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  // A stream goes on: that it was let in is all there is to know here.
  const isStream = response.headers.get('content-type') === 'text/event-stream';
  if (isStream) await response.body?.cancel();
  const text = isStream ? '' : await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) };
}

function capturingLogger() {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  return { lines, logger: createLogger({ service: 'api-gateway', level: 'trace', destination }) };
}
