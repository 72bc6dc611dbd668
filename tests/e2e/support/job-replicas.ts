/** Replicas of the job orchestrator as processes, and the sink their steps act at. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createTokenSigner, generateSigningKey } from '@fairlead/auth';
import { jobsV1, newId } from '@fairlead/contracts';
import { createRpcClient, type RpcClient } from '@fairlead/rpc';
import type { TestDatabase, TestMessaging } from '@fairlead/testing';

/** An effect as the sink has it; the list is in the order they came. */
export interface Effect {
  readonly key: string;
  readonly resource: string;
  readonly fence: number;
}

export interface SinkReport {
  readonly applied: Effect[];
  readonly refused: Effect[];
  /** Effects that had been there, and were asked for again. */
  readonly repeated: number;
}

export interface Sink {
  readonly url: string;
  report(): Promise<SinkReport>;
  stop(): void;
}

export type JobsClient = RpcClient<jobsV1.JobOrchestratorServiceService>;

export interface Replica {
  readonly pid: number;
  readonly client: JobsClient;
  /** The value of a metric; 0 when there is none. Throws when the replica does not answer. */
  metric(name: string): Promise<number>;
  signal(signal: NodeJS.Signals): void;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
}

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** Starts a process of ours; resolves with what it tells once it is ready, rejects when it ends before. */
async function startProcess(file: string, env: Record<string, string> = {}): Promise<{ child: ChildProcess; told: unknown }> {
  const child = spawn(process.execPath, [here(file)], { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const told = await Promise.race([
    once(child, 'message').then(([message]) => message as unknown),
    once(child, 'exit').then(() => Promise.reject(new Error(`${file} ended before it was ready`))),
  ]);
  return { child, told };
}

/** Starts the sink; the caller stops it. */
export async function startSink(): Promise<Sink> {
  const { child, told } = await startProcess('effect-sink.mjs');
  const { url } = told as { url: string };
  return {
    url,
    report: async () => (await (await fetch(url)).json()) as SinkReport,
    stop: () => {
      child.kill('SIGKILL');
    },
  };
}

/** Makes what starts replicas on a database and NATS, each with a lease of so long; they are called by an operator. */
export async function replicas(options: {
  database: TestDatabase;
  bus: TestMessaging;
  sink: Sink;
  leaseMs: number;
  maxConcurrent: number;
}): Promise<() => Promise<Replica>> {
  const { database, bus, sink } = options;
  const [own, gatewayKey] = await Promise.all([generateSigningKey('job-orchestrator'), generateSigningKey('api-gateway')]);
  const gateway = await createTokenSigner(gatewayKey);
  const userId = newId('user');
  const token = await gateway.signUser({ userId, email: 'chaos@example.org', roles: ['operator'] }, 3_600);
  const settings = {
    ...{ HTTP_PORT: '0', GRPC_PORT: '0', LOG_LEVEL: 'error' },
    ...{ SERVICE_KEY: JSON.stringify(own.privateJwk), TRUST_JWKS: JSON.stringify({ keys: [own.publicJwk, gatewayKey.publicJwk] }) },
    ...{ DATABASE_URL: database.url, DATABASE_PASSWORD: database.password },
    ...{ NATS_URL: bus.url, NATS_NAMESPACE: bus.namespace, ...(bus.token === undefined ? {} : { NATS_TOKEN: bus.token }) },
    // The toy asks none of them.
    ...{ PLACEMENT_GRPC: '127.0.0.1:1', PROVISIONER_GRPC: '127.0.0.1:1', FLEET_OBSERVER_GRPC: '127.0.0.1:1' },
    ...{ JOB_LEASE_MS: String(options.leaseMs), JOB_MAX_CONCURRENT: String(options.maxConcurrent) },
    // Nobody chains what they record.
    ...{ AUDIT_CHAIN_LAG_LIMIT_MS: String(24 * 60 * 60 * 1_000), AUDIT_CHAIN_LAG_LIMIT_EVENTS: '1000000000' },
  };
  const env = { REPLICA_SETTINGS: JSON.stringify({ settings, sink: sink.url }) };
  return async () => {
    const { child, told } = await startProcess('job-replica.mjs', env);
    const { grpc, http } = told as { grpc: string; http: string };
    const client = createRpcClient(jobsV1.JobOrchestratorServiceService, { address: grpc, token: () => token });
    return {
      pid: child.pid ?? 0,
      client,
      metric: async (name) => {
        const text = await (await fetch(`${http}/metrics`, { signal: AbortSignal.timeout(1_000) })).text();
        return Number(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'm').exec(text)?.[1] ?? '0');
      },
      signal: (signal) => {
        child.kill(signal);
      },
      kill: async () => {
        const gone = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
        child.kill('SIGKILL');
        await gone;
        client.close();
      },
    };
  };
}
