import type { ServiceDefinition } from '@grpc/grpc-js';
import { spanTarget } from '@fairlead/config';
import { describeError, natsInbox, type ControlPlaneService } from '@fairlead/contracts';
import {
  createRemoteKeys,
  createTokenSigner,
  createTokenVerifier,
  parseJwks,
  parsePrivateJwk,
  type KeySource,
  type TokenSigner,
  type TokenVerifier,
} from '@fairlead/auth';
import { createAuditGate, type AuditGate } from '@fairlead/event-log';
import { failpointFolder } from '@fairlead/failpoints';
import { connectMessaging, type Messaging } from '@fairlead/messaging';
import { openDatabase, roleOf, schemaOf, type Database, type EntityClass, type MigrationClass } from '@fairlead/postgres';
import { createRpcClient, type RpcClient } from '@fairlead/rpc';
import { createLogger, createMetrics, createTracing, currentContext, type Logger, type Registry, type Tracing } from '@fairlead/telemetry';
import { readByHttps, tlsFilesOf, watchTls, type TlsSource } from '@fairlead/tls';
import type { ServiceConfig } from './config.js';

/** Has the streams of the log in its account (libs/contracts/src/nats-access.ts). */
const streamMaker: ControlPlaneService = 'audit';

/** What a service works with: its log, metrics, database, bus, keys, and clients of other services. */
export interface ServiceResources {
  readonly name: ControlPlaneService;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly tracing: Tracing;
  readonly database: Database;
  readonly messaging: Messaging;
  readonly signer: TokenSigner;
  readonly verifier: TokenVerifier;
  /** The service's certificate and whom it trusts; undefined where the services speak plain text. */
  readonly tls: TlsSource | undefined;
  /** Asked before a privileged change is begun. */
  readonly auditGate: AuditGate;
  /** A client of another service; calls carry this service's token, on behalf of the principal at hand. */
  client<Definition extends ServiceDefinition>(definition: Definition, address: string): RpcClient<Definition>;
  /** Closes clients, bus and pool, and sends the last spans. */
  close(): Promise<void>;
}

export interface ResourceOptions {
  name: ControlPlaneService;
  config: ServiceConfig;
  entities?: readonly EntityClass[];
  migrations?: readonly MigrationClass[];
  logger?: Logger;
}

/**
 * Opens what a service works with. Postgres must answer; NATS may come later. Throws before anything is left
 * open when a key can't be read.
 */
export async function openResources(options: ResourceOptions): Promise<ServiceResources> {
  const { name, config } = options;
  const logger = options.logger ?? createLogger({ service: name, level: config.LOG_LEVEL });
  const failpoints = failpointFolder();
  if (failpoints !== undefined)
    logger.warn({ folder: failpoints }, 'failpoints are on: this process can be made to die or stand still by files');
  const registry = createMetrics({ service: name, version: config.FAIRLEAD_VERSION, gitSha: config.FAIRLEAD_GIT_SHA });
  const signer = await createTokenSigner({ privateJwk: parsePrivateJwk(config.SERVICE_KEY) });
  const jwks = parseJwks(config.TRUST_JWKS);
  const files = tlsFilesOf(config);
  const tls = files === undefined ? undefined : watchTls({ files, peer: name, logger, registry });
  const userKeys = config.USER_JWKS_URL === undefined ? undefined : userKeysAt(config.USER_JWKS_URL, tls, logger);
  const verifier = createTokenVerifier({ jwks, userKeys });
  const url = new URL(config.DATABASE_URL);
  if (url.username === '') url.username = roleOf(name);
  const database = await openDatabase({
    url: url.href,
    password: config.DATABASE_PASSWORD,
    schema: schemaOf(name),
    entities: options.entities,
    migrations: options.migrations,
    poolSize: config.DATABASE_POOL_SIZE,
    applicationName: `fairlead-${name}`,
    logger,
  });
  const tracing = createTracing({ service: name, version: config.FAIRLEAD_VERSION, logger, registry, ...spanTarget(config) });
  const messaging = await connectMessaging({
    url: config.NATS_URL,
    user: config.NATS_USER,
    token: config.NATS_TOKEN,
    tls,
    namespace: config.NATS_NAMESPACE,
    replicas: config.NATS_REPLICAS,
    makesStreams: name === streamMaker,
    inboxPrefix: natsInbox(name),
    name,
    logger,
    registry,
    tracing,
  });
  const clients: { close(): void }[] = [];
  return {
    name,
    logger,
    registry,
    tracing,
    database,
    messaging,
    signer,
    verifier,
    tls,
    auditGate: createAuditGate({
      sql: database,
      maxEvents: config.AUDIT_CHAIN_LAG_LIMIT_EVENTS,
      maxAgeMs: config.AUDIT_CHAIN_LAG_LIMIT_MS,
    }),
    client: (definition, address) => {
      const client = createRpcClient(definition, { address, tracing, tls, token: () => signer.serviceToken(currentContext()?.principal) });
      clients.push(client);
      return client;
    },
    close: async () => {
      for (const client of clients) client.close();
      await messaging.close();
      await database.close();
      await tracing.close();
      tls?.close();
    },
  };
}

/** The gateway's keys, from a key set at a URL: by HTTPS from nobody but the gateway, where the services have certificates. */
function userKeysAt(url: string, tls: TlsSource | undefined, logger: Logger): KeySource {
  if (tls === undefined || !url.startsWith('https:')) return createRemoteKeys(url, 'api-gateway');
  let problem: string | undefined;
  const read = async () => {
    try {
      const text = await readByHttps(url, { source: tls, server: 'api-gateway', timeoutMs: 2_000, maxBytes: 65_536 });
      problem = undefined;
      return text;
    } catch (error) {
      const said = describeError(error);
      if (said !== problem) logger.warn({ url, error: said }, "the gateway's keys can't be read; those that are known stay in use");
      problem = said;
      throw error;
    }
  };
  return createRemoteKeys(url, 'api-gateway', { read });
}
