/** Order under concurrency: many appenders on many connections, transactions that roll back, connections that are killed. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FairleadError, newId } from '@fairlead/contracts';
import { openDatabase, type Database } from '@fairlead/postgres';
import { createLogger } from '@fairlead/telemetry';
import { eventually, testDatabase, testEvents, type TestDatabase, type TestEvents } from '@fairlead/testing';
import { appendInTransaction, createAppender, headPosition, readLog, type AppendOutcome, type Command, type StoredEvent } from './index.js';

const logger = createLogger({ service: 'test', level: 'silent' });
let database: TestDatabase;
let pools: Database[];

beforeAll(async () => {
  database = await testDatabase({ service: 'placement' });
  const open = () =>
    openDatabase({ ...database.access('placement'), schema: 'placement', applicationName: 'appender', poolSize: 4, logger });
  pools = await Promise.all([open(), open(), open(), open()]);
}, 60_000);

afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.close()));
  await database.drop();
});

const pool = (n: number): Database => pools[n % pools.length] ?? database.db;
const command = (aggregateId: string, commandId = newId('command')): Command<TestEvents> & { commandId: string } => ({
  commandId,
  events: [
    { aggregateType: 'tenant', aggregateId, type: 'changed', payload: { command: commandId } },
    { aggregateType: 'tenant', aggregateId: 'both', type: 'changed', payload: { command: commandId } },
  ],
});

/** Reads from a position until told to end, asserting that each event follows the one before, in position and time. */
function startReader(after: number) {
  const seen: StoredEvent[] = [];
  let ending: number | undefined;
  const done = (async () => {
    let cursor = after;
    while (ending === undefined || cursor < ending) {
      const page = await readLog(database.db, { after: cursor, limit: 200 });
      for (const event of page) {
        expect(event.position).toBe(cursor + 1);
        expect(event.recordedAt.getTime()).toBeGreaterThanOrEqual(seen.at(-1)?.recordedAt.getTime() ?? 0);
        seen.push(event);
        cursor = event.position;
      }
      if (page.length === 0) await pause(1);
    }
    return seen;
  })();
  return {
    async end() {
      ending = await headPosition(database.db);
      return done;
    },
  };
}

/** A caller whose connection stayed lost repeats the same command; any other error is one. */
async function untilKnown(append: () => Promise<AppendOutcome>): Promise<AppendOutcome> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await append();
    } catch (error) {
      if (!(error instanceof FairleadError) || error.code !== 'unavailable' || tries === 20) throw error;
    }
  }
}

describe('32 appenders, with rollbacks and killed connections beside them', () => {
  it('fill the log without a gap, in commit order, each command once', async () => {
    const start = await headPosition(database.db);
    const reader = startReader(start);
    const appenders = Array.from({ length: 32 }, (_, n) => {
      return createAppender({ catalogue: testEvents, sql: n % 2 === 0 ? pool(n).pipeline() : pool(n), maxBatch: 10 });
    });
    const accepted: string[] = [];
    const appending = { on: true };
    const killer = (async () => {
      let killed = 0;
      while (appending.on) {
        const rows = await database.adminSql.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'appender' and state <> 'idle' order by random() limit 1`,
        );
        killed += rows.length;
        await pause(15);
      }
      return killed;
    })();
    const transactions = Array.from({ length: 40 }, async (_, n) => {
      const given = command(`tx-${String(n)}`);
      const rolledBack = n % 3 === 0;
      try {
        await pool(n).transaction(async (tx) => {
          await appendInTransaction(tx, given, testEvents);
          if (rolledBack) throw new Error('rolled back');
        });
        accepted.push(given.commandId);
      } catch {
        // Rolled back or killed; what is in the log is compared below.
      }
    });
    const appends = appenders.flatMap((appender, a) =>
      Array.from({ length: 50 }, async (_, n) => {
        const given = command(`t-${String((a + n) % 40)}`);
        const outcome = await untilKnown(() => appender.append(given));
        expect(outcome.status).toBe('ok');
        accepted.push(given.commandId);
      }),
    );
    await Promise.all([...transactions, ...appends]);
    appending.on = false;
    expect(await killer).toBeGreaterThan(0);

    const seen = await reader.end();
    expect(seen).toHaveLength((await headPosition(database.db)) - start);
    const perCommand = new Map<string, number>();
    for (const { payload } of seen) perCommand.set(String(payload['command']), (perCommand.get(String(payload['command'])) ?? 0) + 1);
    expect([...perCommand.values()].every((count) => count === 2)).toBe(true);
    expect(accepted.filter((id) => !perCommand.has(id))).toEqual([]);
    const both = seen.filter((event) => event.aggregateId === 'both');
    expect(both.map((event) => event.version)).toEqual(both.map((_, index) => index + 1));
  }, 60_000);
});

describe('who holds the head', () => {
  it('and stalls is cut off; the others go on and there is no gap', async () => {
    const start = await headPosition(database.db);
    const appender = createAppender({ catalogue: testEvents, sql: pool(0) });
    const holding = Promise.withResolvers<undefined>();
    const freed = Promise.withResolvers<undefined>();
    const stalled = pool(1).transaction(async (tx) => {
      await appendInTransaction(tx, command('stalled'), testEvents);
      expect(await tx.query('show transaction_timeout')).toEqual([{ transaction_timeout: '2s' }]);
      holding.resolve(undefined);
      await freed.promise;
    });
    stalled.catch(() => undefined);
    await holding.promise;
    // It stalls until after this: only its end lets the append through.
    const outcome = await appender.append(command('waiting'));
    expect(outcome).toMatchObject({ status: 'ok', firstPosition: start + 1, lastPosition: start + 2 });
    freed.resolve(undefined);
    await expect(stalled).rejects.toThrow();
    expect((await readLog(database.db, { after: start, limit: 10 })).map((event) => event.aggregateId)).toEqual(['waiting', 'both']);
  });

  it.each([
    ['one event', 'alone'],
    ['several', 'both'],
  ])(
    'is cut off with %s, also where transactions have a longer limit anyway',
    async (_, form) => {
      const [{ name } = { name: '' }] = await database.db.query<{ name: string }>('select current_database() as name');
      await database.adminSql.query(`alter database ${name} set transaction_timeout = '60s'`);
      const limited = await openDatabase({ ...database.access('placement'), schema: 'placement', applicationName: 'limited', logger });
      try {
        const { commandId, events } = command(`limited-${form}`);
        const holding = Promise.withResolvers<undefined>();
        const freed = Promise.withResolvers<undefined>();
        const stalled = limited.transaction(async (tx) => {
          await appendInTransaction(tx, { commandId, events: form === 'alone' ? events.slice(0, 1) : events }, testEvents);
          holding.resolve(undefined);
          await freed.promise;
        });
        stalled.catch(holding.reject);
        await holding.promise;
        await eventually(
          async () =>
            (await database.adminSql.query(`select 1 from pg_stat_activity where application_name = 'limited' and state <> 'idle'`))
              .length === 0,
          { what: 'the holder to be cut off', timeoutMs: 15_000 },
        );
        freed.resolve(undefined);
        await expect(stalled).rejects.toThrow();
        expect(await readLog(database.db, { after: 0, limit: 5, aggregateType: 'tenant', aggregateId: `limited-${form}` })).toEqual([]);
      } finally {
        await limited.close();
        await database.adminSql.query(`alter database ${name} reset transaction_timeout`);
      }
    },
    30_000,
  );

  it('is not hurried in what it did before it appended', async () => {
    await pool(2).transaction(async (tx) => {
      await tx.query('select pg_sleep(2.3)');
      await appendInTransaction(tx, command('late'), testEvents);
    });
    expect(await readLog(database.db, { after: 0, limit: 5, aggregateType: 'tenant', aggregateId: 'late' })).toHaveLength(1);
  });

  it('hurries nobody else: a reader, a migration, and what comes later on the same connection take their time', async () => {
    const access = { ...database.access('placement'), schema: 'placement', applicationName: 'one', poolSize: 1, logger };
    const one = await openDatabase(access);
    await one.transaction((tx) => appendInTransaction(tx, command('first'), testEvents));
    const slow = 'select count(*) from log.event, (select pg_sleep(2.3)) s';
    const migration = `begin; set local role fairlead_placement_owner; select pg_sleep(2.3); create table placement.slowly (); drop table placement.slowly; commit`;
    await Promise.all([
      one.transaction((tx) => tx.query(slow)),
      pool(0).transaction((tx) => tx.query(slow)),
      database.adminSql.query(migration),
    ]);
    await one.close();
  });
});

describe('a lost connection', () => {
  it('while the append waits makes no second event', async () => {
    const given = command('interrupted');
    const holder = database.adminSql.query(`begin; select * from log.head for update; select pg_sleep(1); commit`);
    await eventually(
      async () =>
        (
          await database.db.query(
            `select 1 from pg_locks l join pg_class c on c.oid = l.relation where c.relname = 'head' and l.mode = 'RowShareLock'`,
          )
        ).length > 0,
      {
        what: 'the lock on the head',
      },
    );
    const appended = createAppender({ catalogue: testEvents, sql: pool(3) }).append(given);
    await eventually(
      async () =>
        (
          await database.adminSql.query(
            `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'appender' and wait_event_type = 'Lock'`,
          )
        ).length > 0,
      { what: 'the append to wait' },
    );
    expect(await appended).toMatchObject({ status: 'ok', repeated: false });
    await holder;
    expect(await readLog(database.db, { after: 0, limit: 5, aggregateType: 'tenant', aggregateId: 'interrupted' })).toHaveLength(1);
  });

  it('after the commit is answered as a repeat', async () => {
    let lost = false;
    const sql = {
      query: async <T>(text: string, params?: readonly unknown[]): Promise<T[]> => {
        const rows = await pool(0).query<T>(text, params);
        if (lost) return rows;
        lost = true;
        throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
      },
    };
    expect(await createAppender({ catalogue: testEvents, sql }).append(command('lost'))).toMatchObject({ status: 'ok', repeated: true });
    expect(lost).toBe(true);
    expect(await readLog(database.db, { after: 0, limit: 5, aggregateType: 'tenant', aggregateId: 'lost' })).toHaveLength(1);
  });

  it('that stays lost is told as such, within bounds', async () => {
    const closed = await openDatabase({
      ...database.access('placement'),
      schema: 'placement',
      applicationName: 'closed',
      poolSize: 1,
      logger,
    });
    const gone = { query: () => closed.query<never>('select pg_terminate_backend(pg_backend_pid())') };
    await expect(createAppender({ catalogue: testEvents, sql: gone }).append(command('never'))).rejects.toMatchObject({
      code: 'unavailable',
    });
    await closed.close();
  });
});
