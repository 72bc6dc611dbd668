import { createTokenSigner, createTokenVerifier, generateSigningKey, type TokenSigner } from '@fairlead/auth';
import { loadConfig } from '@fairlead/config';
import { FairleadError, fleetV1, placementV1 } from '@fairlead/contracts';
import { createRpcClient, defineRpcs, GrpcTransport, rpc, type Rpc, type RpcClient } from '@fairlead/rpc';
import { createLogger } from '@fairlead/telemetry';
import { configSchema, createService } from './index.js';

export type Observer = RpcClient<typeof fleetV1.FleetObserverServiceService> & { httpUrl: string; stop(): Promise<void> };

/** A placement server over gRPC and what starts observers beside it. */
export interface Stack {
  /** What placement answers: `<kind>/<shard>` to endpoint URLs; tests change it. */
  readonly shards: Map<string, string[]>;
  /** How many tenants they have, where any; tests change it. */
  readonly tenants: Map<string, number>;
  /** The version that it answers them at. */
  readonly version: { epoch: number; revision: number };
  placementCalls: () => number;
  readonly signers: Readonly<Record<'api-gateway' | 'provisioner', TokenSigner>>;
  /** Starts a real observer that takes no timed rounds beyond its first, and a client that calls as the gateway. */
  observer(env?: Record<string, string>): Promise<Observer>;
  stop(): Promise<void>;
}

const silent = createLogger({ service: 'test', level: 'silent' });

export async function startStack(database: { url: string; password: string }): Promise<Stack> {
  const keys = {
    'api-gateway': await generateSigningKey('api-gateway'),
    'fleet-observer': await generateSigningKey('fleet-observer'),
    provisioner: await generateSigningKey('provisioner'),
  };
  const jwks = { keys: Object.values(keys).map(({ publicJwk }) => publicJwk) };
  const signers = { 'api-gateway': await createTokenSigner(keys['api-gateway']), provisioner: await createTokenSigner(keys.provisioner) };
  const shards = new Map<string, string[]>();
  const tenants = new Map<string, number>();
  let placementCalls = 0;
  const version = { epoch: 1, revision: 0 };
  const placement = await startPlacement(jwks, () => {
    placementCalls += 1;
    const all = [...shards].map(([key, urls]) => shardOf(key, urls, tenants.get(key)));
    return placementV1.GetPlacementResponse.fromPartial({ ...version, shards: all });
  });
  const running: Observer[] = [];
  const observer = async (env: Record<string, string> = {}): Promise<Observer> => {
    const config = loadConfig(configSchema, {
      DATABASE_URL: database.url,
      DATABASE_PASSWORD: database.password,
      // Nothing listens there: an observer works without NATS, too.
      NATS_URL: 'nats://127.0.0.1:1',
      HTTP_PORT: '0',
      GRPC_PORT: '0',
      SERVICE_KEY: JSON.stringify(keys['fleet-observer'].privateJwk),
      TRUST_JWKS: JSON.stringify(jwks),
      PLACEMENT_GRPC: placement.address,
      FLEET_INTERVAL_MS: '3600000',
      FLEET_PROBE_TIMEOUT_MS: '500',
      // Tests change endpoints' health all the time.
      FLEET_FLAPPING_CHANGES: '1000',
      ...env,
    });
    const service = await createService(config, { logger: silent });
    const token = () => signers['api-gateway'].serviceToken();
    const client = createRpcClient(fleetV1.FleetObserverServiceService, { address: service.grpcAddress ?? '', token });
    const started = {
      ...client,
      httpUrl: service.httpUrl,
      stop: async () => {
        client.close();
        await service.stop();
      },
    };
    running.push(started);
    return started;
  };
  return {
    shards,
    tenants,
    version,
    placementCalls: () => placementCalls,
    signers,
    observer,
    stop: async () => {
      await Promise.all(running.map((one) => one.stop()));
      await placement.close();
    },
  };
}

function shardOf(key: string, urls: readonly string[], tenants = 0): placementV1.Shard {
  const [kind = '', shardId = ''] = key.split('/');
  const endpoints = urls.map((url, index) => ({ endpointId: `e${String(index + 1)}`, url }));
  return placementV1.Shard.fromPartial({ kind, shardId, endpoints, state: 'active', tenants });
}

type GetPlacement = () => placementV1.GetPlacementResponse;

/** A placement service over real gRPC that answers the one RPC the observer uses, to whom may read placement. */
async function startPlacement(jwks: Parameters<typeof createTokenVerifier>[0]['jwks'], getPlacement: GetPlacement): Promise<GrpcTransport> {
  const unused = <Request, Response>(): Rpc<Request, Response> =>
    rpc('placement.read', () => Promise.reject(new FairleadError('internal', 'not part of this test')));
  const transport = new GrpcTransport({
    host: '127.0.0.1',
    port: 0,
    verifier: createTokenVerifier({ jwks }),
    logger: silent,
    services: [
      defineRpcs(placementV1.PlacementServiceService, {
        getPlacement: rpc('placement.read', () => Promise.resolve(getPlacement())),
        listShards: unused(),
        createTenant: unused(),
        listTenants: unused(),
        getTenant: unused(),
        putShard: unused(),
        getShard: unused(),
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
