/** Projections and waiting for them, on a real Postgres and a real NATS. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@fairlead/contracts';
import { openDatabase, type Database } from '@fairlead/postgres';
import { createLogger, Registry } from '@fairlead/telemetry';
import {
  eventuallyHolds,
  testDatabase,
  testEvents,
  testMessaging,
  type TestDatabase,
  type TestEvents,
  type TestMessaging,
} from '@fairlead/testing';
import {
  createAppender,
  headPosition,
  pokeLog,
  startProjection,
  waitForProjection,
  type Appender,
  type ProjectionOptions,
  type StoredEvent,
} from './index.js';

const logger = createLogger({ service: 'test', level: 'silent' });
let database: TestDatabase;
let bus: TestMessaging;
let db: Database;
let appender: Appender<TestEvents>;

beforeAll(async () => {
  [database, bus] = await Promise.all([testDatabase({ service: 'placement' }), testMessaging()]);
  db = database.db;
  appender = createAppender({
    catalogue: testEvents,
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
