/** What is written stays: as a service, as the role of a service's migrations, as the log's owner, as a superuser. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@fairlead/contracts';
import { openDatabase, type Database } from '@fairlead/postgres';
import { createLogger } from '@fairlead/telemetry';
import { testDatabase, type TestDatabase } from '@fairlead/testing';
import { createAppender, readLog } from './index.js';

let database: TestDatabase;
let db: Database;
let orchestrator: Database;

beforeAll(async () => {
  database = await testDatabase({ service: 'placement' });
  db = database.db;
  orchestrator = await openDatabase({
    ...database.access('job-orchestrator'),
    schema: 'job_orchestrator',
    applicationName: 'test',
    logger: createLogger({ service: 'test', level: 'silent' }),
  });
  const events = [{ aggregateType: 'tenant', aggregateId: 'acme', type: 'changed', payload: { is: 'true' } } as const];
  await createAppender({ sql: db }).append({ commandId: newId('command'), events });
}, 60_000);

afterAll(async () => {
  expect(await readLog(db, { after: 0, limit: 10 })).toMatchObject([{ position: 1, payload: { is: 'true' } }]);
  await orchestrator.close();
  await database.drop();
});

const changes = ['log.event', 'log.event_000000'].flatMap((table) => [
  `update ${table} set type = 'forged'`,
  `delete from ${table}`,
  `truncate ${table}`,
]);
const values = `(position, aggregate_type, aggregate_id, version, type, schema_version, payload, meta, recorded_at) values (2, 'tenant', 'x', 1, 'x', 1, '{}', '{}', now())`;
const forgeries = [
  ...changes,
  `insert into log.event ${values}`,
  `insert into log.event_000000 ${values}`,
  `select * from log.event_000000`,
  `update log.head set position = 0`,
  `update log.stream set version = 0`,
  `delete from log.command`,
  `select * from log.command`,
  `insert into log.aggregate_owner values ('forged', current_user)`,
  `update log.projection set position = 9`,
  `alter table log.event detach partition log.event_000000`,
  `drop table log.event_000000`,
  `drop trigger append_only on log.event`,
  `alter table log.event disable trigger all`,
  `create table log.other ()`,
  `select log.begin_incarnation()`,
  `select log.refuse_change()`,
  `set session_replication_role = replica`,
  `set role fairlead_log_owner`,
];
const refused = /permission denied|must be owner/;

/** Runs a statement under other settings, in a transaction of its own. */
const under = (settings: string, statement: string) => `do $$ begin ${settings}; execute $stmt$${statement}$stmt$; end $$`;

describe('refused', () => {
  it.each(forgeries)('to a service: %s', async (statement) => {
    await expect(db.query(statement)).rejects.toThrow(refused);
  });

  it.each(forgeries.slice(0, -2))('to a service’s migrations: %s', async (statement) => {
    await expect(database.adminSql.query(under('set local role fairlead_placement_owner', statement))).rejects.toThrow(refused);
  });

  it.each(changes)('to the log’s owner, who can not log in: %s', async (statement) => {
    await expect(database.adminSql.query(under('set local role fairlead_log_owner', statement))).rejects.toThrow('append-only');
  });

  it.each(changes)('to a superuser, also as a replica: %s', async (statement) => {
    await expect(database.adminSql.query(statement)).rejects.toThrow('append-only');
    await expect(database.adminSql.query(under('set local session_replication_role = replica', statement))).rejects.toThrow('append-only');
  });

  it('to log in as the owner', async () => {
    expect(await database.adminSql.query(`select rolcanlogin as login from pg_roles where rolname = 'fairlead_log_owner'`)).toEqual([
      { login: false },
    ]);
  });

  it('to append another service’s events, even within a transaction', async () => {
    const command = {
      commandId: newId('command'),
      events: [{ aggregateType: 'tenant', aggregateId: 'x', type: 'x', payload: {} } as const],
    };
    await expect(createAppender({ sql: orchestrator }).append(command)).rejects.toThrow(
      'fairlead_job_orchestrator may not append events of tenant',
    );
  });

  it('to open, move or stop another service’s projection', async () => {
    await orchestrator.query(`select log.open_projection('theirs')`);
    await expect(db.query(`select log.open_projection('theirs')`)).rejects.toThrow('belongs to fairlead_job_orchestrator');
    expect(await db.query(`select log.advance_projection('theirs', 1, 0, 1) as moved`)).toEqual([{ moved: false }]);
    expect(await db.query(`select log.stop_projection('theirs', 1, 1, 'why') as stopped`)).toEqual([{ stopped: false }]);
    expect(await orchestrator.query(`select log.advance_projection('theirs', 1, 0, 1) as moved`)).toEqual([{ moved: true }]);
  });
});

it('a service may read four tables and call five functions, and whoever is no service nothing', async () => {
  const allowed = (role: string) =>
    database.adminSql.query<{ name: string }>(
      `select relname || ': ' || privilege as name from pg_class, unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) privilege
         where relnamespace = 'log'::regnamespace and relkind in ('r', 'p') and has_table_privilege($1, oid, privilege)
       union all select proname from pg_proc where pronamespace = 'log'::regnamespace and has_function_privilege($1, oid, 'execute') order by 1`,
      [role],
    );
  expect((await allowed('fairlead_audit')).map((row) => row.name)).toEqual([
    'advance_projection',
    'append',
    'event: select',
    'head: select',
    'keep_partitions',
    'open_projection',
    'projection: select',
    'stop_projection',
    'stream: select',
  ]);
  expect(await allowed('fairlead_audit_owner')).toEqual([]);
});
