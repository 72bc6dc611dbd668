import { createAnchorVerifier, type AnchorVerifier } from '@fairlead/audit-chain';
import { createTokenSigner, generateSigningKey, type TokenSigner } from '@fairlead/auth';
import { loadConfig } from '@fairlead/config';
import {
  auditV1,
  chainV1,
  FairleadError,
  logV1,
  newId,
  projectionsV1,
  type ControlPlaneService,
  type EventCatalogue,
  type Permission,
  tenantPath,
  type Role,
} from '@fairlead/contracts';
import { createAppender, type EventMeta, type NewEvent } from '@fairlead/event-log';
import { openDatabase, schemaOf, type Database } from '@fairlead/postgres';
import { createRpcClient, type RpcClient } from '@fairlead/rpc';
import type { RunningService } from '@fairlead/service-runtime';
import { createLogger } from '@fairlead/telemetry';
import { catalogueOf, eventually, testDatabase, testMessaging, type TestDatabase, type TestMessaging } from '@fairlead/testing';
import { configSchema, createService, migrations } from './index.js';

export type Client = RpcClient<auditV1.AuditServiceService>;
type Filter = Partial<auditV1.ListRecordsRequest>;
/** The trail takes every event as it is, so specs may make up their own. */
type AnyEvent = NewEvent<EventCatalogue>;

/** A real audit service on a real database and NATS, and the services that write the log. */
export interface Stack {
  readonly database: TestDatabase;
  readonly nats: TestMessaging;
  /** The service as it runs now. */
  readonly service: () => RunningService;
  readonly restart: () => Promise<void>;
  /** Another replica; the caller stops it. */
  readonly replica: () => Promise<RunningService>;
  /** A statement as the service that owns the events. */
  readonly writer: (name: ControlPlaneService) => Promise<Database>;
  /** Appends events as the service that owns them; answers the last one's position. */
  readonly append: (name: ControlPlaneService, ...events: AnyEvent[]) => Promise<number>;
  readonly clientWith: (token: () => string | Promise<string>) => Client;
  /** A client with a permission on some tenants alone. */
  readonly clientOn: (tenants: readonly string[], permission: Permission) => Client;
  readonly clientOf: (...roles: Role[]) => Client;
  /** The service's look into the log, and its control of projections. */
  readonly logOf: (...roles: Role[]) => RpcClient<logV1.LogServiceService>;
  readonly chainOf: (...roles: Role[]) => RpcClient<chainV1.ChainServiceService>;
  /** Reads what the service has signed. */
  readonly verifyAnchor: AnchorVerifier;
  readonly projectionsOf: (...roles: Role[]) => RpcClient<projectionsV1.ProjectionServiceService>;
  /** Lists as a viewer; throws `projection_lagging` as the service does, which waits for seconds alone. */
  readonly listOnce: (filter: Filter) => Promise<auditV1.ListRecordsResponse>;
  /** Lists as a viewer, and asks again while the trail has not reached the position asked for: a busy machine takes its time. */
  readonly list: (filter: Filter) => Promise<auditV1.ListRecordsResponse>;
  readonly stop: () => Promise<void>;
}

const logger = createLogger({ service: 'test', level: 'silent' });

/** Starts a stack, with these settings more; the caller stops it. */
export async function startStack(settings: Readonly<Record<string, string>> = {}): Promise<Stack> {
  const [database, nats] = await Promise.all([testDatabase({ service: 'audit', migrations }), testMessaging()]);
  const { config, gateway, verifyAnchor } = await configOf(database, nats, settings);
  const start = () => createService(config, { logger });
  let service = await start();
  const clients = clientsOf(() => service, gateway);
  const writers = writersOf(database);
  return {
    database,
    nats,
    service: () => service,
    restart: async () => {
      await service.stop();
      service = await start();
    },
    replica: start,
    ...clients,
    list: (filter) => caughtUp(() => clients.listOnce(filter)),
    verifyAnchor,
    writer: writers.open,
    append: writers.append,
    stop: async () => {
      clients.close();
      await writers.close();
      await service.stop();
      await Promise.all([database.drop(), nats.close()]);
    },
  };
}

async function configOf(database: TestDatabase, nats: TestMessaging, settings: Readonly<Record<string, string>>) {
  const [own, gatewayKey] = await Promise.all([generateSigningKey('audit'), generateSigningKey('api-gateway')]);
  const config = loadConfig(configSchema, {
    ...{ HTTP_PORT: '0', GRPC_PORT: '0' },
    ...{ SERVICE_KEY: JSON.stringify(own.privateJwk), TRUST_JWKS: JSON.stringify({ keys: [own.publicJwk, gatewayKey.publicJwk] }) },
    ...{ DATABASE_URL: database.url, DATABASE_PASSWORD: database.password },
    ...{ NATS_URL: nats.url, NATS_TOKEN: nats.token, NATS_NAMESPACE: nats.namespace },
    ...settings,
  });
  return { config, gateway: await createTokenSigner(gatewayKey), verifyAnchor: createAnchorVerifier({ keys: [own.publicJwk] }) };
}

function clientsOf(service: () => RunningService, gateway: TokenSigner) {
  const open: { close(): void }[] = [];
  const kept = <Opened extends { close(): void }>(client: Opened) => {
    open.push(client);
    return client;
  };
  const optionsWith = (token: () => string | Promise<string>) => ({ address: service().grpcAddress ?? '', token });
  const optionsOf = (roles: Role[]) => optionsWith(() => gateway.signUser({ userId: newId('user'), email: 'ada@example.org', roles }, 60));
  const clientWith = (token: () => string | Promise<string>) => kept(createRpcClient(auditV1.AuditServiceService, optionsWith(token)));
  const clientOf = (...roles: Role[]) => kept(createRpcClient(auditV1.AuditServiceService, optionsOf(roles)));
  let viewer: { address?: string; client: Client } = { client: clientOf('viewer') };
  return {
    clientWith,
    clientOf,
    clientOn: (tenants: readonly string[], permission: Permission) =>
      clientWith(() => {
        const grants = new Map(tenants.map((tenant) => [tenantPath(tenant), new Set([permission])]));
        return gateway.signUser({ userId: newId('user'), email: 'part@example.org', roles: [], grants }, 60);
      }),
    logOf: (...roles: Role[]) => kept(createRpcClient(logV1.LogServiceService, optionsOf(roles))),
    chainOf: (...roles: Role[]) => kept(createRpcClient(chainV1.ChainServiceService, optionsOf(roles))),
    projectionsOf: (...roles: Role[]) => kept(createRpcClient(projectionsV1.ProjectionServiceService, optionsOf(roles))),
    listOnce: (filter: Filter) => {
      const address = service().grpcAddress;
      if (viewer.address !== address) viewer = { address, client: clientOf('viewer') };
      return viewer.client.listRecords(auditV1.ListRecordsRequest.fromPartial(filter));
    },
    close: () => {
      for (const client of open) client.close();
    },
  };
}

async function caughtUp<T>(list: () => Promise<T>): Promise<T> {
  const outcome = await eventually(
    async () => {
      try {
        return { listed: await list() };
      } catch (error) {
        if (error instanceof FairleadError && error.code === 'projection_lagging') throw error;
        return { error };
      }
    },
    { timeoutMs: 40_000, what: 'the trail to reach a position' },
  );
  if (outcome.listed === undefined) throw outcome.error;
  return outcome.listed;
}

function writersOf(database: TestDatabase) {
  const opened = new Map<ControlPlaneService, Database>();
  const open = async (name: ControlPlaneService) => {
    const known = opened.get(name);
    if (known !== undefined) return known;
    const db = await openDatabase({
      ...database.access(name),
      schema: schemaOf(name),
      applicationName: 'test-writer',
      poolSize: 2,
      logger,
    });
    opened.set(name, db);
    return db;
  };
  return {
    open,
    append: async (name: ControlPlaneService, ...events: AnyEvent[]) => {
      const appender = createAppender({ sql: await open(name), catalogue: catalogueOf(events) });
      const outcome = await appender.append({ events });
      if (outcome.status !== 'ok') throw new Error('the append must succeed');
      return outcome.lastPosition;
    },
    close: async () => {
      for (const db of opened.values()) await db.close();
    },
  };
}

/** Metadata of a request of its own. */
export function meta(more: Partial<EventMeta> = {}): Partial<EventMeta> {
  return { principal: 'user:usr_ada', request_id: newId('request'), correlation_id: newId('correlation'), ...more };
}

/** An event of a job. */
export function jobEvent(jobId: string, type: string, payload: Record<string, unknown> = {}): AnyEvent {
  return { aggregateType: 'job', aggregateId: jobId, type, payload, meta: meta({ job_id: jobId }) };
}

/** The positions of a page. */
export function positionsOf({ records }: auditV1.ListRecordsResponse): number[] {
  return records.map(({ position }) => position);
}
