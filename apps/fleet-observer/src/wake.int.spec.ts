// What wakes the observation. Real: NATS with JetStream, Postgres, the observer over gRPC, endpoints over HTTP.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { PlacedKind } from '@fairlead/contracts';
import { ensureStream, streamConfig } from '@fairlead/messaging';
import { createPlacementPublisher, type ShardEntry } from '@fairlead/placement-map';
import { createLogger } from '@fairlead/telemetry';
import { eventually, testDatabase, testMessaging, type TestDatabase, type TestMessaging } from '@fairlead/testing';
import { migrations } from './index.js';
import { startManagedEndpoint, type ManagedEndpoint } from './managed-endpoint.fixture.js';
import { startStack, type Observer, type Stack } from './observer.fixture.js';

const silent = createLogger({ service: 'test', level: 'silent' });

let database: TestDatabase;
let nats: TestMessaging;
let stack: Stack;
let observer: Observer;
let endpoint: ManagedEndpoint;

// Loaded machines take their time; a hang still ends.
/** What was started, to be ended in reverse even when the start broke off half-way. */
const cleanups: (() => Promise<void>)[] = [];

beforeAll(async () => {
  database = await testDatabase({ service: 'fleet-observer', migrations });
  cleanups.push(() => database.drop());
  nats = await testMessaging();
  cleanups.push(() => nats.close());
  endpoint = await startManagedEndpoint();
  cleanups.push(() => endpoint.stop());
  const { messaging } = nats;
  await ensureStream(await messaging.manager(), streamConfig(messaging.topology.streams.evt, { replicas: 1, firstSequence: 1 }), silent);
  stack = await startStack(database);
  cleanups.push(() => stack.stop());
  observer = await stack.observer({ NATS_URL: nats.url, NATS_NAMESPACE: nats.namespace });
});

afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

const keysOf = async () => (await observer.getSnapshot({ maxAgeMs: 0 })).endpoints.map(({ shardId }) => shardId);

describe('the observation', () => {
  // As long as KV tells nothing, placement is asked.
  it.each(['placement_map', 'shard'])('is woken by events of %s, many at once by few', async (aggregateType) => {
    const before = stack.placementCalls();
    stack.shards.set('runner/r-0', [endpoint.url]);
    const client = nats.messaging.jetstream();
    const subject = nats.messaging.topology.subjects.event(aggregateType, 'any', 'changed');
    for (let sent = 0; sent < 50; sent++) await client.publish(subject, JSON.stringify({ position: sent }));
    await eventually(async () => (await keysOf()).join() === 'r-0', { what: 'the shard that placement tells of' });
    stack.shards.clear();
    await eventually(async () => (await keysOf()).length === 0, { what: 'the shard to go' });
    expect(stack.placementCalls() - before).toBeLessThan(20);
  });

  const publish = async (revision: number, ...shardIds: string[]) => {
    const maps: Record<PlacedKind, ReadonlyMap<string, string>> = { aggregate: new Map(), projection: new Map(), runner: new Map() };
    const shards = shardIds.map((shardId): ShardEntry => {
      return { kind: 'runner', shardId, endpoints: [{ endpointId: 'e1', url: endpoint.url }], weight: 1, labels: {}, state: 'active' };
    });
    const publisher = createPlacementPublisher({ messaging: nats.messaging, logger: silent });
    await publisher.publish({ epoch: 1, revision, maps, shards });
    await publisher.close();
  };

  it('is woken by KV, and asks placement no more once KV tells', async () => {
    expect(await keysOf()).toEqual([]);
    await publish(1, 'r-1');
    await eventually(async () => (await keysOf()).join() === 'r-1', { what: 'the shard that KV shows' });
    await publish(2, 'r-1', 'r-2');
    await eventually(async () => (await keysOf()).join() === 'r-1,r-2', { what: 'the shard that KV shows later' });
    const calls = stack.placementCalls();
    await observer.getSnapshot({ maxAgeMs: 1 });
    expect(stack.placementCalls()).toBe(calls);
    // A shard that KV does not show yet is looked for where it is decided.
    stack.shards.set('runner/r-3', [endpoint.url]);
    expect((await observer.checkShard({ kind: 'runner', shardId: 'r-3' })).endpoints).toMatchObject([{ ready: true }]);
  });

  it('asks placement again while KV shows an older one than another replica went by', async () => {
    Object.assign(stack.version, { epoch: 1, revision: 3 });
    stack.shards.clear();
    stack.shards.set('runner/r-2', [endpoint.url]).set('runner/r-4', [endpoint.url]);
    const other = await stack.observer();
    await other.getSnapshot({ maxAgeMs: 1 });
    await eventually(
      async () => {
        await observer.getSnapshot({ maxAgeMs: 1 });
        return (await keysOf()).join() === 'r-2,r-4';
      },
      { what: 'the shards that placement tells of' },
    );
    await publish(3, 'r-2', 'r-4', 'r-5');
    await eventually(async () => (await keysOf()).join() === 'r-2,r-4,r-5', { what: 'the shard that KV shows' });
    await other.stop();
    const calls = stack.placementCalls();
    await observer.getSnapshot({ maxAgeMs: 1 });
    expect(stack.placementCalls()).toBe(calls);
  });
});
