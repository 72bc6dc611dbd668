// Real: Postgres with a log of 50 partitions, one of which is taken away as its owner could.
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { createLogger } from '@fairlead/telemetry';
import { testDatabase, type TestDatabase } from '@fairlead/testing';
import { followLog, readPage, type EventFilter, type LogFollower } from './index.js';

const events = 5_000;
let database: TestDatabase;
let follower: LogFollower;

beforeAll(async () => {
  database = await testDatabase({ service: 'placement' });
  // As superuser: nobody else may write other than by the log's function.
  for (const statement of [
    `do $$ declare p text; begin for p in select name from log.partitions loop execute format('drop table log.%I', p); end loop; end $$`,
    `update log.head set partition_size = 100, partitioned_until = 0, position = ${events}`,
    'select log.keep_partitions()',
    `insert into log.event select n, 'tenant', 't-' || n % 7, n / 7 + 1, 'changed', 1, '{}', '{"principal":"user:usr_1"}', now() from generate_series(1, ${events}) n`,
  ])
    await database.adminSql.query(statement);
  follower = followLog({ sql: database.db, logger: createLogger({ service: 'test', level: 'silent' }) });
}, 60_000);

afterAll(async () => {
  await follower.stop();
  await database.drop();
});

const partition = 'event_000020';
const bounds = 'for values from (2000) to (2100)';

afterEach(() => database.adminSql.query(`alter table log.event attach partition log.${partition} ${bounds}`));

it.each<EventFilter>([
  {},
  { aggregateTypes: ['tenant'] },
  { aggregateTypes: ['shard'] },
  { aggregateTypes: ['tenant'], aggregateId: 't-1' },
])(
  'nobody is led over events that are not there: %j',
  async (filter) => {
    const readAll = async () => {
      let found = 0;
      for (let [cursor, more] = [{ position: 0 }, true]; more;) {
        const answer = await follower.read({ cursor, filter, limit: 1_000 });
        found += answer.events.length;
        ({ cursor, more } = answer);
      }
      return found;
    };
    const all = await readAll();
    await database.adminSql.query(`alter table log.event detach partition log.${partition}`);
    await expect(readAll()).rejects.toThrow('does not hold all positions');
    const page = await readPage(database.db, { after: 1_500, limit: 1_000, filter });
    expect(page.whole).toBe(false);
    const streamed = async () => {
      for await (const batch of follower.subscribe({ cursor: { position: 0 }, filter, signal: AbortSignal.timeout(10_000) }))
        if (batch.cursor.position >= events) return;
    };
    await expect(streamed()).rejects.toThrow('does not hold all positions');
    expect((await readPage(database.db, { after: 2_500, limit: 1_000, filter })).whole).toBe(true);
    expect(all).toBeLessThanOrEqual(events);
  },
  30_000,
);
