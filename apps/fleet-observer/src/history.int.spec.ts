// What is kept of an endpoint's past. Real: Postgres with the event log, the observer over gRPC, endpoints over HTTP.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { headPosition, readLog } from '@fairlead/event-log';
import { eventually, testDatabase, type TestDatabase } from '@fairlead/testing';
import { migrations } from './index.js';
import { startManagedEndpoint, type ManagedEndpoint } from './managed-endpoint.fixture.js';
import { startStack, type Observer, type Stack } from './observer.fixture.js';

let database: TestDatabase;
let stack: Stack;
let endpoint: ManagedEndpoint;
let shard = 0;
let position = 0;

/** What was started, to be ended in reverse even when the start broke off half-way. */
const cleanups: (() => Promise<void>)[] = [];

beforeAll(async () => {
  database = await testDatabase({ service: 'fleet-observer', migrations });
  cleanups.push(() => database.drop());
  endpoint = await startManagedEndpoint();
  cleanups.push(() => endpoint.stop());
  stack = await startStack(database);
  cleanups.push(() => stack.stop());
});

afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

beforeEach(async () => {
  Object.assign(endpoint, { health: 200, ready: 200, version: '1.0.0', startedAt: 1_795_255_200 });
  stack.shards.clear();
  shard += 1;
  stack.shards.set(`runner/${name()}`, [endpoint.url]);
  position = await headPosition(database.db);
});

const name = () => `r-${String(shard)}`;
const look = async (observer: Observer) => (await observer.checkShard({ kind: 'runner', shardId: name() })).endpoints[0];
const historyOf = (observer: Observer, { limit = 200, before = 0, shardId = name() } = {}) =>
  observer.getEndpointHistory({ kind: 'runner', shardId, endpointId: 'e1', limit, before });
const told = async (observer: Observer) => (await historyOf(observer)).happenings.map(({ what, from, to }) => `${what} ${from}>${to}`);

async function flip(observer: Observer, times: number): Promise<void> {
  for (let n = 0; n < times; n++) {
    endpoint.ready = endpoint.ready === 200 ? 503 : 200;
    await look(observer);
  }
}

async function events(): Promise<string[]> {
  const all = await readLog(database.db, { after: position, limit: 1_000, aggregateType: 'endpoint' });
  return all
    .filter(({ aggregateId }) => aggregateId === `runner.${name()}.e1`)
    .map(({ type, payload }) => {
      const to = payload['to'] as { state: string } | string | null;
      return `${type} ${typeof to === 'string' ? to : (to?.state ?? 'gone')}`;
    });
}

describe("an endpoint's history", () => {
  it('tells what happened to it, the newest first, with the problem of that moment, and outlives it', async () => {
    const observer = await stack.observer();
    await look(observer);
    endpoint.ready = 500;
    await look(observer);
    Object.assign(endpoint, { ready: 200, version: '1.1.0', startedAt: 1_795_255_900 });
    await look(observer);
    stack.shards.clear();
    await observer.getSnapshot({ maxAgeMs: 1 });
    expect(await told(observer)).toEqual([
      'removed ready>',
      'version 1.0.0 (abc)>1.1.0 (abc)',
      'state not_ready>ready',
      'restarted 2026-11-21T10:00:00.000Z>2026-11-21T10:11:40.000Z',
      'state ready>not_ready',
      'registered >ready',
    ]);
    const { happenings } = await historyOf(observer);
    expect(happenings.at(-2)).toMatchObject({ what: 'state', problem: 'ready: status 500' });
    const first = await historyOf(observer, { limit: 4 });
    expect([first.more, first.happenings]).toEqual([true, happenings.slice(0, 4)]);
    const rest = await historyOf(observer, { limit: 4, before: first.happenings.at(-1)?.sequence ?? 0 });
    expect([rest.more, rest.happenings]).toEqual([false, happenings.slice(4)]);
    await observer.stop();
  });

  it('is bounded for each endpoint, by the oldest, and by its age', async () => {
    const observer = await stack.observer({ FLEET_HISTORY_PER_ENDPOINT: '5' });
    await look(observer);
    await flip(observer, 9);
    expect(await told(observer)).toEqual(
      Array.from({ length: 5 }, (_, n) => (n % 2 === 0 ? 'state ready>not_ready' : 'state not_ready>ready')),
    );
    await database.db.query(`update endpoint_history set at = at - interval '31 days' where endpoint_key = $1`, [`runner.${name()}.e1`]);
    await observer.getSnapshot({ maxAgeMs: 1 });
    expect(await told(observer)).toEqual([]);
    await observer.stop();
  });

  it('is refused of what nobody knows, or that is none', async () => {
    const observer = await stack.observer();
    const refused = (call: Promise<unknown>) => expect(call).rejects;
    await refused(historyOf(observer, { shardId: 'r-404' })).toMatchObject({ code: 'endpoint_not_found' });
    await refused(historyOf(observer, { shardId: '../x' })).toMatchObject({ code: 'invalid_argument' });
    await refused(historyOf(observer, { limit: 201 })).toMatchObject({ code: 'invalid_argument' });
    await refused(historyOf(observer, { before: -1 })).toMatchObject({ code: 'invalid_argument' });
    await observer.stop();
  });
});

describe('a clock that was ahead', () => {
  it('leaves nothing behind that later looks could not replace, and what it left is told as of no age', async () => {
    const first = await stack.observer();
    await look(first);
    await first.stop();
    await database.db.query(`update endpoint_health set taken_at = taken_at + interval '1 day',
      health = health || jsonb_build_object('takenAt', to_char(now() at time zone 'utc' + interval '1 day', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))`);
    await database.db.query(`update round set taken_at = now() + interval '1 day'`);
    endpoint.ready = 503;
    const second = await stack.observer();
    expect((await look(second))?.ready).toBe(false);
    const now = new Date(Date.now() + 60_000).toISOString();
    const snapshot = await second.getSnapshot({ maxAgeMs: 1 });
    expect(snapshot.endpoints.map(({ ready, takenAt }) => [ready, takenAt < now])).toEqual([[false, true]]);
    expect(snapshot.takenAt < now).toBe(true);
    const rows = await database.db.query<{ ahead: boolean }>(
      'select taken_at > now() as ahead from endpoint_health union all select taken_at > now() from round',
    );
    expect(rows).toEqual([{ ahead: false }, { ahead: false }]);
    await second.stop();
  });
});

describe('an endpoint whose state changes too often', () => {
  it('is flapping: its changes are told no more until it is steady, then what it has become is', async () => {
    const observer = await stack.observer({ FLEET_FLAPPING_CHANGES: '4', FLEET_FLAPPING_HALF_LIFE_MS: '2000' });
    await look(observer);
    await eventually(
      async () => {
        await flip(observer, 2);
        return (await observer.getSnapshot({ maxAgeMs: 0 })).endpoints[0]?.condition === 'flapping';
      },
      { what: 'the endpoint to flap' },
    );
    const before = await events();
    expect(before.at(-1)).toBe('endpoint_condition_changed flapping');
    await flip(observer, 3);
    expect(await events()).toEqual(before);
    endpoint.ready = 503;
    await eventually(async () => (await look(observer))?.ready === false && (await events()).length > before.length, {
      what: 'the endpoint to be steady',
    });
    const after = (await events()).slice(before.length);
    expect(after).toContain('endpoint_condition_changed steady');
    // It is told as it is now, once; not at all when that is what was told last.
    expect([...before, ...after].filter((event) => event.startsWith('endpoint_health_changed')).at(-1)).toBe(
      'endpoint_health_changed not_ready',
    );
    expect(after.length).toBeLessThanOrEqual(2);
    expect((await told(observer)).slice(0, 1)).toEqual(['condition flapping>steady']);
    await observer.stop();
  });
});

describe('an endpoint whose process begins again and again', () => {
  it('is in a crash loop, which another replica knows too', async () => {
    const observer = await stack.observer();
    await look(observer);
    for (let n = 1; n <= 3; n++) {
      endpoint.startedAt += 30;
      await look(observer);
    }
    const other = await stack.observer();
    expect((await other.getSnapshot({ maxAgeMs: 0 })).endpoints.find(({ shardId }) => shardId === name())).toMatchObject({
      condition: 'crash_looping',
      ready: true,
    });
    expect(await events()).toEqual(['endpoint_health_changed ready', 'endpoint_condition_changed crash_looping']);
    await Promise.all([observer.stop(), other.stop()]);
  });
});
