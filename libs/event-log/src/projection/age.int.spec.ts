// Real: Postgres, whose clock is behind what the log has recorded, as after it was set back by an hour.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually, testDatabase, type TestDatabase } from '@fairlead/testing';
import { listProjections } from '../index.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase({ service: 'audit' });
  await database.db.query(`select log.lock_projection('kept'), log.add_epoch('kept', 1, 1, '{}')`);
  // As superuser: the log's function records no time that has not come.
  await database.adminSql.query(
    `insert into log.event select n, 'dead_letter', 'd', n, 'changed', 1, '{}', '{"principal":"user:usr_1"}', now() + interval '1 hour' from generate_series(1, 5) n`,
  );
  await database.adminSql.query(`update log.head set position = 5, recorded_at = now() + interval '1 hour'`);
});

afterAll(() => database.drop());

const state = async () => (await listProjections(database.db, 'kept'))[0];

it('a projection that stands still grows older all the same, until it goes on', async () => {
  const ages: number[] = [];
  await eventually(
    async () => {
      ages.push((await state())?.lagSeconds ?? NaN);
      return (ages.at(-1) ?? 0) > 0.2;
    },
    { what: 'it to be told older' },
  );
  expect(Math.min(...ages)).toBeGreaterThanOrEqual(0);
  expect(ages).toEqual([...ages].sort((a, b) => a - b));
  await database.db.query(`select log.advance_parts('kept', 1, array[0], 0, 3)`);
  expect((await state())?.lagSeconds).toBeLessThan(0.2);
  await database.db.query(`select log.advance_parts('kept', 1, array[0], 3, 5)`);
  expect(await state()).toMatchObject({ lag: 0, lagSeconds: 0 });
});
