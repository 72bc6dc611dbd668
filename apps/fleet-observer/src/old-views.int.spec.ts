// Replicas that go by different versions of placement. Real: Postgres with the event log, observers and placement over gRPC, endpoints over HTTP.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { headPosition, readLog } from '@fairlead/event-log';
import { testDatabase, type TestDatabase } from '@fairlead/testing';
import { migrations } from './index.js';
import { startManagedEndpoint, type ManagedEndpoint } from './managed-endpoint.fixture.js';
import { startStack, type Observer, type Stack } from './observer.fixture.js';

let database: TestDatabase;
let endpoint: ManagedEndpoint;
let other: ManagedEndpoint;
/** A placement whose answers are of long ago, and one whose answers are of now. */
let old: Stack;
let current: Stack;
let behind: Observer;
let upToDate: Observer;
let position = 0;
let epoch = 0;

/** No endpoint is away here, however busy the machine is. */
const patient = { FLEET_PROBE_TIMEOUT_MS: '20000' };

/** What was started, to be ended in reverse even when the start broke off half-way. */
const cleanups: (() => Promise<void>)[] = [];

beforeAll(async () => {
  database = await testDatabase({ service: 'fleet-observer', migrations });
  cleanups.push(() => database.drop());
  endpoint = await startManagedEndpoint();
  cleanups.push(() => endpoint.stop());
  other = await startManagedEndpoint();
  cleanups.push(() => other.stop());
  old = await startStack(database);
  cleanups.push(() => old.stop());
  current = await startStack(database);
  cleanups.push(() => current.stop());
  behind = await old.observer(patient);
  upToDate = await current.observer(patient);
});

afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

/** What both replicas see at first: two shards of one endpoint each. */
beforeEach(async () => {
  // Above that of the test before.
  epoch += 10;
  for (const { shards, version } of [old, current]) {
    Object.assign(version, { epoch, revision });
    shards.clear();
    shards.set('runner/r-1', [endpoint.url]).set('runner/r-2', [endpoint.url]);
  }
  await fresh(upToDate);
  await fresh(behind);
  position = await headPosition(database.db);
});

const revision = 9;
const fresh = (observer: Observer) => observer.getSnapshot({ maxAgeMs: 1 });

async function told(): Promise<string[]> {
  const events = await readLog(database.db, { after: position, limit: 1_000, aggregateType: 'endpoint' });
  return events.map(({ aggregateId, payload }) => `${aggregateId} ${payload['to'] === null ? 'gone' : 'there'}`).sort();
}

const stored = async () =>
  (await database.db.query<{ key: string }>('select endpoint_key as key from endpoint_health order by endpoint_key')).map(({ key }) => key);

/** Placement goes on: a shard goes, one comes, and one has another address; the one replica does not hear of it. */
async function goOn(version: { epoch: number; revision: number }): Promise<void> {
  Object.assign(current.version, version);
  current.shards.clear();
  current.shards.set('runner/r-2', [other.url]).set('runner/r-3', [endpoint.url]);
  await fresh(upToDate);
}

const changes = ['runner.r-1.e1 gone', 'runner.r-2.e1 there', 'runner.r-3.e1 there'];

describe('a replica that goes by an older placement than another', () => {
  it.each(['revision', 'epoch'])('by %s, takes away nothing, brings back nothing and no address', async (by) => {
    await goOn(by === 'revision' ? { epoch, revision: revision + 1 } : { epoch: epoch + 1, revision: 1 });
    expect(await told()).toEqual(changes);
    for (let n = 0; n < 2; n++) await fresh(behind);
    expect((await behind.checkShard({ kind: 'runner', shardId: 'r-1' })).endpoints).toMatchObject([{ ready: true }]);
    await behind.checkShard({ kind: 'runner', shardId: 'r-2' });
    expect(await told()).toEqual(changes);
    expect(await stored()).toEqual(['runner.r-2.e1', 'runner.r-3.e1']);
    const seen = (await fresh(upToDate)).endpoints.map(({ shardId, url }) => [shardId, url]);
    expect(seen).toEqual([
      ['r-2', other.url],
      ['r-3', endpoint.url],
    ]);
  });

  it('goes on looking at what both know, and tells what it sees there', async () => {
    Object.assign(current.version, { epoch, revision: revision + 1 });
    await fresh(upToDate);
    endpoint.ready = 503;
    await behind.checkShard({ kind: 'runner', shardId: 'r-1' });
    endpoint.ready = 200;
    expect(await told()).toEqual(['runner.r-1.e1 there']);
  });

  it('takes away and adds again once it has caught up', async () => {
    await goOn({ epoch, revision: revision + 1 });
    await fresh(behind);
    Object.assign(old.version, { epoch, revision: revision + 2 });
    old.shards.clear();
    old.shards.set('runner/r-1', [endpoint.url]).set('runner/r-2', [other.url]);
    const { endpoints } = await fresh(behind);
    expect(endpoints.map(({ shardId }) => shardId)).toEqual(['r-1', 'r-2']);
    expect(await stored()).toEqual(['runner.r-1.e1', 'runner.r-2.e1']);
  });
});

describe('a replica that can not learn which endpoints there are', () => {
  it('brings back none that went meanwhile', async () => {
    const alone = await old.observer({ ...patient, PLACEMENT_GRPC: '127.0.0.1:1' });
    expect((await alone.getSnapshot({ maxAgeMs: 0 })).endpoints).toHaveLength(2);
    await goOn({ epoch, revision: revision + 1 });
    await fresh(alone);
    await alone.stop();
    expect(await told()).toEqual(changes);
    expect(await stored()).toEqual(['runner.r-2.e1', 'runner.r-3.e1']);
  });
});
