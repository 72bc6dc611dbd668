import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { loadConfig } from '@fairlead/config';
import { placedKinds, type PlacedKind } from '@fairlead/contracts';
import { createPlacementPublisher, type PlacementSource, type ShardEntry } from '@fairlead/placement-map';
import { readPlacementFiles, writePlacementFiles } from '@fairlead/placement-map/files';
import { createLogger } from '@fairlead/telemetry';
import { eventually, testFolder, testMessaging, type TestMessaging } from '@fairlead/testing';
import { configSchema, createSim, type Sim } from './index.js';

// Much of it waits for disks and timers, which take their time on a busy machine.
/** The fleet with placement from files, until a real NATS has one. */
const logger = createLogger({ service: 'spec', level: 'silent' });
let messaging: TestMessaging;
let sim: Sim;

beforeAll(async () => {
  messaging = await testMessaging();
});
afterEach(() => sim.stop());
afterAll(() => messaging.close());

const get = async (url: string) => (await (await fetch(url)).json()) as Record<string, unknown>;
const report = () => get(`${sim.url}/sim/report`);

type Described = { kind: ShardEntry['kind']; shard_id: string; endpoints: { endpoint_id: string; url: string }[] };

/** Where the shards of the running fleet listen. */
async function shardEntries(): Promise<ShardEntry[]> {
  const { shards } = (await get(`${sim.url}/sim/topology`)) as { shards: Described[] };
  return shards.map(({ kind, shard_id: shardId, endpoints }) => ({
    kind,
    shardId,
    endpoints: endpoints.map(({ endpoint_id: endpointId, url }) => ({ endpointId, url })),
    weight: 1,
    labels: {},
    state: 'active',
  }));
}

async function placement(revision: number, tenants: readonly string[]): Promise<PlacementSource> {
  const map = (kind: PlacedKind) => new Map(tenants.map((tenant) => [tenant, `${kind}-1`]));
  const maps = { aggregate: map('aggregate'), projection: map('projection'), runner: map('runner') };
  return { epoch: 1, revision, maps, shards: await shardEntries() };
}

async function start(env: Record<string, string>): Promise<void> {
  const given = { FLEET_TOKEN: 'token', NATS_TOKEN: messaging.token, NATS_NAMESPACE: messaging.namespace, SIM_RATE: '60', ...env };
  sim = await createSim(loadConfig(configSchema, given), { logger });
}

async function gatewayStates(): Promise<Record<string, unknown>[]> {
  const gateways = (await shardEntries()).filter(({ kind }) => kind === 'gateway');
  return Promise.all(gateways.map(({ endpoints }) => get(`${endpoints[0]?.url ?? ''}/admin/state`)));
}

/** What a gateway answers to a command that the tenant's shard does not expect: it knows the tenant, or not. */
async function codeOf(tenant: string): Promise<unknown> {
  const gateway = (await shardEntries()).find(({ kind }) => kind === 'gateway')?.endpoints[0]?.url ?? '';
  const response = await fetch(`${gateway}/tenants/${tenant}/runner/commands`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ seq: 1_000_000 }),
  });
  return ((await response.json()) as Record<string, unknown>)['code'];
}

const applied = (epoch: number, revision: number) =>
  eventually(async () => (await gatewayStates()).every((state) => state['epoch'] === epoch && state['revision'] === revision), {
    what: `all gateways at ${String(epoch)}/${String(revision)}`,
  });

describe('simulated fleet with placement from files', () => {
  it('serves from files without NATS, takes an edit hot, and goes by KV once that has one', async () => {
    const [state, files] = [testFolder('fleet-files'), testFolder('fleet-config')];
    const env = { SIM_STATE_DIR: state, SIM_PLACEMENT_FILES_DIR: files, SIM_TENANTS: '2' };
    await start({ ...env, NATS_URL: 'nats://127.0.0.1:1' });
    await writePlacementFiles(files, await placement(3, ['tenant-01', 'tenant-02']));
    await eventually(async () => ((await report())['applied'] as number) > 30, { what: 'commands to be applied', timeoutMs: 20_000 });
    await applied(1, 3);
    expect(await codeOf('tenant-03')).toBe('tenant_unknown');
    // The same version with another tenant.
    await writePlacementFiles(files, await placement(3, ['tenant-01', 'tenant-02', 'tenant-03']));
    await eventually(async () => (await codeOf('tenant-03')) === 'command_gap', { what: 'the edit to be applied' });

    // Started from what was applied, which came from files: an edit made meanwhile is taken at the same version.
    await sim.stop();
    const sameShards = (await readPlacementFiles(files)).shards;
    const edited = { ...(await readPlacementFiles(files)), shards: sameShards };
    for (const kind of placedKinds) (edited.maps[kind] as Map<string, string>).set('tenant-04', `${kind}-1`);
    await writePlacementFiles(files, edited);
    await start({ ...env, NATS_URL: messaging.url });
    await eventually(async () => (await codeOf('tenant-04')) === 'command_gap', { what: 'the edit made meanwhile to be applied' });

    const publisher = createPlacementPublisher({ messaging: messaging.messaging, logger });
    await publisher.publish(await placement(3, ['tenant-01', 'tenant-02']));
    await eventually(async () => (await codeOf('tenant-04')) === 'tenant_unknown', { what: 'KV to win' });
    await writePlacementFiles(files, await placement(9, ['tenant-01', 'tenant-02', 'tenant-04']));
    await publisher.publish(await placement(4, ['tenant-01', 'tenant-02']));
    await applied(1, 4);
    expect(await codeOf('tenant-04')).toBe('tenant_unknown');
    await publisher.close();
    expect(await report()).toMatchObject({ lost: 0, doubled: 0, wrong_owner: 0 });
  });

  it('knows the sample files, which name the ports of a fleet that begins at 7500', async () => {
    const sample = await readPlacementFiles(join(import.meta.dirname, '../../../config'));
    await start({ SIM_STATE_DIR: testFolder('fleet-sample'), NATS_URL: 'nats://127.0.0.1:1' });
    const shards = await shardEntries();
    const names = (entries: readonly ShardEntry[]) => entries.map(({ kind, shardId }) => `${kind}/${shardId}`);
    expect(names(sample.shards)).toEqual(names(shards));
    // Members ask for their ports in the order in which they are listed.
    expect(sample.shards.map(({ endpoints }) => endpoints)).toEqual(
      shards.map(({ endpoints }, index) =>
        endpoints.map(({ endpointId }) => ({ endpointId, url: `http://127.0.0.1:${String(7500 + index)}` })),
      ),
    );
    const { tenants } = (await get(`${sim.url}/sim/topology`)) as { tenants: { tenant_id: string }[] };
    for (const kind of placedKinds) expect([...sample.maps[kind].keys()]).toEqual(tenants.map(({ tenant_id }) => tenant_id));
    // Below what a control plane publishes, so that it always wins.
    expect(sample.epoch).toBe(0);
  });
});
