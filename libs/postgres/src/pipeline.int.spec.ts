import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventuallyHolds, testDatabase } from '@fairlead/testing';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isConnectionError, sqlState } from './index.js';

class Lines1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner) {
    await runner.query('create table line (id bigint generated always as identity, text text not null unique)');
  }
  async down(runner: QueryRunner) {
    await runner.query('drop table line');
  }
}

let database: Awaited<ReturnType<typeof testDatabase>>;

beforeAll(async () => {
  database = await testDatabase({ service: 'placement', migrations: [Lines1700000000000] });
}, 60_000);

afterAll(() => database.drop());

const insert = 'insert into line (text) values ($1) returning text';
const texts = async () => (await database.db.query<{ text: string }>('select text from line order by id')).map(({ text }) => text);

/** Ends the connection that runs a statement, once it does. */
const cut = (statement: string) =>
  eventuallyHolds(
    async () => {
      const killed = await database.adminSql.query('select pg_terminate_backend(pid) from pg_stat_activity where query = $1', [statement]);
      expect(killed).toHaveLength(1);
    },
    { what: 'the statement to be run' },
  );

describe('a pipeline', () => {
  it('runs what is given at once in that order on one connection, the first while it connects too', async () => {
    const pipeline = database.db.pipeline();
    const given = Array.from({ length: 200 }, (_, n) => `in order ${String(n)}`);
    const answers = await Promise.all(given.map((text, n) => pipeline.query(insert, [text], n % 2 === 0 ? 'insert' : undefined)));
    expect(answers).toEqual(given.map((text) => [{ text }]));
    expect((await texts()).filter((text) => text.startsWith('in order'))).toEqual(given);
    const pids = await Promise.all([1, 2, 3].map(() => pipeline.query<{ pid: number }>('select pg_backend_pid() as pid')));
    expect(new Set(pids.flat().map(({ pid }) => pid)).size).toBe(1);
    await pipeline.close();
  });

  it('lets a statement fail alone: each is a transaction of its own', async () => {
    const pipeline = database.db.pipeline();
    const results = await Promise.allSettled(['twice', 'twice', 'once'].map((text) => pipeline.query(insert, [text])));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(sqlState((results[1] as PromiseRejectedResult).reason)).toBe('23505');
    expect(await texts()).toEqual(expect.arrayContaining(['twice', 'once']));
    await pipeline.close();
  });

  it('fails all that is on its way when the connection is lost, runs none of it twice, and connects anew', async () => {
    const pipeline = database.db.pipeline();
    const results = Promise.allSettled([
      pipeline.query(insert, ['before']),
      pipeline.query('select pg_sleep(31)'),
      pipeline.query(insert, ['after']),
    ]);
    await cut('select pg_sleep(31)');
    const [before, ...lost] = await results;
    expect(before).toMatchObject({ status: 'fulfilled' });
    for (const one of lost) {
      expect(one).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
      expect(isConnectionError((one as PromiseRejectedResult).reason)).toBe(true);
    }
    expect(await texts()).not.toContain('after');
    expect(await pipeline.query(insert, ['anew'])).toEqual([{ text: 'anew' }]);
    await pipeline.close();
  });

  it('connects when it is first asked, and closes when its last statement is answered', async () => {
    const pipeline = database.db.pipeline();
    const last = pipeline.query(insert, ['last']);
    await pipeline.close();
    expect(await last).toEqual([{ text: 'last' }]);
    await expect(pipeline.query('select 1')).rejects.toThrow('closed');
    await database.db.pipeline().close();
  });
});
