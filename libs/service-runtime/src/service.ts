import 'reflect-metadata';
import { Module, type DynamicModule, type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Histogram } from 'prom-client';
import type { TokenVerifier } from '@fairlead/auth';
import type { ControlPlaneService } from '@fairlead/contracts';
import { GrpcTransport, type RpcService } from '@fairlead/rpc';
import type { Logger } from '@fairlead/telemetry';
import { HealthModule, type ReadinessCheck } from './health.js';
import type { ServiceResources } from './resources.js';

/** A service that serves. */
export interface RunningService {
  readonly name: ControlPlaneService;
  readonly httpUrl: string;
  /** `host:port`, for services that answer gRPC. */
  readonly grpcAddress?: string;
  /** Drains and ends; resolves when nothing of it is left. Repeats answer the same promise. */
  stop(): Promise<void>;
}

export interface StartOptions {
  resources: ServiceResources;
  config: { HTTP_HOST: string; HTTP_PORT: number; GRPC_HOST?: string; GRPC_PORT?: number };
  /** gRPC services to answer. */
  rpcs?: readonly RpcService[];
  /** How long the reader of an RPC's stream may take nothing of what waits for it; 30 s when not given. */
  stallMs?: number;
  /** Who tells the callers of RPCs; the resources' own when it is left out. */
  verifier?: TokenVerifier;
  /** Readiness checks beyond Postgres, migrations and NATS. */
  checks?: readonly ReadinessCheck[];
  /** HTTP modules beyond the health routes. */
  imports?: readonly DynamicModule[];
  /** Hooks, filters and the like, before the server listens. */
  configure?: (app: NestFastifyApplication) => void | Promise<void>;
  adapter?: FastifyAdapter;
  /** Work to end while servers and resources are still there; in this order. */
  onDrain?: readonly (() => Promise<void> | void)[];
}

@Module({})
class ServiceModule {}

/** Starts a service's HTTP and gRPC servers around its resources. Frees the resources again when that fails. */
export async function startService(options: StartOptions): Promise<RunningService> {
  const { resources, config } = options;
  try {
    return await listen(options);
  } catch (error) {
    await stopAll(options.onDrain ?? [], resources.logger);
    await resources.close();
    throw new Error(`${resources.name} can't start on ${config.HTTP_HOST}:${String(config.HTTP_PORT)}`, { cause: error });
  }
}

async function listen(options: StartOptions): Promise<RunningService> {
  const { resources, config } = options;
  const { name, logger } = resources;
  const draining = { value: false };
  const checks = [...standardChecks(resources, draining), ...(options.checks ?? [])];
  const root: DynamicModule = {
    module: ServiceModule,
    imports: [HealthModule.of({ service: name, registry: resources.registry, checks }), ...(options.imports ?? [])],
  };
  const adapter = options.adapter ?? new FastifyAdapter({ bodyLimit: 1_048_576, forceCloseConnections: true });
  const app = await NestFactory.create<NestFastifyApplication>(root, adapter, { logger: nestLogger(logger), abortOnError: false });
  const transport = options.rpcs === undefined ? undefined : grpcTransport(options);
  try {
    await options.configure?.(app);
    if (transport !== undefined) {
      app.connectMicroservice({ strategy: transport });
      await app.startAllMicroservices();
    }
    await app.listen(config.HTTP_PORT, config.HTTP_HOST);
  } catch (error) {
    await app.close();
    await transport?.close();
    throw error;
  }
  const bound = app.getHttpServer().address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : config.HTTP_PORT;
  logger.info({ http_port: port, grpc: transport?.address }, `${name} is up`);
  let stopping: Promise<void> | undefined;
  const stop = async () => {
    draining.value = true;
    await stopAll(options.onDrain ?? [], logger);
    await app.close();
    await resources.close();
    logger.info(`${name} has stopped`);
  };
  return {
    name,
    httpUrl: `http://${config.HTTP_HOST}:${String(port)}`,
    grpcAddress: transport?.address,
    stop: () => (stopping ??= stop()),
  };
}

async function stopAll(hooks: readonly (() => Promise<void> | void)[], logger: Logger): Promise<void> {
  for (const hook of hooks) {
    try {
      await hook();
    } catch (error) {
      logger.error({ err: error }, 'a part of the service did not end cleanly');
    }
  }
}

function grpcTransport(options: StartOptions): GrpcTransport {
  const { resources, config } = options;
  const duration = new Histogram({
    name: 'fairlead_rpc_duration_seconds',
    help: 'How long RPCs took, by method and outcome.',
    labelNames: ['method', 'code'],
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10],
    registers: [resources.registry],
  });
  return new GrpcTransport({
    host: config.GRPC_HOST ?? '127.0.0.1',
    port: config.GRPC_PORT ?? 0,
    services: options.rpcs ?? [],
    stallMs: options.stallMs,
    verifier: options.verifier ?? resources.verifier,
    auditGate: resources.auditGate,
    tls: resources.tls,
    logger: resources.logger,
    tracing: resources.tracing,
    observe: (method, code, seconds) => {
      duration.observe({ method, code }, seconds);
    },
  });
}

function standardChecks(resources: ServiceResources, draining: { value: boolean }): ReadinessCheck[] {
  const { database, messaging } = resources;
  return [
    { name: 'serving', required: true, check: () => Promise.resolve(draining.value ? 'the service is stopping' : undefined) },
    {
      name: 'postgres',
      required: true,
      check: async () => {
        await database.ping();
        return undefined;
      },
    },
    {
      name: 'migrations',
      required: true,
      check: async () => {
        const pending = await database.pendingMigrations();
        return pending.length === 0 ? undefined : `not applied: ${pending.join(', ')}`;
      },
    },
    { name: 'nats', required: false, check: () => Promise.resolve(messaging.connected() ? undefined : 'not connected') },
  ];
}

/** Nest's own messages, in the service's log. */
function nestLogger(logger: Logger): LoggerService {
  const context = (params: unknown[]) => {
    const last = params.at(-1);
    return typeof last === 'string' ? { nest: last } : {};
  };
  return {
    log: (message: unknown, ...params: unknown[]) => {
      logger.debug(context(params), String(message));
    },
    warn: (message: unknown, ...params: unknown[]) => {
      logger.warn(context(params), String(message));
    },
    error: (message: unknown, ...params: unknown[]) => {
      logger.error({ ...context(params), ...(message instanceof Error ? { err: message } : {}) }, String(message));
    },
    debug: (message: unknown, ...params: unknown[]) => {
      logger.trace(context(params), String(message));
    },
    verbose: (message: unknown, ...params: unknown[]) => {
      logger.trace(context(params), String(message));
    },
  };
}
