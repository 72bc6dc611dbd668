import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { newId } from '@fairlead/contracts';
import { readLog } from '@fairlead/event-log';
import { startNats, type RunningNats } from '@fairlead/local-servers';
import { connectMessaging, type Messaging } from '@fairlead/messaging';
import { watchPlacement, type PlacementSnapshot, type PlacementWatch } from '@fairlead/placement-map';
import { createLogger, createMetrics, newContext, runInContext } from '@fairlead/telemetry';
import { eventually, recordServer, testDatabase, testFolder, type TestDatabase } from '@fairlead/testing';
import { migrations } from '../store/migrations/index.js';
import { registerTenant } from './create-tenant.js';
import { moveTenant } from './move-tenant.js';
import { startPublication, type Publication } from './publication.js';
import { putShard } from './put-shard.js';
import { inTurnWithReplicas } from './store/meta.js';
import { findTenant } from './store/tenants.js';

/** A NATS of its own, whose store is lost or replaced by an old copy: not the one of CONTROL_TEST_NATS_URL. */
const logger = createLogger({ service: 'test', level: 'silent' });
let dir: string;
let server: RunningNats;
let database: TestDatabase;
let placementSide: Messaging;
let gatewaySide: Messaging;
let publication: Publication;
let gateway: PlacementWatch & { seen: PlacementSnapshot[] };

beforeEach(async () => {
  dir = testFolder('nats');
  await startServer();
  database = await testDatabase({ service: 'placement', migrations });
  for (const shardId of ['runner-1', 'runner-2'])
    await putShard(database.db, { kind: 'runner', shardId, endpoints: [{ endpointId: 'a', url: 'http://127.0.0.1:1' }], labels: {} }, 0);
  for (const kind of ['aggregate', 'projection'] as const)
    await putShard(database.db, { kind, shardId: `${kind}-1`, endpoints: [{ endpointId: 'a', url: 'http://127.0.0.1:1' }], labels: {} }, 0);
  placementSide = await connect('placement');
  gatewaySide = await connect('gateway');
  publication = startPublisher();
  gateway = startGateway();
  await asTest(() => registerTenant({ tenantId: 'acme', name: 'acme', requested: { runner: 'runner-1' } }, database.db.transaction));
  await shows(gateway, 'runner-1', 1);
}, 120_000);

afterEach(async () => {
  await gateway.stop();
  await publication.stop();
  await Promise.all([placementSide.close(), gatewaySide.close()]);
  await database.drop();
  await server.stop();
});

async function startServer(port?: number): Promise<void> {
  server = await startNats({ dir, port, log: () => undefined });
  recordServer({ pid: server.pid, signal: 'SIGTERM' });
}

const connect = (name: string) => connectMessaging({ url: server.url, namespace: '', name, logger });
const asTest = <T>(work: () => Promise<T>) => runInContext(newContext({ principal: 'service:test' }), work);

function startPublisher(): Publication {
  const registry = createMetrics({ service: 'test', version: '0', gitSha: '0', processMetrics: false });
  return startPublication({ database: database.db, messaging: placementSide, logger, registry, pollMs: 100 });
}

function startGateway(): PlacementWatch & { seen: PlacementSnapshot[] } {
  const seen: PlacementSnapshot[] = [];
  return Object.assign(watchPlacement({ messaging: gatewaySide, logger, onSnapshot: (snapshot) => void seen.push(snapshot) }), { seen });
}

async function move(toShardId: string): Promise<number> {
  const tenant = await findTenant(database.db, 'acme');
  const expectedRevision = tenant?.assignments.find(({ kind }) => kind === 'runner')?.revision ?? 0;
  const moves = [{ kind: 'runner' as const, toShardId, expectedRevision }];
  const { revision } = await asTest(() =>
    moveTenant(database.db, { tenantId: 'acme', moves, idempotencyKey: newId('command'), fence: 1, reason: 'test' }),
  );
  publication.changed();
  return revision;
}

const shows = (watch: PlacementWatch, shardId: string, epoch: number) =>
  eventually(() => watch.current()?.epoch === epoch && watch.current()?.shardOf('runner', 'acme') === shardId && watch.current(), {
    what: `acme on ${shardId} in epoch ${String(epoch)}`,
    timeoutMs: 20_000,
  });

const bucketInfo = async () => (await placementSide.manager()).streams.info('KV_PLACEMENT');
const bucketState = async () => (await bucketInfo()).state;
async function waitingForTheirTurn(): Promise<number> {
  const [row] = await database.db.query<{ count: number }>(
    `select count(*) from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())`,
  );
  return row?.count ?? 0;
}
const epochEvents = async () =>
  (await readLog(database.db, { after: 0, limit: 10, aggregateType: 'placement_map', aggregateId: '@all' })).map(
    ({ payload }) => payload['epoch'],
  );

/** Never back: each snapshot that the gateway applied is newer than the one before. */
function expectGrowing({ seen }: { seen: readonly PlacementSnapshot[] }): void {
  seen.slice(1).forEach((snapshot, index) => {
    const before = seen[index];
    expect(snapshot.epoch - (before?.epoch ?? 0) || snapshot.revision - (before?.revision ?? 0)).toBeGreaterThan(0);
  });
}

/** Stops the server, does something to its store, and starts it on the same port. */
async function whileDown(work: () => Promise<void>): Promise<void> {
  const { port } = server;
  await server.stop();
  await work();
  await startServer(port);
}

const store = () => join(dir, 'store');
const copy = () => join(dir, 'copy-of-the-store');

describe('placement when NATS loses its store', () => {
  it('is published again above the old sequences in a higher epoch, and gateways that saw the old one apply it', async () => {
    const revision = await move('runner-2');
    await shows(gateway, 'runner-2', 1);
    const before = await bucketState();
    await whileDown(() => rm(store(), { recursive: true }));
    expect((await shows(gateway, 'runner-2', 2)).revision).toBe(revision);
    expect((await bucketState()).first_seq).toBeGreaterThan(before.last_seq);
    await move('runner-1');
    await shows(gateway, 'runner-1', 2);
    expect(await epochEvents()).toEqual([2]);
    expectGrowing(gateway);
  });

  it('does not come back old from an old copy of the store, and goes on to gateways that saw more than it', async () => {
    await whileDown(() => cp(store(), copy(), { recursive: true }));
    for (let round = 0; round < 5; round++) {
      await move('runner-2');
      await shows(gateway, 'runner-2', 1);
      await move('runner-1');
      await shows(gateway, 'runner-1', 1);
    }
    const revision = await move('runner-2');
    await shows(gateway, 'runner-2', 1);
    const before = await bucketState();
    await whileDown(async () => {
      await rm(store(), { recursive: true });
      await cp(copy(), store(), { recursive: true });
    });
    // The bucket knows sequences that were given out before for something else: it is made anew.
    expect((await shows(gateway, 'runner-2', 2)).revision).toBe(revision);
    expect((await bucketState()).first_seq).toBeGreaterThan(before.last_seq);
    await move('runner-1');
    await shows(gateway, 'runner-1', 2);
    expect(await epochEvents()).toEqual([2]);
    expectGrowing(gateway);
    const late = startGateway();
    await shows(late, 'runner-1', 2);
    expect(late.seen).toHaveLength(1);
    await late.stop();
  });

  it('has an old copy removed by one replica at a time', async () => {
    await whileDown(() => cp(store(), copy(), { recursive: true }));
    await move('runner-2');
    await shows(gateway, 'runner-2', 1);
    await publication.stop();
    await whileDown(async () => {
      await rm(store(), { recursive: true });
      await cp(copy(), store(), { recursive: true });
    });
    const { created } = await eventually(bucketInfo, { what: 'the old copy' });
    // Another replica is at it.
    await inTurnWithReplicas(database.db, async () => {
      publication = startPublisher();
      await eventually(async () => (await waitingForTheirTurn()) === 1, { what: 'the replica to wait for its turn' });
      expect((await bucketInfo()).created).toBe(created);
    });
    await shows(gateway, 'runner-2', 2);
    expect((await bucketInfo()).created).not.toBe(created);
  });

  it('does not come back old either when nobody publishes yet: a gateway that saw more keeps what it has', async () => {
    await whileDown(() => cp(store(), copy(), { recursive: true }));
    await move('runner-2');
    const { revision } = await shows(gateway, 'runner-2', 1);
    await publication.stop();
    await whileDown(async () => {
      await rm(store(), { recursive: true });
      await cp(copy(), store(), { recursive: true });
    });
    const late = startGateway();
    await shows(late, 'runner-1', 1);
    expect(gateway.current()).toMatchObject({ epoch: 1, revision });
    publication = startPublisher();
    await shows(gateway, 'runner-2', 2);
    await shows(late, 'runner-2', 2);
    await late.stop();
    expectGrowing(gateway);
  });
});
