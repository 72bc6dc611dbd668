/** Relay, projections, waiting and following, on a real Postgres and a real NATS. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@fairlead/contracts';
import type { Database } from '@fairlead/postgres';
import { createLogger } from '@fairlead/telemetry';
import { eventually, eventuallyHolds, testDatabase, testMessaging } from '@fairlead/testing';
import {
  createAppender,
  followLog,
  headPosition,
  pokeLog,
  startProjection,
  startRelay,
  waitForProjection,
  type Appender,
  type StoredEvent,
} from './index.js';

const logger = createLogger({ service: 'test', level: 'fatal' });
let database: Awaited<ReturnType<typeof testDatabase>>;
let bus: Awaited<ReturnType<typeof testMessaging>>;
let db: Database;
let appender: Appender;

beforeAll(async () => {
  [database, bus] = await Promise.all([testDatabase({ service: 'placement', migrations: [] }), testMessaging()]);
  db = database.db;
  appender = createAppender({
    sql: db,
    onAppended: (position) => {
      pokeLog(bus.messaging, position);
    },
  });
  await database.adminSql.query('create table placement.seen (position bigint primary key)');
  await database.adminSql.query('grant all on placement.seen to fairlead_placement');
  await eventually(() => bus.messaging.connected(), { what: 'NATS' });
}, 60_000);

afterAll(async () => {
  await bus.close();
  await database.drop();
});

async function append(count: number): Promise<number> {
  await Promise.all(
    Array.from({ length: count }, (_, n) =>
      appender.append({
        commandId: newId('command'),
        events: [{ aggregateType: 'tenant', aggregateId: `t ${String(n % 7)}`, type: 'tenant_changed', payload: { n } }],
      }),
    ),
  );
  return headPosition(db);
}

async function streamState() {
  return (await (await bus.messaging.manager()).streams.info(bus.messaging.topology.streams.evt.name)).state;
}

describe('the relay', () => {
  it('publishes each event at its position, also with a competitor, and refills a stream that was lost', async () => {
    const head = await append(150);
    const relays = [startRelay({ sql: db, messaging: bus.messaging, logger }), startRelay({ sql: db, messaging: bus.messaging, logger })];
    try {
      await eventuallyHolds(
        async () => {
          expect(await streamState()).toMatchObject({ first_seq: 1, last_seq: head, messages: head });
        },
        { what: 'the stream to reach the log' },
      );
      const more = await append(100);
      await eventuallyHolds(
        async () => {
          expect(await streamState()).toMatchObject({ last_seq: more, messages: more });
        },
        { what: 'the stream to follow the log' },
      );
      const manager = await bus.messaging.manager();
      const name = bus.messaging.topology.streams.evt.name;
      const message = await manager.streams.getMessage(name, { seq: 42 });
      expect(message?.json<{ position: number }>().position).toBe(42);
      await manager.streams.delete(name);
      const after = await append(20);
      await eventuallyHolds(
        async () => {
          expect(await streamState()).toMatchObject({ first_seq: 1, last_seq: after, messages: after });
        },
        { what: 'the stream to be refilled', timeoutMs: 20_000 },
      );
      expect((await manager.streams.getMessage(name, { seq: 42 }))?.json<{ position: number }>().position).toBe(42);
    } finally {
      await Promise.all(relays.map((relay) => relay.stop()));
    }
  }, 60_000);
});

describe('a projection', () => {
  const start = (name: string, apply?: (events: StoredEvent[]) => Promise<void>) =>
    startProjection({
      name,
      db,
      messaging: bus.messaging,
      logger,
      pageSize: 40,
      apply: async (tx, events) => {
        await apply?.(events);
        await tx.query('insert into placement.seen select unnest($1::bigint[])', [events.map((event) => event.position)]);
      },
    });

  it('applies every event exactly once, with competing workers and restarts', async () => {
    let workers = [start('counted'), start('counted')];
    await append(200);
    await workers[0]?.stop();
    workers = [workers[1], start('counted')].filter((worker) => worker !== undefined);
    const head = await append(200);
    await waitForProjection({ sql: db, name: 'counted', position: head, timeoutMs: 20_000, messaging: bus.messaging });
    // A second application would have broken the primary key; a skipped one would be missing here.
    expect(await db.query('select count(*) as count, max(position) as last from placement.seen')).toEqual([{ count: head, last: head }]);
    await Promise.all(workers.map((worker) => worker.stop()));
  }, 60_000);

  it('makes a reader wait, and tells it clearly when it lags', async () => {
    const head = await append(1);
    await expect(waitForProjection({ sql: db, name: 'counted', position: head, timeoutMs: 100 })).rejects.toMatchObject({
      code: 'projection_lagging',
      details: { wanted: head },
    });
  });

  it('stops at an event it can not apply and says where and why', async () => {
    const worker = start('poisoned', () => Promise.reject(new Error('no such field')));
    await eventuallyHolds(
      async () => {
        const [row] = await db.query<{ position: number; stopped_reason: string }>(
          `select position, stopped_reason from log.projection where name = 'poisoned'`,
        );
        expect(row).toMatchObject({ position: 0, stopped_reason: expect.stringContaining('no such field') });
      },
      { what: 'the reason' },
    );
    await worker.stop();
  });
});

describe('a follower', () => {
  it('gives each subscriber every event after its cursor once, from Postgres and live', async () => {
    const follower = followLog({ sql: db, messaging: bus.messaging, logger });
    const before = await headPosition(db);
    const aborter = new AbortController();
    const collect = async (after: number, count: number, filter = {}) => {
      const found: number[] = [];
      for await (const event of follower.subscribe({ after, filter, signal: aborter.signal })) {
        found.push(event.position);
        if (found.length === count) break;
      }
      return found;
    };
    const fromStart = collect(0, before + 60);
    const live = collect(before, 60);
    const one = collect(before, 9, { aggregateType: 'tenant', aggregateId: 't 3' });
    await append(60);
    const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);
    expect(await fromStart).toEqual(range(1, before + 60));
    expect(await live).toEqual(range(before + 1, before + 60));
    expect(new Set(await one).size).toBe(9);
    aborter.abort();
    await follower.stop();
  }, 30_000);

  it('cuts off a subscriber that is too slow, with its cursor', async () => {
    const follower = followLog({ sql: db, messaging: bus.messaging, logger });
    const start = await headPosition(db);
    const subscription = follower.subscribe({ after: start, signal: new AbortController().signal });
    const first = subscription.next();
    await append(1_300);
    expect((await first).value).toMatchObject({ position: start + 1 });
    await eventuallyHolds(
      () => {
        expect(follower.position()).toBe(start + 1_300);
      },
      { what: 'the tail to reach the end', timeoutMs: 20_000 },
    );
    let last = start + 1;
    await expect(
      (async () => {
        for await (const event of subscription) last = event.position;
      })(),
    ).rejects.toMatchObject({ code: 'overloaded' });
    expect(last).toBeLessThan(start + 1_300);
    await follower.stop();
  }, 60_000);
});
