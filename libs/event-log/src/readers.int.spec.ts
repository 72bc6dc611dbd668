/** Projections, waiting for them and following the log, on a real Postgres and a real NATS. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@fairlead/contracts';
import { openDatabase, type Database } from '@fairlead/postgres';
import { createLogger, Registry } from '@fairlead/telemetry';
import { eventually, eventuallyHolds, testDatabase, testMessaging, type TestDatabase, type TestMessaging } from '@fairlead/testing';
import {
  createAppender,
  followLog,
  headPosition,
  pokeLog,
  startProjection,
  waitForProjection,
  type Appender,
  type LogFollower,
  type ProjectionOptions,
  type StoredEvent,
} from './index.js';

const logger = createLogger({ service: 'test', level: 'silent' });
let database: TestDatabase;
let bus: TestMessaging;
let db: Database;
let appender: Appender;

beforeAll(async () => {
  [database, bus] = await Promise.all([testDatabase({ service: 'placement' }), testMessaging()]);
  db = database.db;
  appender = createAppender({
    sql: db,
    onAppended: (position) => {
      pokeLog(bus.messaging, position);
    },
  });
  await database.adminSql.query('create table placement.seen (projection text, position bigint)');
  await database.adminSql.query('grant all on placement.seen to fairlead_placement');
}, 60_000);

afterAll(async () => {
  await bus.close();
  await database.drop();
});

async function append(count: number): Promise<number> {
  const event = (n: number) => ({ aggregateType: 'tenant', aggregateId: `t ${String(n % 7)}`, type: 'changed', payload: { n } }) as const;
  const outcomes = await Promise.all(
    Array.from({ length: count }, (_, n) => appender.append({ commandId: newId('command'), events: [event(n)] })),
  );
  return Math.max(...outcomes.map((outcome) => (outcome.status === 'ok' ? outcome.lastPosition : 0)));
}

describe('a projection', () => {
  /** Keeps each position in a table, as often as it is applied. */
  function start(name: string, options: Partial<ProjectionOptions> & { before?: (events: StoredEvent[]) => void } = {}) {
    return startProjection({
      name,
      db,
      messaging: bus.messaging,
      logger,
      pageSize: 40,
      apply: async (tx, events) => {
        options.before?.(events);
        await tx.query('insert into placement.seen select $1, unnest($2::bigint[])', [name, events.map((event) => event.position)]);
      },
      ...options,
    });
  }

  /** Nothing skipped, nothing doubled, up to a position. */
  async function expectSeen(name: string, position: number): Promise<void> {
    await waitForProjection({ sql: db, name, position, timeoutMs: 20_000, messaging: bus.messaging });
    const sql =
      'select count(*) as applied, count(distinct position) as events, max(position) as last from placement.seen where projection = $1';
    expect(await db.query(sql, [name])).toEqual([{ applied: position, events: position, last: position }]);
  }

  const row = async (name: string) =>
    (await db.query('select position, stopped_position, stopped_reason from log.projection where name = $1', [name]))[0];

  it('applies every event exactly once, with competing workers and restarts', async () => {
    const workers = [start('counted'), start('counted')];
    await append(200);
    await workers.shift()?.stop();
    workers.push(start('counted'), start('counted'));
    const head = await append(200);
    await expectSeen('counted', head);
    await Promise.all(workers.map((worker) => worker.stop()));
    const again = start('counted');
    await expectSeen('counted', await append(1));
    expect(again.position()).toBe(head + 1);
    await again.stop();
  }, 60_000);

  it('applies every event exactly once while its connections are killed', async () => {
    const own = await openDatabase({
      ...database.access('placement'),
      schema: 'placement',
      applicationName: 'killed',
      poolSize: 3,
      logger,
    });
    const workers = [start('killed', { db: own, pageSize: 3 }), start('killed', { db: own, pageSize: 5 })];
    const appended = append(300);
    let killed = 0;
    while (killed < 20) {
      const rows = await database.adminSql.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'killed' and state <> 'idle'`,
      );
      killed += rows.length;
      if (rows.length === 0) await append(3);
      await pause(5);
    }
    await appended;
    await expectSeen('killed', await append(1));
    await Promise.all(workers.map((worker) => worker.stop()));
    await own.close();
  }, 60_000);

  it('stops at exactly the event that it can not apply, says so, and goes on when it can', async () => {
    const poison = (await headPosition(db)) + 30;
    await append(60);
    let cured = false;
    const registry = new Registry();
    const worker = start('poisoned', {
      registry,
      before: (events) => {
        if (!cured && events.some((event) => event.position === poison)) throw new Error('no such field');
      },
    });
    const other = start('beside');
    await eventuallyHolds(
      async () => {
        expect(await row('poisoned')).toEqual({ position: poison - 1, stopped_position: poison, stopped_reason: 'no such field' });
      },
      { what: 'the projection to stop' },
    );
    await expectSeen('beside', await headPosition(db));
    expect(await registry.metrics()).toContain('fairlead_projection_stopped{projection="poisoned"} 1');
    await eventuallyHolds(
      async () => {
        const text = await registry.metrics();
        expect(text).toContain(`fairlead_projection_position{projection="poisoned"} ${String(poison - 1)}`);
        expect(text).toContain(`fairlead_projection_lag{projection="poisoned"} ${String((await headPosition(db)) - poison + 1)}`);
      },
      { what: 'the lag' },
    );
    cured = true;
    const head = await headPosition(db);
    await expectSeen('poisoned', head);
    expect(await row('poisoned')).toEqual({ position: head, stopped_position: null, stopped_reason: null });
    expect(await registry.metrics()).toContain('fairlead_projection_stopped{projection="poisoned"} 0');
    await Promise.all([worker.stop(), other.stop()]);
  }, 30_000);

  it('tells who waits when it lags, is stopped, or is not there', async () => {
    const head = await append(1);
    for (const name of ['counted', 'nobody']) {
      const waiting = waitForProjection({ sql: db, name, position: head, timeoutMs: 100 });
      await expect(waiting).rejects.toMatchObject({ code: 'projection_lagging', details: { projection: name, wanted: head } });
    }
    const aborter = new AbortController();
    const waiting = waitForProjection({ sql: db, name: 'counted', position: head, timeoutMs: 60_000, signal: aborter.signal });
    aborter.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'projection_lagging' });
  });
});

describe('a follower', () => {
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);

  async function collect(follower: LogFollower, after: number, count: number, filter = {}): Promise<StoredEvent[]> {
    const found: StoredEvent[] = [];
    for await (const event of follower.subscribe({ after, filter, signal: new AbortController().signal })) {
      found.push(event);
      if (found.length === count) break;
    }
    return found;
  }

  it('gives each subscriber every event after its cursor once, from Postgres and live', async () => {
    const follower = followLog({ sql: db, messaging: bus.messaging, logger });
    const before = await headPosition(db);
    const whole = collect(follower, 0, before + 60);
    const live = collect(follower, before, 60);
    const ahead = collect(follower, before + 25, 35);
    const one = collect(follower, before, 9, { aggregateType: 'tenant', aggregateId: 't 3' });
    await append(60);
    const positions = async (events: Promise<StoredEvent[]>) => (await events).map((event) => event.position);
    expect(await positions(whole)).toEqual(range(1, before + 60));
    expect(await positions(live)).toEqual(range(before + 1, before + 60));
    expect(await positions(ahead)).toEqual(range(before + 26, before + 60));
    expect(new Set((await one).map((event) => event.aggregateId))).toEqual(new Set(['t 3']));
    expect(new Set(await positions(one)).size).toBe(9);
    await follower.stop();
  }, 30_000);

  it('joins subscribers at any moment of a busy log without a gap', async () => {
    const follower = followLog({ sql: db, messaging: bus.messaging, logger });
    const start = await headPosition(db);
    const joining: Promise<number[]>[] = [];
    for (let n = 0; n < 20; n += 1) {
      const appended = append(20);
      const after = start + Math.floor(Math.random() * n * 20);
      joining.push(collect(follower, after, start + 400 - after).then((events) => events.map((event) => event.position - after)));
      await appended;
    }
    for (const found of await Promise.all(joining)) expect(found).toEqual(range(1, found.length));
    await follower.stop();
  }, 30_000);

  it('lets a subscriber that catches up take its time', async () => {
    const start = await headPosition(db);
    await append(10);
    const follower = followLog({ sql: db, messaging: bus.messaging, logger });
    const subscription = follower.subscribe({ after: start, signal: new AbortController().signal });
    const found = [(await subscription.next()).value?.position];
    const head = await append(1_500);
    await eventually(() => follower.position() === head, { what: 'the tail to reach the end', timeoutMs: 20_000 });
    while (found.length < 1_510) found.push((await subscription.next()).value?.position);
    expect(found).toEqual(range(start + 1, start + 1_510));
    await follower.stop();
  }, 60_000);

  it('cuts off a live subscriber that is too slow, with a cursor from which nothing is missed', async () => {
    const follower = followLog({ sql: db, messaging: bus.messaging, logger });
    const start = await headPosition(db);
    const subscription = follower.subscribe({ after: start, signal: new AbortController().signal });
    const first = subscription.next();
    await eventually(() => follower.position() === start, { what: 'the tail' });
    await append(1);
    expect((await first).value).toMatchObject({ position: start + 1 });
    const head = await append(1_300);
    await eventually(() => follower.position() === head, { what: 'the tail to reach the end', timeoutMs: 20_000 });
    const found = [start + 1];
    const drained = (async () => {
      for await (const event of subscription) found.push(event.position);
    })();
    const cut: unknown = await drained.catch((error: unknown) => error);
    const cursor = found.at(-1) ?? 0;
    expect(cut).toMatchObject({ code: 'overloaded', details: { cursor } });
    expect(cursor).toBeLessThan(head);
    const rest = await collect(follower, cursor, head - cursor);
    expect([...found, ...rest.map((event) => event.position)]).toEqual(range(start + 1, head));
    await follower.stop();
  }, 60_000);

  it('ends subscriptions when they are aborted, and when it stops', async () => {
    const follower = followLog({ sql: db, messaging: bus.messaging, logger });
    const head = await headPosition(db);
    const aborter = new AbortController();
    const ending = [aborter.signal, new AbortController().signal].map((signal) => follower.subscribe({ after: head, signal }).next());
    aborter.abort();
    expect(await ending[0]).toEqual({ done: true, value: undefined });
    await follower.stop();
    expect(await ending[1]).toEqual({ done: true, value: undefined });
  });
});
