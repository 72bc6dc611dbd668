// Real: Postgres.
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createLogger } from '@fairlead/telemetry';
import { testDatabase } from '@fairlead/testing';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createIdempotency, createIdempotencyTable, openDatabase, type Database, type Idempotency, type Transaction } from './index.js';

class Keys1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner) {
    await createIdempotencyTable(runner);
    await runner.query('create table thing (name text not null)');
  }
  async down(runner: QueryRunner) {
    await runner.query('drop table thing, idempotency_key');
  }
}

let database: Awaited<ReturnType<typeof testDatabase>>;
let db: Database;
let idempotency: Idempotency;
const logger = createLogger({ service: 'test', level: 'fatal' });

beforeAll(async () => {
  database = await testDatabase({ service: 'placement', migrations: [Keys1700000000000] });
  db = database.db;
  idempotency = createIdempotency({ database: db, logger });
}, 60_000);

afterAll(async () => {
  idempotency.stop();
  await database.drop();
});

beforeEach(async () => {
  await db.query('delete from idempotency_key');
  await db.query('delete from thing');
});

const keyed = (key: string, request = 'a thing', scope = 'user:ann') => ({ scope, key, request });
const make = (name: string) => async (tx: Transaction) => {
  await tx.query('insert into thing values ($1)', [name]);
  return { name, secret: `the secret of ${name}` };
};
const things = async () => (await db.query<{ name: string }>('select name from thing order by name')).map(({ name }) => name);

describe('a request with a key', () => {
  it('is done once and answered the same, whoever else uses the key for theirs', async () => {
    const first = await idempotency.once(keyed('k'), make('one'));
    expect(await idempotency.once(keyed('k'), make('two'))).toEqual(first);
    expect(await idempotency.once(keyed('k', 'a thing', 'user:bob'), make('three'))).toMatchObject({ name: 'three' });
    expect(await idempotency.once(keyed('K'), make('four'))).toMatchObject({ name: 'four' });
    expect(await things()).toEqual(['four', 'one', 'three']);
  });

  it('is refused with the key of another request, and changes nothing', async () => {
    await idempotency.once(keyed('k'), make('one'));
    await expect(idempotency.once(keyed('k', 'another thing'), make('two'))).rejects.toMatchObject({ code: 'idempotency_key_reused' });
    expect(await things()).toEqual(['one']);
  });

  it('is done once when many come at the same time, by several processes', async () => {
    const other = await openDatabase({ ...database, schema: 'placement', applicationName: 'other', logger });
    const theirs = createIdempotency({ database: other, logger });
    try {
      const answers = await Promise.all(
        Array.from({ length: 24 }, (_, n) => (n % 2 === 0 ? idempotency : theirs).once(keyed('k'), make(`try ${n}`))),
      );
      expect(await things()).toEqual([answers[0]?.name]);
      expect(new Set(answers.map(({ name }) => name)).size).toBe(1);
    } finally {
      theirs.stop();
      await other.close();
    }
  });

  it('that failed leaves its key for another attempt, also to those that waited', async () => {
    const broken = async (tx: Transaction): Promise<{ name: string }> => {
      await make('lost')(tx);
      throw new Error('broken');
    };
    const outcomes = await Promise.allSettled([
      idempotency.once(keyed('k'), broken),
      idempotency.once(keyed('k'), broken),
      idempotency.once(keyed('k'), broken),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(await idempotency.once(keyed('k', 'another'), make('one'))).toMatchObject({ name: 'one' });
    expect(await things()).toEqual(['one']);
  });

  it('whose connection dies before the commit is done by the next attempt', async () => {
    const dying = idempotency.once(keyed('k'), async (tx) => {
      const answer = await make('lost')(tx);
      const [own] = await tx.query<{ pid: number }>('select pg_backend_pid() as pid');
      await db.query('select pg_terminate_backend($1)', [own?.pid]);
      return answer;
    });
    await expect(dying).rejects.toThrow();
    expect(await idempotency.once(keyed('k'), make('one'))).toMatchObject({ name: 'one' });
    expect(await things()).toEqual(['one']);
  });
});

describe('what is kept', () => {
  it('gives neither key, request nor answer away', async () => {
    await idempotency.once(keyed('a-key-of-ann', 'the password is hunter2'), make('one'));
    const stored = JSON.stringify(
      await db.query(`select scope, key_hash::text || request_hash::text || answer::text as bytes from idempotency_key`),
    );
    for (const secret of ['a-key-of-ann', 'hunter2', 'the secret of one'])
      for (const form of [secret, Buffer.from(secret).toString('hex')]) expect(stored).not.toContain(form);
  });

  it('is of no use under another secret', async () => {
    await idempotency.once(keyed('k'), make('one'));
    const other = createIdempotency({ database: db, logger, secret: Buffer.alloc(32, 7) });
    expect(await other.once(keyed('k'), make('two'))).toMatchObject({ name: 'two' });
    expect(await other.once(keyed('k'), make('three'))).toMatchObject({ name: 'two' });
    other.stop();
  });

  it('is kept for a day, and then is gone, and its key free again', async () => {
    await idempotency.once(keyed('young'), make('one'));
    await idempotency.once(keyed('old'), make('two'));
    await idempotency.once(keyed('older'), make('three'));
    const age = (hours: number) => db.query('update idempotency_key set created_at = now() - make_interval(hours => $1)', [hours]);
    await age(23);
    expect(await idempotency.clean()).toBe(0);
    expect(await idempotency.once(keyed('old'), make('again'))).toMatchObject({ name: 'two' });
    await age(25);
    expect(await idempotency.once(keyed('old', 'another'), make('four'))).toMatchObject({ name: 'four' });
    expect(await idempotency.clean()).toBe(2);
    expect(await idempotency.once(keyed('old', 'another'), make('five'))).toMatchObject({ name: 'four' });
  });

  it('is cleaned by itself', () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance'] });
    try {
      const queries: string[] = [];
      const watched = { ...db, query: (text: string) => (queries.push(text), Promise.resolve([])) };
      const own = createIdempotency({ database: watched, logger });
      jest.advanceTimersByTime(25 * 60_000);
      own.stop();
      jest.advanceTimersByTime(25 * 60_000);
      expect(queries).toEqual([
        expect.stringContaining('delete from idempotency_key'),
        expect.stringContaining('delete from idempotency_key'),
      ]);
    } finally {
      jest.useRealTimers();
    }
  });
});
