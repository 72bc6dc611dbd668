import { connect, createServer, type AddressInfo } from 'node:net';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLogger } from '@fairlead/telemetry';
import { eventuallyHolds, testDatabase } from '@fairlead/testing';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isConnectionError, openDatabase, runMigrations, sqlState, type Database } from './index.js';

class Things1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner) {
    await runner.query('create table thing (id bigint primary key, name text not null)');
  }
  async down(runner: QueryRunner) {
    await runner.query('drop table thing');
  }
}
class More1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner) {
    await runner.query('alter table thing add column note text');
  }
  async down(runner: QueryRunner) {
    await runner.query('alter table thing drop column note');
  }
}

let database: Awaited<ReturnType<typeof testDatabase>>;
let db: Database;
const logger = createLogger({ service: 'test', level: 'fatal' });

beforeAll(async () => {
  database = await testDatabase({ service: 'placement', migrations: [Things1700000000000] });
  db = database.db;
}, 60_000);

afterAll(async () => {
  await database.drop();
});

describe('a database', () => {
  it('binds parameters, answers rows of every statement and numbers for int8', async () => {
    const hostile = `x'); drop table thing; --`;
    expect(await db.query('insert into thing (id, name) values ($1, $2) returning id, name', [7, hostile])).toEqual([
      { id: 7, name: hostile },
    ]);
    expect(await db.query('update thing set name = $1 where id = $2 returning id', ['renamed', 7])).toEqual([{ id: 7 }]);
    expect(await db.query('delete from thing where id = $1 returning name', [7])).toEqual([{ name: 'renamed' }]);
  });

  it('prepares a statement that has a name once on a connection, and answers as ever', async () => {
    await db.transaction(async (tx) => {
      for (const n of [1, 2]) expect(await tx.query('select $1::bigint as n', [n], 'named')).toEqual([{ n }]);
      expect(
        await tx.query(`select name, (generic_plans + custom_plans)::int as runs from pg_prepared_statements where name = 'named'`),
      ).toEqual([{ name: 'named', runs: 2 }]);
    });
    expect(await db.query('select $1::bigint as n', [3], 'named')).toEqual([{ n: 3 }]);
    await expect(db.query('select 1 / $1::int', [0], 'wrong')).rejects.toMatchObject({ code: '22012' });
  });

  it('rolls back a transaction that throws', async () => {
    const attempt = db.transaction(async (tx) => {
      await tx.query(`insert into thing (id, name) values (1, 'gone')`);
      throw new Error('no');
    });
    await expect(attempt).rejects.toThrow('no');
    expect(await db.query('select * from thing')).toEqual([]);
  });

  it('lets a service change its rows, and neither its tables nor those of others', async () => {
    for (const statement of [
      'drop table thing',
      'alter table thing add column x int',
      'create table placement.other (id int)',
      'create table public.other (id int)',
      'select * from job_orchestrator.job',
      'set role fairlead_placement_owner',
    ]) {
      await expect(db.query(statement)).rejects.toThrow(/permission denied|must be owner|does not exist/);
    }
  });

  it('tells pending migrations, and applies each once', async () => {
    const later = await openDatabase({
      url: database.url,
      password: database.password,
      schema: 'placement',
      migrations: [Things1700000000000, More1700000000001],
      applicationName: 'test',
      logger,
    });
    expect(await later.pendingMigrations()).toEqual(['More1700000000001']);
    const migrate = () => runMigrations({ ...database.admin, service: 'placement', migrations: [Things1700000000000, More1700000000001] });
    const applied = await Promise.all([migrate(), migrate()]);
    expect(applied.flat()).toEqual(['More1700000000001']);
    expect(await later.pendingMigrations()).toEqual([]);
    await later.close();
  });

  it('rides out connections that are cut, and knows such an error', async () => {
    const cut = db.query('select pg_sleep(30)').catch((error: unknown) => error);
    await eventuallyHolds(
      async () => {
        const killed = await database.adminSql.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where query = 'select pg_sleep(30)' and pid <> pg_backend_pid()`,
        );
        expect(killed).toHaveLength(1);
      },
      { what: 'the backend to be there' },
    );
    const lost: unknown = await cut;
    expect(lost).toMatchObject({ code: 'unavailable' });
    expect(isConnectionError(lost)).toBe(true);
    await eventuallyHolds(() => db.ping(), { what: 'the pool to heal' });
    const violation: unknown = await db.query('select 1 / 0').catch((error: unknown) => error);
    expect(isConnectionError(violation)).toBe(false);
    expect(sqlState(violation)).toBe('22012');
  });

  it('knows it also when the connection is cut after the last statement of a transaction, before its commit', async () => {
    const lost: unknown = await db
      .transaction(async (tx) => {
        const [row] = await tx.query<{ pid: number }>('select pg_backend_pid() as pid');
        const connection = (await tx.manager.queryRunner?.connect()) as pg.PoolClient;
        const ended = new Promise((resolve) => connection.once('end', resolve));
        await database.adminSql.query('select pg_terminate_backend($1)', [row?.pid]);
        await ended;
      })
      .catch((error: unknown) => error);
    expect(lost).toMatchObject({ code: 'unavailable' });
    expect(isConnectionError(lost)).toBe(true);
  });

  it('says when Postgres does not answer', async () => {
    const attempt = openDatabase({
      url: 'postgres://nobody@127.0.0.1:1/none',
      password: 'hunter2',
      schema: 'x',
      applicationName: 'test',
      logger,
    });
    await expect(attempt).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('a connection', () => {
  /** Stands before the server and, once armed, ends each new connection in the very packet that says it is ready. */
  async function startLink() {
    const server = new URL(database.url);
    const readyForQuery = Buffer.from('5a0000000549', 'hex');
    const fields = Buffer.from('SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0');
    const fatal = Buffer.concat([Buffer.from('E'), Buffer.alloc(4), fields]);
    fatal.writeInt32BE(fields.length + 4, 1);
    let armed = false;
    const link = createServer((client) => {
      const upstream = connect(Number(server.port), server.hostname);
      const ends = armed;
      client.pipe(upstream);
      upstream.on('data', (data) => {
        const dies = ends && data.subarray(-readyForQuery.length).equals(readyForQuery);
        client.write(dies ? Buffer.concat([data, fatal]) : data);
        if (dies) upstream.destroy();
      });
      for (const [socket, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        socket.on('error', () => undefined);
        socket.on('close', () => other.destroy());
      }
    });
    await new Promise<void>((resolve) => link.listen(0, '127.0.0.1', resolve));
    const url = new URL(database.url);
    url.port = String((link.address() as AddressInfo).port);
    const arm = (yes: boolean) => {
      armed = yes;
    };
    return { url: url.href, arm, close: () => link.close() };
  }

  it('that dies as it is made fails its statement and nothing else', async () => {
    const link = await startLink();
    const own = await openDatabase({
      url: link.url,
      password: database.password,
      schema: 'placement',
      applicationName: 'dies',
      poolSize: 2,
      logger,
    });
    link.arm(true);
    // One of them may find a connection that was there before.
    const outcomes = await Promise.allSettled([1, 2].map(() => own.query('select pg_sleep(0.2)')));
    const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
    expect(failures.length).toBeGreaterThan(0);
    for (const failure of failures) expect(failure).toMatchObject({ code: 'unavailable' });
    link.arm(false);
    expect(await own.query('select 1 as one')).toEqual([{ one: 1 }]);
    await own.close();
    link.close();
  });

  it('that dies as it is made, the very first too, can not end the process', async () => {
    const link = await startLink();
    link.arm(true);
    const settings = { url: link.url, password: database.password, schema: 'placement', applicationName: 'dies', poolSize: 1, logger };
    for (let n = 0; n < 5; n += 1) await expect(openDatabase(settings)).rejects.toMatchObject({ code: 'unavailable' });
    link.arm(false);
    const own = await openDatabase(settings);
    // In the hands of somebody who does not listen, as between two statements of TypeORM's own.
    const { master } = own.dataSource.driver as unknown as { master: pg.Pool };
    const connection = await master.connect();
    const ended = new Promise((resolve) => connection.once('end', resolve));
    const { rows } = await connection.query<{ pid: number }>('select pg_backend_pid() as pid');
    await database.adminSql.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
    await ended;
    connection.release(true);
    expect(await own.query('select 1 as one')).toEqual([{ one: 1 }]);
    await own.close();
    link.close();
  });
});
