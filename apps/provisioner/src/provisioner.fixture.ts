import { createTokenSigner, createTokenVerifier, generateSigningKey, type PrivateJwk, type TokenSigner } from '@fairlead/auth';
import { loadConfig } from '@fairlead/config';
import { FairleadError, placementV1, provisionerV1 } from '@fairlead/contracts';
import { createRpcClient, defineRpcs, GrpcTransport, rpc, type Rpc, type RpcClient } from '@fairlead/rpc';
import type { RunningService } from '@fairlead/service-runtime';
import { createLogger } from '@fairlead/telemetry';
import { configSchema, createService, type ProvisionerOverrides } from './index.js';
import { fleetToken, startManagedService, type ManagedService } from './managed-service.fixture.js';

export type Provisioner = RpcClient<typeof provisionerV1.ProvisionerServiceService>;

/** Where the provisioner's database is, and what its environment adds. */
export interface StackOptions {
  database: { url: string; password: string };
  env?: Record<string, string>;
  overrides?: ProvisionerOverrides;
}

/** A real provisioner between a job orchestrator's client, a placement server and managed services. */
export interface Stack {
  /** Calls as the job orchestrator. */
  readonly client: Provisioner;
  readonly address: string;
  readonly signers: Readonly<Record<'job-orchestrator' | 'api-gateway', TokenSigner>>;
  /** `aggregate` shards `a-1` and `a-2` with one endpoint each, `gateway` shard `g-1` with two. */
  readonly origin: ManagedService;
  readonly target: ManagedService;
  readonly gateways: readonly [ManagedService, ManagedService];
  /** What placement answers for `<kind>/<shard>`; tests change it. */
  readonly shards: Map<string, string[]>;
  /** How often placement was asked. */
  placementCalls: () => number;
  /** Another replica on the same database. */
  replica(overrides?: ProvisionerOverrides, env?: Record<string, string>): Promise<{ client: Provisioner; stop(): Promise<void> }>;
  stop(): Promise<void>;
}

const silent = createLogger({ service: 'test', level: 'silent' });

export async function startStack(options: StackOptions): Promise<Stack> {
  const [origin, target, ...gateways] = await Promise.all([
    startManagedService(),
    startManagedService(),
    startManagedService(),
    startManagedService(),
  ]);
  const keys = {
    'job-orchestrator': await generateSigningKey('job-orchestrator'),
    'api-gateway': await generateSigningKey('api-gateway'),
    provisioner: await generateSigningKey('provisioner'),
  };
  const jwks = { keys: Object.values(keys).map(({ publicJwk }) => publicJwk) };
  const shards = new Map([
    ['aggregate/a-1', [origin.url]],
    ['aggregate/a-2', [`${target.url}/`]],
    ['gateway/g-1', gateways.map(({ url }) => url)],
  ]);
  let placementCalls = 0;
  const placement = await startPlacement(jwks, ({ kind, shardId }) => {
    placementCalls += 1;
    const urls = shards.get(`${kind}/${shardId}`);
    if (urls === undefined) throw new FairleadError('shard_not_found', `there is no ${kind} shard ${shardId}`);
    const endpoints = urls.map((url, index) => ({ endpointId: `e${String(index + 1)}`, url }));
    return { shard: placementV1.Shard.fromPartial({ kind, shardId, endpoints }), references: [] };
  });
  const signer = (key: { privateJwk: PrivateJwk }) => createTokenSigner(key);
  const signers = { 'job-orchestrator': await signer(keys['job-orchestrator']), 'api-gateway': await signer(keys['api-gateway']) };
  const start = async (overrides: ProvisionerOverrides = {}, env: Record<string, string> = {}) => {
    const config = loadConfig(configSchema, {
      DATABASE_URL: options.database.url,
      DATABASE_PASSWORD: options.database.password,
      // The provisioner works without NATS; nothing listens there.
      NATS_URL: 'nats://127.0.0.1:1',
      HTTP_PORT: '0',
      GRPC_PORT: '0',
      SERVICE_KEY: JSON.stringify(keys.provisioner.privateJwk),
      TRUST_JWKS: JSON.stringify(jwks),
      PLACEMENT_GRPC: placement.address,
      FLEET_TOKEN: fleetToken,
      ...options.env,
      ...env,
    });
    return createService(config, { logger: silent, ...overrides });
  };
  const clientOf = (service: RunningService) =>
    createRpcClient(provisionerV1.ProvisionerServiceService, {
      address: service.grpcAddress ?? '',
      token: () => signers['job-orchestrator'].serviceToken('user:usr_anna'),
    });
  const service = await start(options.overrides);
  const client = clientOf(service);
  return {
    client,
    address: service.grpcAddress ?? '',
    signers,
    origin,
    target,
    gateways,
    shards,
    placementCalls: () => placementCalls,
    replica: async (overrides, env) => {
      const other = await start(overrides, env);
      const otherClient = clientOf(other);
      return {
        client: otherClient,
        stop: async () => {
          otherClient.close();
          await other.stop();
        },
      };
    },
    stop: async () => {
      client.close();
      await service.stop();
      await placement.close();
      await Promise.all([origin, target, ...gateways].map((managed) => managed.stop()));
    },
  };
}

type GetShard = (request: placementV1.GetShardRequest) => placementV1.GetShardResponse;

/** A placement service over real gRPC that answers the one RPC the provisioner uses, to whom may read placement. */
async function startPlacement(jwks: Parameters<typeof createTokenVerifier>[0]['jwks'], getShard: GetShard): Promise<GrpcTransport> {
  const unused = <Request, Response>(): Rpc<Request, Response> =>
    rpc('placement.read', () => Promise.reject(new FairleadError('internal', 'not part of this test')));
  const transport = new GrpcTransport({
    host: '127.0.0.1',
    port: 0,
    verifier: createTokenVerifier({ jwks }),
    logger: silent,
    services: [
      defineRpcs(placementV1.PlacementServiceService, {
        getShard: rpc('placement.read', (request) => Promise.resolve().then(() => getShard(request))),
        createTenant: unused(),
        listTenants: unused(),
        getTenant: unused(),
        putShard: unused(),
        listShards: unused(),
        getPlacement: unused(),
        moveTenant: unused(),
        planRebalance: unused(),
        whatIfShardDies: unused(),
        explainPlacement: unused(),
        getTenantBalance: unused(),
        putTenantBalance: unused(),
        setShardState: unused(),
      }),
    ],
  });
  await new Promise<void>((resolve, reject) => {
    transport.listen((error) => {
      if (error === undefined) resolve();
      else reject(error instanceof Error ? error : new Error('placement does not listen'));
    });
  });
  return transport;
}
