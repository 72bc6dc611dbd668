/** A database that an earlier release installed, brought up to date. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@fairlead/contracts';
import { openDatabase, type Database } from '@fairlead/postgres';
import { createLogger } from '@fairlead/telemetry';
import { testDatabase, testEvents, type TestDatabase } from '@fairlead/testing';
import { createAppender, installEventLog, listProjections, readLog } from './index.js';

let database: TestDatabase;
let audit: Database;

beforeAll(async () => {
  database = await testDatabase({ service: 'placement' });
  audit = await openDatabase({
    ...{ ...database.access('audit'), schema: 'audit', applicationName: 'test', poolSize: 2 },
    logger: createLogger({ service: 'test', level: 'silent' }),
  });
  await database.adminSql.query('drop schema log cascade');
  await database.adminSql.query(readFileSync(join(import.meta.dirname, 'install-0.1.fixture.sql'), 'utf8'));
}, 60_000);

afterAll(async () => {
  await audit.close();
  await database.drop();
});

const given = (id: string, count: number, more: object = {}) => ({
  command_id: id,
  events: Array.from({ length: count }, (_, n) => ({
    aggregate_type: 'tenant',
    aggregate_id: 'acme',
    type: 'changed',
    payload: { n },
    meta: { of: id },
    ...more,
  })),
});

/** As services of that release, and of the one after, append. */
const append = (...commands: object[]) => database.db.query<object>('select * from log.append($1::jsonb)', [JSON.stringify(commands)]);

/** All rows of the log, by table; `name` is text since. */
async function rows(tables: readonly string[]): Promise<Record<string, unknown>> {
  const read = async (table: string) =>
    (await database.adminSql.query<{ row: unknown }>(`select to_jsonb(t) as row from log.${table} t order by to_jsonb(t)::text`)).map(
      ({ row }) => row,
    );
  return Object.fromEntries(await Promise.all(tables.map(async (table) => [table, await read(table)] as const)));
}
const kept = ['event', 'head', 'stream', 'command'];

/** Everything that is installed but for partitions: relations with their columns, constraints, functions, rights, triggers. */
const installed = () =>
  database.adminSql.query(
    `select 'relation' as what, c.relname::text as name, c.relkind::text || ' ' || coalesce(c.relacl::text, '') || ' ' || c.relowner::regrole::text
         || (select string_agg(' ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || coalesce(' ' || pg_get_expr(d.adbin, d.adrelid), '') || ' ' || a.attnotnull, ',' order by a.attname)
               from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as definition
       from pg_class c where c.relnamespace = 'log'::regnamespace and not c.relispartition and c.relkind <> 'i' and c.relkind <> 'I'
     union all select 'index', indexname::text, indexdef from pg_indexes where schemaname = 'log' and tablename !~ '_[0-9]{6}$'
     union all select 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid) from pg_constraint
       where connamespace = 'log'::regnamespace and conrelid::regclass::text !~ '_[0-9]{6}$'
     union all select 'function', oid::regprocedure::text, pg_get_functiondef(oid) || coalesce(proacl::text, '') from pg_proc where pronamespace = 'log'::regnamespace
     union all select 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid) || tgenabled::text from pg_trigger
       where not tgisinternal and tgrelid::regclass::text ~ '^log[.]' and tgrelid::regclass::text !~ '_[0-9]{6}$'
     order by 1, 2`,
  );

describe('the log of version 0.1', () => {
  let before: Record<string, unknown>;

  it('is filled by its own functions', async () => {
    for (let n = 0; n < 12; n += 1) {
      await database.db.query('select log.keep_partitions()');
      await append(given(`many-${String(n)}`, 20));
    }
    await append(given('one', 1, { expected_version: 240 }), given('other', 2, { aggregate_id: 'other', schema_version: 3 }));
    await database.db.query(`select * from log.open_projection('kept_by_placement')`);
    await audit.query(`select * from log.open_projection('audit_record')`);
    await audit.query(
      `select log.advance_projection('audit_record', 1, 0, 41), log.stop_projection('audit_record', 1, 42, 'no such field')`,
    );
    before = await rows(kept);
    expect(before['event']).toHaveLength(243);
    expect(before['command']).toHaveLength(14);
    expect(before['head']).toMatchObject([{ position: 243, partition_size: 100, partitioned_until: 300 }]);
  });

  it('is brought up to date with all that it holds, and a second time changes nothing', async () => {
    await installEventLog(database.admin);
    expect(await rows(kept)).toEqual({ ...before, head: [expect.objectContaining((before['head'] as [object])[0])] });
    expect(await listProjections(database.db)).toMatchObject([
      {
        ...{ name: 'audit_record', owner: 'audit', paused: false },
        epochs: [
          {
            ...{ epoch: 1, serving: true, version: 1, parts: 1, position: 41, rebuild: null },
            stopped: { position: 42, reason: 'no such field', part: 0 },
          },
        ],
      },
      { name: 'kept_by_placement', owner: 'placement', epochs: [{ position: 0, stopped: null }] },
    ]);
    // As readers of that release ask.
    expect(await audit.query(`select position, stopped_reason from log.projection where name = 'audit_record' and serving`)).toEqual([
      { position: 41, stopped_reason: 'no such field' },
    ]);
    const all = [...kept, 'incarnation', 'aggregate_owner', 'projection_control', 'projection_epoch', 'projection_part', 'partitions'];
    const [first, schema] = [await rows(all), await installed()];
    await installEventLog(database.admin);
    expect([await rows(all), await installed()]).toEqual([first, schema]);
  });

  it('is then what a new installation is', async () => {
    const upgraded = await installed();
    const fresh = await testDatabase({ service: 'placement' });
    const [was, here] = [database, fresh];
    try {
      database = here;
      expect(upgraded).toEqual(await installed());
    } finally {
      database = was;
      await fresh.drop();
    }
  });

  it('is appended to in the old form and in the new one', async () => {
    expect(await append(given('one', 1), given('stale', 1, { expected_version: 5 }), given('late', 2))).toEqual([
      { command_index: 0, status: 'repeated', first_position: 241, last_position: 241, conflict: null },
      expect.objectContaining({
        command_index: 1,
        status: 'conflict',
        conflict: { aggregate_type: 'tenant', aggregate_id: 'acme', expected: 5, actual: 241 },
      }),
      { command_index: 2, status: 'ok', first_position: 244, last_position: 245, conflict: null },
    ]);
    const appender = createAppender({ catalogue: testEvents, sql: database.db });
    const event = { aggregateType: 'tenant', aggregateId: 'acme', type: 'changed', payload: {}, expectedVersion: 243 } as const;
    expect(await appender.append({ commandId: newId('command'), events: [event] })).toMatchObject({ status: 'ok', lastPosition: 246 });
    expect(await appender.append({ commandId: 'many-0', events: [event] })).toMatchObject({ status: 'ok', firstPosition: 1 });
    expect(await readLog(database.db, { after: 240, limit: 10 })).toMatchObject([
      { position: 241, aggregateId: 'acme', version: 241, payload: { n: 0 }, meta: { of: 'one' } },
      { position: 242, aggregateId: 'other', version: 1, schemaVersion: 3 },
      { position: 243, aggregateId: 'other', version: 2 },
      { position: 244, aggregateId: 'acme', version: 242 },
      { position: 245, version: 243 },
      { position: 246, version: 244 },
    ]);
    await expect(database.adminSql.query(`update log.event set type = 'forged' where position = 1`)).rejects.toThrow('append-only');
  });
});
