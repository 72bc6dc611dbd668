// Real: Postgres, NATS, the service's gRPC server with its tokens and permissions. Callers whose grants are on some tenants.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTokenSigner, generateSigningKey, type TokenSigner } from '@fairlead/auth';
import { loadConfig } from '@fairlead/config';
import { newId, placementV1, type Permission } from '@fairlead/contracts';
import { createRpcClient, type RpcClient } from '@fairlead/rpc';
import type { RunningService } from '@fairlead/service-runtime';
import { createLogger } from '@fairlead/telemetry';
import { testDatabase, testMessaging, type TestDatabase, type TestMessaging } from '@fairlead/testing';
import { configSchema, createService, migrations } from './index.js';

type Client = RpcClient<placementV1.PlacementServiceService>;

let database: TestDatabase;
let nats: TestMessaging;
let service: RunningService;
let gateway: TokenSigner;
const clients: Client[] = [];

function clientOn(scopes: readonly string[], permissions: readonly Permission[]): Client {
  const grants = new Map(scopes.map((scope) => [scope, new Set(permissions)]));
  const token = () => gateway.signUser({ userId: newId('user'), email: 'part@example.org', roles: [], grants }, 60);
  const client = createRpcClient(placementV1.PlacementServiceService, { address: service.grpcAddress ?? '', token });
  clients.push(client);
  return client;
}

beforeAll(async () => {
  [database, nats] = await Promise.all([testDatabase({ service: 'placement', migrations }), testMessaging()]);
  const [own, gatewayKey] = [await generateSigningKey('placement'), await generateSigningKey('api-gateway')];
  const config = loadConfig(configSchema, {
    ...{ HTTP_PORT: '0', GRPC_PORT: '0', SERVICE_KEY: JSON.stringify(own.privateJwk) },
    ...{ TRUST_JWKS: JSON.stringify({ keys: [own.publicJwk, gatewayKey.publicJwk] }) },
    ...{ DATABASE_URL: database.url, DATABASE_PASSWORD: database.password },
    ...{ NATS_URL: nats.url, NATS_TOKEN: nats.token, NATS_NAMESPACE: nats.namespace },
  });
  service = await createService(config, { logger: createLogger({ service: 'test', level: 'silent' }) });
  gateway = await createTokenSigner(gatewayKey);
  const everywhere = clientOn(['/'], ['tenant.write', 'placement.write']);
  for (const [kind, shardId] of [
    ['aggregate', 'a-1'],
    ['projection', 'p-1'],
    ['runner', 'r-1'],
    ['runner', 'r-2'],
  ] as const) {
    const endpoints = [{ endpointId: `${shardId}-a`, url: 'http://127.0.0.1:4000' }];
    const shard = { kind, shardId, endpoints, weight: 1, labels: {}, state: 'active' };
    await everywhere.putShard(placementV1.PutShardRequest.fromPartial({ shard }));
  }
  const placement = { aggregate: 'a-1', projection: 'p-1', runner: 'r-1' };
  for (const tenantId of ['acme', 'acme-2', 'globex'])
    await everywhere.createTenant({ tenantId, name: tenantId, placement, idempotencyKey: newId('request') });
}, 120_000);

afterAll(async () => {
  for (const client of clients) client.close();
  await service.stop();
  await Promise.all([database.drop(), nats.close()]);
});

describe('a caller whose grants are on some tenants', () => {
  it('reads these alone, one by one and as a list', async () => {
    const client = clientOn(['/tenants/acme', '/tenants/globex', '/tenants/nobody'], ['tenant.read', 'placement.read', 'tenant.write']);
    const listed = async (more: Partial<placementV1.ListTenantsRequest> = {}) =>
      (await client.listTenants({ limit: 0, after: '', kind: '', shardId: '', ...more })).tenants.map(({ tenantId }) => tenantId);
    expect(await listed()).toEqual(['acme', 'globex']);
    expect(await listed({ after: 'acme' })).toEqual(['globex']);
    expect(await listed({ kind: 'runner', shardId: 'r-1' })).toEqual(['acme', 'globex']);
    expect(await listed({ kind: 'runner', shardId: 'r-2' })).toEqual([]);
    const page = await client.listTenants({ limit: 1, after: '', kind: '', shardId: '' });
    expect([page.tenants.length, page.nextAfter]).toEqual([1, 'acme']);
    expect((await client.getTenant({ tenantId: 'acme' })).tenant?.tenantId).toBe('acme');
    await expect(client.getTenant({ tenantId: 'acme-2' })).rejects.toMatchObject({
      code: 'permission_denied',
      details: { permission: 'tenant.read', scope: '/tenants/acme-2' },
    });
    // What is the platform's is none of theirs.
    await expect(client.listShards({ kind: '' })).rejects.toMatchObject({ code: 'permission_denied' });
    await expect(client.createTenant({ tenantId: 'mine', name: 'Mine', placement: {}, idempotencyKey: 'mine' })).rejects.toMatchObject({
      code: 'permission_denied',
    });
  });

  it('reads nothing with another permission there', async () => {
    const client = clientOn(['/tenants/acme'], ['job.read']);
    await expect(client.listTenants({ limit: 0, after: '', kind: '', shardId: '' })).rejects.toMatchObject({ code: 'permission_denied' });
    await expect(client.getTenant({ tenantId: 'acme' })).rejects.toMatchObject({ code: 'permission_denied' });
  });
});
