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
