/** What is written stays: as a service, as the role of a service's migrations, as the log's owner, as a superuser. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@fairlead/contracts';
import { openDatabase, type Database } from '@fairlead/postgres';
import { createLogger } from '@fairlead/telemetry';
import { testDatabase, testEvents, type TestDatabase } from '@fairlead/testing';
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
  await createAppender({ catalogue: testEvents, sql: db }).append({ commandId: newId('command'), events });
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
  `update log.projection_part set position = 9`,
  `update log.projection_control set paused = true`,
  `select log.request_rebuild('audit_record')`,
  `select log.skip_event('audit_record', 1, 1)`,
  `select log.remove_projection('audit_record')`,
  `alter table log.event detach partition log.event_000000`,
  `drop table log.event_000000`,
  `drop trigger append_only on log.event`,
  `alter table log.event disable trigger all`,
  `create table log.other ()`,
  `alter table log.event_000000 disable trigger append_only_truncate`,
  `alter table log.event disable trigger append_only`,
  `alter table log.event owner to current_user`,
  `drop table log.event cascade`,
  `drop schema log cascade`,
  `truncate log.head, log.event`,
  `delete from log.head`,
  `update log.head set position = position + 1`,
  `select log.archive_partition('event_000000', 'pg_default')`,
  `create or replace function log.refuse_change() returns trigger language plpgsql as 'begin return new; end'`,
  `alter function log.append(jsonb) set search_path = public`,
  `select log.begin_incarnation()`,
  `select log.begin_incarnation_after(0, (select incarnation from log.head))`,
  `insert into log.incarnation values (uuidv7(), 0)`,
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

  it.each(['delete from log.head', 'truncate log.head'])(
    'to a superuser, also as a replica, who takes the head away: %s',
    async (statement) => {
      await expect(database.adminSql.query(statement)).rejects.toThrow('append-only');
      await expect(database.adminSql.query(under('set local session_replication_role = replica', statement))).rejects.toThrow(
        'append-only',
      );
    },
  );

  it('by an append after a superuser has moved the head back: it fails, and the event that has the position stays', async () => {
    const last = () => database.adminSql.query('select * from log.event order by position desc limit 1');
    const before = await last();
    await database.adminSql.query('update log.head set position = position - 1');
    try {
      const command = {
        commandId: newId('command'),
        events: [{ aggregateType: 'tenant', aggregateId: 'forged', type: 'changed', payload: {} }],
      };
      await expect(createAppender({ sql: db, catalogue: testEvents }).append(command as never)).rejects.toThrow('duplicate key');
      expect(await last()).toEqual(before);
    } finally {
      await database.adminSql.query('update log.head set position = position + 1');
    }
  });

  it.each(['update forged set type = $$x$$', 'delete from forged'])('to a superuser through a view: %s', async (statement) => {
    await expect(database.adminSql.query(`create temp view forged as select * from log.event; ${statement}`)).rejects.toThrow(
      'append-only',
    );
  });

  it('to a service through a view, or a function that runs as the owner of its schema', async () => {
    const setUp = (statement: string) => database.adminSql.query(`set local role fairlead_placement_owner; ${statement}`);
    await expect(setUp('create view placement.forged as select * from log.event')).rejects.toThrow(refused);
    await setUp(
      `create function placement.forge() returns void language plpgsql security definer as 'begin update log.event set type = ''x''; end'`,
    );
    await database.adminSql.query('grant execute on function placement.forge() to fairlead_placement');
    await expect(db.query('select placement.forge()')).rejects.toThrow(refused);
  });

  it('to a service that puts tables and operators of its own in the way of the log’s functions', async () => {
    const tables = ['head', 'event', 'stream', 'aggregate_owner']
      .map((name) => `create temp table ${name} (position bigint, role name, aggregate_type text)`)
      .join('; ');
    const [before] = await db.query<{ position: number }>('select position from log.head');
    await expect(
      db.transaction(async (tx) => {
        await tx.query(tables);
        await tx.query(`insert into pg_temp.aggregate_owner values (1, session_user, 'user')`);
        await tx.query(`set local search_path = pg_temp, placement, pg_catalog`);
        const forged = [
          { command_id: newId('command'), events: [{ aggregate_type: 'user', aggregate_id: 'x', type: 'x', payload: {}, meta: {} }] },
        ];
        await tx.query('select log.append($1)', [JSON.stringify(forged)]);
      }),
    ).rejects.toThrow('may not append events of user');
    expect(await db.query('select position from log.head')).toEqual([before]);
  });

  it('to log in as the owner', async () => {
    expect(await database.adminSql.query(`select rolcanlogin as login from pg_roles where rolname = 'fairlead_log_owner'`)).toEqual([
      { login: false },
    ]);
  });

  it('to append another service’s events, even within a transaction', async () => {
    const command = {
      commandId: newId('command'),
      events: [{ aggregateType: 'tenant', aggregateId: 'x', type: 'changed', payload: {} } as const],
    };
    await expect(createAppender({ catalogue: testEvents, sql: orchestrator }).append(command)).rejects.toMatchObject({
      cause: { message: 'fairlead_job_orchestrator may not append events of tenant' },
    });
  });

  it('to open, claim, move, stop or replace another service’s projection', async () => {
    await orchestrator.query(
      `select log.lock_projection('theirs'), log.add_epoch('theirs', 1, 1, '{}'), log.add_epoch('theirs', 2, 1, '{}')`,
    );
    for (const call of [`log.lock_projection('theirs')`, `log.lock_parts('theirs')`, `log.swap_epoch('theirs', 2)`])
      await expect(db.query(`select ${call}`)).rejects.toThrow(/belongs to fairlead_job_orchestrator|is not of fairlead_placement/);
    await expect(db.query(`select log.add_epoch('theirs', 1, 1, '{}')`)).rejects.toThrow('is not of fairlead_placement');
    expect(await db.query(`select * from log.claim_parts('theirs', 1, 100)`)).toEqual([]);
    const attempts = [
      `log.advance_parts('theirs', 1, array[0], 0, 1)`,
      `log.stop_part('theirs', 1, 0, 1, 'why', interval '1 s')`,
      `log.retire_epoch('theirs', 2)`,
    ];
    for (const call of attempts) expect(await db.query(`select ${call} as done`)).toEqual([{ done: false }]);
    for (const call of attempts)
      expect(await orchestrator.query(`select ${call} as done`)).toEqual([{ done: call.includes('stop') ? false : true }]);
  });

  it('to have operators’ decisions about projections taken by another service than audit', async () => {
    for (const call of [
      `set_projection_paused('theirs', true)`,
      `skip_event('theirs', 1, 1)`,
      `request_rebuild('theirs')`,
      `cancel_rebuild('theirs')`,
    ])
      await expect(orchestrator.query(`select log.${call}`)).rejects.toThrow('permission denied');
  });
});

it('a service may read a few tables and call a few functions, audit those of operators too, and whoever is no service nothing', async () => {
  const allowed = (role: string) =>
    database.adminSql.query<{ name: string }>(
      `select relname || ': ' || privilege as name from pg_class, unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) privilege
         where relnamespace = 'log'::regnamespace and relkind in ('r', 'p', 'v') and has_table_privilege($1, oid, privilege)
       union all select proname from pg_proc where pronamespace = 'log'::regnamespace and has_function_privilege($1, oid, 'execute') order by 1`,
      [role],
    );
  const ofOperators = [
    'begin_incarnation_after',
    'cancel_rebuild',
    'forget_commands',
    'note_chained',
    'request_rebuild',
    'set_projection_paused',
    'skip_event',
  ];
  const ofServices = [
    'add_epoch',
    'advance_parts',
    'append',
    'append',
    'append_event',
    'chain_lag',
    'claim_parts',
    'drop_epoch',
    'epoch_is_level',
    'event: select',
    'head: select',
    'incarnation: select',
    'keep_partitions',
    'lock_parts',
    'lock_projection',
    'partitions: select',
    'projection: select',
    'projection_control: select',
    'projection_epoch: select',
    'projection_part: select',
    'read',
    'retire_epoch',
    'stop_part',
    'stream: select',
    'swap_epoch',
    'swap_was_told',
  ];
  const namesOf = async (role: string) => (await allowed(role)).map((row) => row.name);
  expect(await namesOf('fairlead_placement')).toEqual(ofServices);
  expect(await namesOf('fairlead_audit')).toEqual([...ofServices, ...ofOperators].sort());
  expect(await allowed('fairlead_audit_owner')).toEqual([]);
});
