/** A follower between a restore and the new incarnation: the log has other events where it was, and nobody has said so. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId, type FairleadError } from '@fairlead/contracts';
import { createLogger } from '@fairlead/telemetry';
import { eventually, testDatabase, testEvents, type TestDatabase } from '@fairlead/testing';
import { createAppender, followLog, readLog, type LogFollower } from './index.js';

const logger = createLogger({ service: 'test', level: 'silent' });
let database: TestDatabase;
let follower: LogFollower;
const follow = () => followLog({ sql: database.db, logger });

beforeAll(async () => {
  database = await testDatabase({ service: 'placement' });
  await append(30);
  follower = follow();
}, 60_000);

afterAll(async () => {
  await follower.stop();
  await database.drop();
});

async function append(count: number): Promise<void> {
  const appender = createAppender({ catalogue: testEvents, sql: database.db });
  for (let n = 0; n < count; n += 1) {
    const event = { aggregateType: 'tenant', aggregateId: 'a', type: 'changed', payload: { id: newId('command') } } as const;
    await appender.append({ commandId: newId('command'), events: [event] });
  }
}

/** Loses the events after a position, and takes those that are given in their place, in one transaction. */
async function restore(position: number, table?: string): Promise<void> {
  await database.adminSql.query(`
    alter table log.event disable trigger append_only;
    delete from log.event where position > ${String(position)};
    ${table === undefined ? '' : `insert into log.event select * from ${table} where position > ${String(position)};`}
    delete from log.stream;
    insert into log.stream select aggregate_type, aggregate_id, max(version), max(position) from log.event group by 1, 2;
    update log.head set position = (select max(position) from log.event);
    alter table log.event enable always trigger append_only`);
}

const outcome = (cursor: Parameters<LogFollower['read']>[0]['cursor']) =>
  follower.read({ cursor, limit: 100 }).then(
    ({ events }) => events.map((event) => event.position),
    (error: unknown) => error as FairleadError,
  );

const detailsOf = async (cursor: Parameters<typeof outcome>[0]) => {
  const found = await outcome(cursor);
  return Array.isArray(found) ? undefined : found.details;
};

describe('between a restore and the incarnation that it begins', () => {
  it('nothing is served that does not follow what was: not when the log has grown past it, until it is as it was or begins anew', async () => {
    const was = await follower.cursor();
    expect(was.position).toBe(30);
    const before = await readLog(database.db, { after: 29, limit: 1 });
    const started = Promise.withResolvers<undefined>();
    const live = (async () => {
      const ending = new AbortController().signal;
      for await (const batch of follower.subscribe({ cursor: { ...was, position: 29 }, signal: ending })) {
        expect(batch.events).toEqual(before);
        started.resolve(undefined);
      }
    })().catch((error: unknown) => error);
    await started.promise;
    await database.adminSql.query('create table public.backup as select * from log.event');
    await restore(21);
    expect(await live).toMatchObject({ code: 'log_behind', details: { position: 21 } });
    await append(20);
    // What is there at 31 to 41 does not follow the 30 that the cursor's holder knows.
    await eventually(async () => (await detailsOf(was))?.['position'] === 41, { what: 'the follower to have looked' });
    expect(await outcome({ ...was, position: 21 })).toMatchObject({ code: 'log_behind' });

    await restore(21, 'public.backup');
    await eventually(async () => Array.isArray(await outcome(was)), { what: 'the log to be as it was' });
    expect(await outcome({ ...was, position: 28 })).toEqual([29, 30]);

    // Between two looks it is restored and has grown.
    await database.adminSql.query(
      "create table public.other as select * from log.event; update public.other set recorded_at = recorded_at + '1 s'",
    );
    await database.adminSql.query(
      'insert into public.other select position + 30, aggregate_type, aggregate_id, version + 30, type, schema_version, payload, meta, recorded_at from public.other',
    );
    await restore(21, 'public.other');
    await eventually(async () => !Array.isArray(await outcome(was)), { what: 'the difference to be noticed' });
    expect(await outcome(was)).toMatchObject({ code: 'log_behind', details: { position: 60 } });

    await database.adminSql.query('select log.begin_incarnation(21)');
    await eventually(async () => (await detailsOf(was))?.['valid_until'] === 21, { what: 'the new incarnation' });
    expect(await outcome(was)).toMatchObject({ code: 'cursor_superseded' });
    expect(await outcome({ ...was, position: 21 })).toHaveLength(39);
  });
});
