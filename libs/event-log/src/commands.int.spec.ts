/** Command ids are kept for 7 days, then forgotten. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { newId } from '@fairlead/contracts';
import { createLogger } from '@fairlead/telemetry';
import { eventually, testDatabase, testEvents, type TestDatabase, type TestEvents } from '@fairlead/testing';
import { forgetFrom } from './commands.js';
import { createAppender, forgetCommands, type Command } from './index.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase({ service: 'audit' });
}, 60_000);

afterAll(() => database.drop());

const command = (): Command<TestEvents> => ({
  commandId: newId('command'),
  events: [{ aggregateType: 'event_log', aggregateId: 'log', type: 'changed', payload: {} }],
});

/** So many commands of an age, as they stand in the log's table. */
const insertOld = (count: number, age: string) =>
  database.adminSql.query(
    `insert into log.command select 'fairlead_audit', 'old-' || $2 || '-' || n, n - 2000000, n - 2000000, now() - $2::interval from generate_series(1, $1::int) n`,
    [count, age],
  );
const kept = async () =>
  (await database.adminSql.query<{ kept: number }>(`select count(*)::int as kept from log.command where command_id like 'old-%'`))[0]?.kept;

it('forgets what is older than 7 days, a part of the table at a time, and nothing else', async () => {
  const appender = createAppender({ catalogue: testEvents, sql: database.db });
  const recent = command();
  const first = await appender.append(recent);
  // After a jump of the clock what was appended just now looks old; it is among the last positions.
  const jumped = command();
  const appended = await appender.append(jumped);
  await database.adminSql.query(`update log.command set recorded_at = now() - interval '8 days' where command_id = $1`, [jumped.commandId]);
  await insertOld(20_000, '7 days 1 minute');
  await insertOld(10, '6 days 23 hours');
  let next = await forgetFrom(database.db, 0);
  // A look at a small table is one small transaction.
  const left = await kept();
  expect(next).toBe(128);
  expect(left).toBeGreaterThan(10);
  expect(left).toBeLessThan(20_000);
  while (next !== 0) next = await forgetFrom(database.db, next);
  expect(await kept()).toBe(10);
  // Where there is nothing (any more) it begins anew.
  expect(await database.db.query('select forgotten, next_block from log.forget_commands(1000000)')).toEqual([
    { forgotten: 0, next_block: 128 },
  ]);
  expect(await appender.append(jumped)).toEqual({ ...appended, repeated: true });
  expect(await appender.append(recent)).toEqual({ ...first, repeated: true });
});

it('goes on by itself, and an id that was forgotten is a new one', async () => {
  const appender = createAppender({ catalogue: testEvents, sql: database.db });
  const old = command();
  const first = await appender.append(old);
  await database.adminSql.query(
    `update log.command set recorded_at = now() - interval '8 days', last_position = -2000000 where command_id = $1`,
    [old.commandId],
  );
  const stop = forgetCommands({ sql: database.db, logger: createLogger({ service: 'test', level: 'silent' }) });
  try {
    await eventually(
      async () => (await database.adminSql.query(`select 1 from log.command where command_id = $1`, [old.commandId])).length === 0,
      { what: 'the id to be forgotten' },
    );
  } finally {
    stop();
  }
  const again = await appender.append(old);
  expect(again).toMatchObject({ status: 'ok', repeated: false });
  expect(again).not.toEqual(first);
});
