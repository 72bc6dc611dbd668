import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { loadConfig } from '@fairlead/config';
import { placedKinds, type PlacedKind } from '@fairlead/contracts';
import { createPlacementPublisher, type PlacementPublisher, type ShardEntry } from '@fairlead/placement-map';
import { createLogger } from '@fairlead/telemetry';
import { eventually, testFolder, testMessaging, type TestMessaging } from '@fairlead/testing';
import type { Findings } from './checker/checker.js';
import { configSchema, createSim, type Sim } from './index.js';

// Much of it waits for disks and timers, which take their time on a busy machine.
/** The fleet on a real NATS: it learns placement from KV, and goes on without it. */
const logger = createLogger({ service: 'spec', level: 'silent' });
const tenants = ['tenant-01', 'tenant-02'];

let messaging: TestMessaging;
let publisher: PlacementPublisher;
let sim: Sim;

beforeAll(async () => {
  messaging = await testMessaging();
  publisher = createPlacementPublisher({ messaging: messaging.messaging, logger });
});
afterAll(async () => {
  await sim.stop();
  await publisher.close();
  await messaging.close();
});

const get = async (url: string) => (await (await fetch(url)).json()) as Record<string, unknown>;
const report = async () => (await get(`${sim.url}/sim/report`)) as unknown as Findings;

async function shardEntries(): Promise<ShardEntry[]> {
  const topology = await get(`${sim.url}/sim/topology`);
  type Described = { kind: ShardEntry['kind']; shard_id: string; endpoints: { endpoint_id: string; url: string }[]; weight: number };
  return (topology['shards'] as Described[]).map(({ kind, shard_id: shardId, endpoints, weight }) => ({
    kind,
    shardId,
    weight,
    labels: {},
    state: 'active',
    endpoints: endpoints.map(({ endpoint_id: endpointId, url }) => ({ endpointId, url })),
  }));
}

async function publish(revision: number): Promise<void> {
  const mapOf = (kind: PlacedKind) => new Map(tenants.map((tenant) => [tenant, `${kind}-1`]));
  const maps = Object.fromEntries(placedKinds.map((kind) => [kind, mapOf(kind)])) as Record<PlacedKind, Map<string, string>>;
  await publisher.publish({ epoch: 1, revision, maps, shards: await shardEntries() });
}

const servedMore = async (than: number) =>
  eventually(async () => (await report()).applied > than, { what: 'commands to be applied', timeoutMs: 20_000 });

describe('simulated fleet with placement in KV', () => {
  it('begins its load when the gateways know a placement, and serves on when NATS is gone', async () => {
    const config = loadConfig(configSchema, {
      SIM_STATE_DIR: testFolder('fleet-kv'),
      FLEET_TOKEN: 'token',
      NATS_URL: messaging.url,
      NATS_TOKEN: messaging.token,
      NATS_NAMESPACE: messaging.namespace,
      SIM_TENANTS: String(tenants.length),
      SIM_RATE: '60',
    });
    sim = await createSim(config, { logger });
    const gateway = (await shardEntries()).find(({ kind }) => kind === 'gateway')?.endpoints[0]?.url ?? '';
    expect((await fetch(`${gateway}/ready`)).status).toBe(503);
    expect(await get(`${gateway}/admin/state`)).toMatchObject({ epoch: 0, revision: 0 });
    expect((await report()).sent).toBe(0);

    await publish(7);
    await servedMore(30);
    expect((await fetch(`${gateway}/ready`)).status).toBe(200);
    expect(await get(`${gateway}/admin/state`)).toMatchObject({ epoch: 1, revision: 7 });

    await publish(8);
    await eventually(async () => (await get(`${gateway}/admin/state`))['revision'] === 8, { what: 'the next revision to be applied' });

    await sim.stop();
    // Nobody listens there: the gateways start from what they saved.
    sim = await createSim({ ...config, NATS_URL: 'nats://127.0.0.1:1' }, { logger });
    expect(await get(`${gateway}/admin/state`)).toMatchObject({ epoch: 1, revision: 8 });
    await servedMore((await report()).applied + 20);
    expect(await report()).toMatchObject({ lost: 0, doubled: 0, wrong_owner: 0 });
  });
});
