/** Command ids are kept for 7 days, then forgotten. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { newId } from '@fairlead/contracts';
import { createLogger } from '@fairlead/telemetry';
import { eventually, testDatabase, testEvents, type TestDatabase, type TestEvents } from '@fairlead/testing';
import { forgetOldCommands } from './commands.js';
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
    `insert into log.command select 'fairlead_audit', 'old-' || $2 || '-' || n, n, n, now() - $2::interval from generate_series(1, $1::int) n`,
    [count, age],
  );
const kept = async () =>
  (await database.adminSql.query<{ kept: number }>(`select count(*)::int as kept from log.command where command_id like 'old-%'`))[0]?.kept;

it('forgets what is older than 7 days, in batches, and nothing else', async () => {
  const appender = createAppender({ catalogue: testEvents, sql: database.db });
  const recent = command();
  const first = await appender.append(recent);
  await insertOld(2_500, '7 days 1 minute');
  await insertOld(10, '6 days 23 hours');
  // One call is a small transaction, whatever is asked for.
  expect(await database.db.query('select log.forget_commands(1000000) as forgotten')).toEqual([{ forgotten: 1_000 }]);
  expect(await forgetOldCommands(database.db)).toBe(1_500);
  expect(await forgetOldCommands(database.db)).toBe(0);
  expect(await kept()).toBe(10);
  expect(await appender.append(recent)).toEqual({ ...first, repeated: true });
});

it('goes on by itself, and an id that was forgotten is a new one', async () => {
  const appender = createAppender({ catalogue: testEvents, sql: database.db });
  const old = command();
  const first = await appender.append(old);
  await database.adminSql.query(`update log.command set recorded_at = now() - interval '8 days' where command_id = $1`, [old.commandId]);
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
