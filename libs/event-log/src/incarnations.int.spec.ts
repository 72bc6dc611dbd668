/** The log's incarnations: their history, and who may begin one. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@fairlead/contracts';
import { openDatabase, type Database } from '@fairlead/postgres';
import { createLogger } from '@fairlead/telemetry';
import { testDatabase, testEvents, type TestDatabase } from '@fairlead/testing';
import { beginIncarnation, createAppender, installEventLog, readHead } from './index.js';

let database: TestDatabase;
let audit: Database;

beforeAll(async () => {
  database = await testDatabase({ service: 'placement' });
  audit = await openDatabase({
    ...database.access('audit'),
    schema: 'audit',
    applicationName: 'test',
    logger: createLogger({ service: 'test', level: 'silent' }),
  });
  const appender = createAppender({ catalogue: testEvents, sql: database.db });
  for (let n = 0; n < 5; n += 1) {
    await appender.append({
      commandId: newId('command'),
      events: [{ aggregateType: 'tenant', aggregateId: 'acme', type: 'changed', payload: {} }],
    });
  }
}, 60_000);

afterAll(async () => {
  await audit.close();
  await database.drop();
});

const history = () =>
  database.db.query<{ incarnation: string; began_after: number }>(
    'select incarnation::text, began_after from log.incarnation order by incarnation',
  );
const present = async () => (await readHead(database.db)).incarnation;
const begin = async (after: number | null): Promise<string> => {
  const [row] = await database.adminSql.query<{ begun: string }>('select log.begin_incarnation($1)::text as begun', [after]);
  return row?.begun ?? '';
};
const beginAfter = async (after: number | null, of: string): Promise<string | null> => {
  const [row] = await audit.query<{ begun: string | null }>('select log.begin_incarnation_after($1, $2)::text as begun', [after, of]);
  return row?.begun ?? null;
};

describe('an incarnation', () => {
  it('is there from the installation on, the same as the head’s', async () => {
    expect(await history()).toEqual([{ incarnation: await present(), began_after: 0 }]);
  });

  it('begins after the head or an earlier position, and sorts after the one before', async () => {
    const first = await present();
    const second = await begin(null);
    const third = await begin(2);
    expect(await history()).toEqual([
      { incarnation: first, began_after: 0 },
      { incarnation: second, began_after: 5 },
      { incarnation: third, began_after: 2 },
    ]);
    expect(await present()).toBe(third);
  });

  it('sorts after the one before where the clock went back', async () => {
    await database.adminSql.query(`update log.head set incarnation = uuidv7(interval '3 days')`);
    const later = await present();
    const begun = await begin(null);
    expect(begun > later).toBe(true);
    expect((await begin(null)) > begun).toBe(true);
  });

  it.each([-1, 6])('does not begin after %d, which is no position of the log', async (after) => {
    const before = await history();
    await expect(begin(after)).rejects.toThrow('which is at 5');
    await expect(beginAfter(after, await present())).rejects.toThrow('which is at 5');
    expect(await history()).toEqual(before);
  });

  it('begins after the position that an administrator names, or after the last; never after one that the log has not', async () => {
    expect(await beginIncarnation({ ...database.admin, after: 3 })).toEqual({ incarnation: await present(), after: 3 });
    expect(await beginIncarnation({ ...database.admin, after: 0 })).toEqual({ incarnation: await present(), after: 0 });
    expect(await beginIncarnation(database.admin)).toEqual({ incarnation: await present(), after: 5 });
    const before = await history();
    await expect(beginIncarnation({ ...database.admin, after: 6 })).rejects.toThrow('which is at 5, not after 6');
    expect(await history()).toEqual(before);
  });

  it('is begun by one of those who found the same one to be over', async () => {
    const over = await present();
    const begun = await Promise.all(Array.from({ length: 6 }, () => beginAfter(3, over)));
    expect(begun.filter((one) => one !== null)).toEqual([await present()]);
    expect((await history()).at(-1)).toEqual({ incarnation: await present(), began_after: 3 });
    await expect(beginAfter(null, await present())).rejects.toThrow('a position is expected');
  });

  it('stays as it was written, also to a superuser', async () => {
    for (const change of [`update log.incarnation set began_after = 0`, `delete from log.incarnation`, `truncate log.incarnation`]) {
      await expect(database.adminSql.query(change)).rejects.toThrow('append-only');
    }
  });
});

describe('a log that was installed without a history', () => {
  it('gets one that begins with the present incarnation', async () => {
    const incarnation = await present();
    await database.adminSql.query('drop table log.incarnation; drop function log.begin_incarnation(bigint)');
    await database.adminSql.query(
      `create function log.begin_incarnation() returns uuid language sql as 'update log.head set incarnation = uuidv7() returning incarnation'`,
    );
    await installEventLog(database.admin);
    await installEventLog(database.admin);
    expect(await history()).toEqual([{ incarnation, began_after: 0 }]);
    expect(await database.adminSql.query<{ begun: string }>('select log.begin_incarnation()::text as begun')).toEqual([
      { begun: await present() },
    ]);
  });
});
