import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId, placedKinds } from '@fairlead/contracts';
import { readLog } from '@fairlead/event-log';
import { connectMessaging, type Messaging } from '@fairlead/messaging';
import { createPlacementPublisher, watchPlacement, type PlacementSnapshot, type PlacementWatch } from '@fairlead/placement-map';
import { createLogger, createMetrics, newContext, runInContext } from '@fairlead/telemetry';
import { eventually, testDatabase, testMessaging, type TestDatabase, type TestMessaging } from '@fairlead/testing';
import { migrations } from '../store/migrations/index.js';
import { registerTenant } from './create-tenant.js';
import { moveTenant } from './move-tenant.js';
import { startPublication, type Publication } from './publication.js';
import { putShard } from './put-shard.js';
import { afterRestoreSql } from './store/meta.js';
import { findTenant } from './store/tenants.js';

const logger = createLogger({ service: 'test', level: 'silent' });

let nats: TestMessaging;
let database: TestDatabase;
let stops: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  nats = await testMessaging();
}, 120_000);

afterAll(() => nats.close());

beforeEach(async () => {
  database = await testDatabase({ service: 'placement', migrations });
  for (const kind of placedKinds)
    for (const id of ['1', '2'])
      await putShard(
        database.db,
        { kind, shardId: `${kind}-${id}`, endpoints: [{ endpointId: 'a', url: 'http://127.0.0.1:1' }], labels: {} },
        0,
      );
}, 60_000);

afterEach(async () => {
  for (const stop of stops.reverse()) await stop();
  stops = [];
  await database.drop();
  await deleteBucket();
});

const bucket = () => `KV_${nats.messaging.topology.buckets.placement.name}`;

async function deleteBucket(): Promise<void> {
  const manager = await nats.messaging.manager();
  for await (const name of manager.streams.names()) if (name === bucket()) await manager.streams.delete(name);
}

function publishing(messaging: Messaging = nats.messaging, pollMs = 100): Publication {
  const registry = createMetrics({ service: 'test', version: '0', gitSha: '0', processMetrics: false });
  const publication = startPublication({ database: database.db, messaging, logger, registry, pollMs });
  stops.push(() => publication.stop());
  return publication;
}

function watching(): PlacementWatch & { seen: PlacementSnapshot[] } {
  const seen: PlacementSnapshot[] = [];
  const watch = watchPlacement({ messaging: nats.messaging, logger, onSnapshot: (snapshot) => void seen.push(snapshot) });
  stops.push(() => watch.stop());
  return Object.assign(watch, { seen });
}

const register = (tenantId: string) =>
  runInContext(newContext({ principal: 'service:test' }), () =>
    registerTenant({ tenantId, name: tenantId, requested: { runner: 'runner-1' } }, database.db.transaction),
  );

async function move(tenantId: string, toShardId: string) {
  const tenant = await findTenant(database.db, tenantId);
  const expectedRevision = tenant?.assignments.find(({ kind }) => kind === 'runner')?.revision ?? 0;
  const moves = [{ kind: 'runner' as const, toShardId, expectedRevision }];
  return runInContext(newContext({ principal: 'service:test' }), () =>
    moveTenant(database.db, { tenantId, moves, idempotencyKey: newId('command'), fence: 1, reason: 'test' }),
  );
}

const shows = (watch: PlacementWatch, tenantId: string, shardId: string, epoch = 1) =>
  eventually(() => watch.current()?.epoch === epoch && watch.current()?.shardOf('runner', tenantId) === shardId && watch.current(), {
    what: `${tenantId} on ${shardId} in epoch ${String(epoch)}`,
  });

/** The version that readers were told last to stand in the bucket. */
function told(): () => number | undefined {
  let revision: number | undefined;
  const { subjects } = nats.messaging.topology;
  const remove = nats.messaging.subscribeCore(subjects.placementIncrements, (message) => {
    revision = (message as { revision: number }).revision;
  });
  stops.push(() => {
    remove();
    return Promise.resolve();
  });
  return () => revision;
}

const epochEvents = () => readLog(database.db, { after: 0, limit: 10, aggregateType: 'placement_map', aggregateId: '@all' });

describe('publication', () => {
  it('brings what stands at its start, what it is told of, and what another replica committed', async () => {
    await register('acme');
    const publication = publishing();
    const watch = watching();
    await shows(watch, 'acme', 'runner-1');
    const { revision } = await move('acme', 'runner-2');
    publication.changed();
    const snapshot = await shows(watch, 'acme', 'runner-2');
    expect(snapshot.revision).toBe(revision);
    expect(snapshot.shards).toHaveLength(6);
    // Nobody tells this one.
    await move('acme', 'runner-1');
    await shows(watch, 'acme', 'runner-1');
    expect(await epochEvents()).toEqual([]);
    expect(publication.problem()).toBeUndefined();
  });

  it('publishes in a higher epoch after the bucket was lost, and records it once', async () => {
    await register('acme');
    publishing();
    const watch = watching();
    const { revision } = await shows(watch, 'acme', 'runner-1');
    await deleteBucket();
    const anew = await shows(watch, 'acme', 'runner-1', 2);
    expect(anew.revision).toBe(revision);
    // A few polls later still the same epoch.
    await move('acme', 'runner-2');
    await shows(watch, 'acme', 'runner-2', 2);
    const events = await epochEvents();
    expect(events.map(({ type, payload, meta }) => [type, payload['epoch'], meta.principal])).toEqual([
      ['placement_epoch_raised', 2, 'service:placement'],
    ]);
    expect(watch.seen.map(({ epoch }) => epoch)).toEqual(watch.seen.map(({ epoch }) => epoch).toSorted((a, b) => a - b));
  });

  it('publishes in a higher epoch after the bucket was lost while nobody published, above the old sequence', async () => {
    await register('acme');
    const first = publishing();
    await shows(watching(), 'acme', 'runner-1');
    await first.stop();
    const manager = await nats.messaging.manager();
    const before = await manager.streams.info(bucket());
    await deleteBucket();
    publishing();
    await shows(watching(), 'acme', 'runner-1', 2);
    const after = await manager.streams.info(bucket());
    expect(after.state.first_seq).toBeGreaterThan(before.state.last_seq);
  });

  it('publishes in a higher epoch when a publication finds the bucket lost', async () => {
    await register('acme');
    const publication = publishing(nats.messaging, 60_000);
    const watch = watching();
    await shows(watch, 'acme', 'runner-1');
    await deleteBucket();
    const { revision } = await move('acme', 'runner-2');
    publication.changed();
    expect((await shows(watch, 'acme', 'runner-2', 2)).revision).toBe(revision);
    expect(await epochEvents()).toHaveLength(1);
  });

  it('publishes what a database restored under it says, in a higher epoch', async () => {
    const { tenant } = await register('acme');
    publishing();
    const watch = watching();
    await shows(watch, 'acme', 'runner-1');
    const restored = tenant.assignments[0]?.revision ?? 0;
    await move('acme', 'runner-2');
    await move('acme', 'runner-1');
    const { revision } = await move('acme', 'runner-2');
    await shows(watch, 'acme', 'runner-2');
    await database.adminSql.query(
      `with rolled_back as (update placement.meta set revision = $1), moves as (delete from placement.move)
       update placement.assignment set shard_id = 'runner-1', revision = $1 where kind = 'runner'`,
      [restored],
    );
    const snapshot = await shows(watch, 'acme', 'runner-1', 2);
    expect(snapshot.revision).toBe(restored);
    expect((await epochEvents()).map(({ payload }) => payload['found'])).toEqual([expect.objectContaining({ epoch: 1, revision })]);
  });

  it('outbids what gateways alone still know, after the database was restored and KV was lost', async () => {
    const { tenant } = await register('acme');
    const before = publishing();
    const watch = watching();
    await shows(watch, 'acme', 'runner-1');
    // Two epochs that the backup knows nothing of.
    for (const epoch of [2, 3]) {
      await deleteBucket();
      await shows(watch, 'acme', 'runner-1', epoch);
    }
    await move('acme', 'runner-2');
    const seen = await shows(watch, 'acme', 'runner-2', 3);
    await before.stop();
    const restored = tenant.assignments[0]?.revision ?? 0;
    await database.adminSql.query(
      `with older as (update placement.meta set revision = $1, epoch = 1), moves as (delete from placement.move),
            published as (update placement.publication set epoch = 1, revision = $1, bucket_created = 'of then')
       update placement.assignment set shard_id = 'runner-1', revision = $1 where kind = 'runner'`,
      [restored],
    );
    await deleteBucket();
    await database.adminSql.query(afterRestoreSql);
    publishing();
    const shown = await eventually(() => watch.current()?.shardOf('runner', 'acme') === 'runner-1' && watch.current(), {
      what: 'the gateway to take the placement of the backup',
      timeoutMs: 20_000,
    });
    expect([shown.revision, shown.epoch > seen.epoch]).toEqual([restored, true]);
    // From then on epochs are counted from there.
    await deleteBucket();
    await shows(watch, 'acme', 'runner-1', shown.epoch + 1);
  });

  it('outbids a bucket that knows more than the database', async () => {
    const stranger = createPlacementPublisher({ messaging: nats.messaging, logger });
    const maps = { aggregate: new Map(), projection: new Map(), runner: new Map([['acme', 'runner-9']]) };
    await stranger.publish({ epoch: 4, revision: 1_000, maps, shards: [] });
    await stranger.close();
    await register('acme');
    const watch = watching();
    await shows(watch, 'acme', 'runner-9', 4);
    publishing();
    await shows(watch, 'acme', 'runner-1', 5);
    expect((await epochEvents()).map(({ payload }) => payload['found'])).toEqual([expect.objectContaining({ epoch: 4, revision: 1_000 })]);
  });

  it('outbids a bucket that holds other content under the same version', async () => {
    const { tenant } = await register('acme');
    const stranger = createPlacementPublisher({ messaging: nats.messaging, logger });
    const maps = { aggregate: new Map(), projection: new Map(), runner: new Map([['acme', 'runner-9']]) };
    await stranger.publish({ epoch: 1, revision: tenant.assignments[0]?.revision ?? 0, maps, shards: [] });
    await stranger.close();
    publishing();
    await shows(watching(), 'acme', 'runner-1', 2);
  });

  it('lets changes commit while NATS is away, and catches up when it is back', async () => {
    await register('acme');
    const link = await cuttableLink(nats.url);
    const messaging = await connectMessaging({ url: link.url, token: nats.token, namespace: nats.namespace, name: 'cuttable', logger });
    stops.push(() => messaging.close(), link.close);
    const publication = publishing(messaging);
    const watch = watching();
    await shows(watch, 'acme', 'runner-1');
    link.cut();
    await eventually(() => !messaging.connected(), { what: 'the connection to be lost' });
    await move('acme', 'runner-2');
    await move('acme', 'runner-1');
    const { revision } = await move('acme', 'runner-2');
    publication.changed();
    await eventually(() => publication.problem(), { what: 'the publication to tell its problem' });
    expect(watch.current()?.shardOf('runner', 'acme')).toBe('runner-1');
    link.restore();
    const snapshot = await shows(watch, 'acme', 'runner-2');
    expect(snapshot.revision).toBe(revision);
    await eventually(() => publication.problem() === undefined, { what: 'the problem to be over' });
    // Three changes, one publication, no new epoch.
    expect(watch.seen.filter((seen) => seen.revision > revision - 3)).toHaveLength(1);
    expect(await epochEvents()).toEqual([]);
  });

  it('vouches for what another replica published, which died before it told of it', async () => {
    await register('acme');
    let open = Promise.resolve();
    let waits = false;
    const manager = async () => {
      waits = true;
      await open;
      return nats.messaging.manager();
    };
    const publication = publishing({ ...nats.messaging, manager });
    const watch = watching();
    const { revision: before } = await shows(watch, 'acme', 'runner-1');
    const last = told();
    await eventually(() => last() === before, { what: 'what stands at first' });
    // It stands still before it looks at the bucket, while the other one publishes and says nothing.
    let goOn = (): void => undefined;
    open = new Promise((resolve) => (goOn = resolve));
    waits = false;
    await eventually(() => waits, { what: 'a replica that stands still' });
    const { revision } = await move('acme', 'runner-2');
    const other = publishing({ ...nats.messaging, publishCore: () => undefined });
    await eventually(() => other.published()?.revision === revision, { what: 'the publication by the other replica' });
    await other.stop();
    goOn();
    await eventually(() => last() === revision, { what: 'what the other replica published, vouched for' });
    await shows(watch, 'acme', 'runner-2');
    expect(publication.problem()).toBeUndefined();
    expect(await epochEvents()).toEqual([]);
  });

  it('vouches for what it published when the answer to that was lost', async () => {
    await register('acme');
    let losing = false;
    const client = nats.messaging.jetstream();
    // Heard, and never answered.
    const remove = nats.messaging.subscribeCore('spec.silence', () => undefined);
    stops.push(() => {
      remove();
      return Promise.resolve();
    });
    const publish: typeof client.publish = async (subject, ...rest) => {
      const ack = await client.publish(subject, ...rest);
      if (!losing || !subject.endsWith('.marker')) return ack;
      losing = false;
      await nats.messaging.connection?.request('spec.silence', '', { timeout: 1 });
      return ack;
    };
    const lossy = new Proxy(client, { get: (target, name) => (name === 'publish' ? publish : (Reflect.get(target, name) as unknown)) });
    const last = told();
    const publication = publishing({ ...nats.messaging, jetstream: () => lossy });
    await eventually(() => publication.published(), { what: 'a first publication' });
    losing = true;
    const { revision } = await move('acme', 'runner-2');
    await eventually(() => last() === revision, { what: 'what was published, vouched for' });
    expect(losing).toBe(false);
    await eventually(() => publication.problem() === undefined, { what: 'the problem to be over' });
    expect(await epochEvents()).toEqual([]);
  });

  it('by two replicas at once ends at the last commit, in order and in one epoch', async () => {
    const second = await connectMessaging({ url: nats.url, token: nats.token, namespace: nats.namespace, name: 'second', logger });
    stops.push(() => second.close());
    const replicas = [publishing(), publishing(second)];
    const watch = watching();
    const tenants = ['a', 'b', 'c', 'd'];
    for (const tenant of tenants) await register(tenant);
    for (let round = 0; round < 8; round++) {
      await Promise.all(
        tenants.map(async (tenant, index) => {
          await move(tenant, round % 2 === 0 ? 'runner-2' : 'runner-1');
          replicas[(round + index) % 2]?.changed();
        }),
      );
    }
    const { revision } = await move('a', 'runner-2');
    replicas[1]?.changed();
    const last = await eventually(() => watch.current()?.revision === revision && watch.current(), { what: 'the last revision' });
    expect(tenants.map((tenant) => last.shardOf('runner', tenant))).toEqual(['runner-2', 'runner-1', 'runner-1', 'runner-1']);
    const revisions = watch.seen.map((seen) => seen.revision);
    expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b));
    expect(await epochEvents()).toEqual([]);
    for (const replica of replicas) await eventually(() => replica.problem() === undefined, { what: 'both replicas to be content' });
  });
});

/** A way to NATS that can be cut: whatever server the tests were given stays as it is. */
async function cuttableLink(target: string): Promise<{ url: string; cut(): void; restore(): void; close(): Promise<void> }> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let open = true;
  const server: Server = createServer((near) => {
    if (!open) {
      near.destroy();
      return;
    }
    const far = connect(Number(port), hostname);
    for (const [socket, other] of [[near, far] as const, [far, near] as const]) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    open = false;
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `nats://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    cut,
    restore: () => {
      open = true;
    },
    close: () =>
      new Promise<void>((resolve) => {
        cut();
        server.close(() => {
          resolve();
        });
      }),
  };
}
