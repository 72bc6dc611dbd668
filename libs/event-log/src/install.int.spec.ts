/** A database of an earlier release, brought up to date. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { testDatabase, type TestDatabase } from '@fairlead/testing';
import { installEventLog, listProjections } from './index.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase({ service: 'audit' });
}, 60_000);

afterAll(() => database.drop());

/** The table and functions of the release in which a projection was one row an epoch. */
const earlier = `
drop view log.projection;
drop table log.projection_part, log.projection_epoch, log.projection_control;
create table log.projection (
  name text not null check (octet_length(name) between 1 and 100),
  epoch int not null default 1,
  role name not null,
  serving boolean not null default true,
  position bigint not null default 0,
  stopped_position bigint,
  stopped_reason text,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (name, epoch)
);
create unique index projection_serving on log.projection (name) where serving;
create function log.open_projection(projection_name text) returns table (epoch int, at bigint) language sql as 'select 1, 1::bigint';
create function log.advance_projection(text, int, bigint, bigint) returns boolean language sql as 'select true';
create function log.stop_projection(text, int, bigint, text) returns boolean language sql as 'select true';
alter table log.projection owner to fairlead_log_owner;
alter function log.open_projection owner to fairlead_log_owner;
alter function log.advance_projection owner to fairlead_log_owner;
alter function log.stop_projection owner to fairlead_log_owner;
insert into log.projection (name, role, position, stopped_position, stopped_reason, updated_at)
  values ('audit_record', 'fairlead_audit', 41, 42, 'no such field', '2026-11-01T10:00:00Z'), ('other', 'fairlead_placement', 7, null, null, '2026-11-02T10:00:00Z');
`;

it('carries the checkpoints of an earlier release over, once', async () => {
  await database.adminSql.query(earlier);
  await installEventLog(database.admin);
  await installEventLog(database.admin);
  expect(await listProjections(database.db)).toMatchObject([
    {
      name: 'audit_record',
      owner: 'audit',
      paused: false,
      epochs: [
        {
          epoch: 1,
          serving: true,
          version: 1,
          parts: 1,
          position: 41,
          stopped: { position: 42, reason: 'no such field', part: 0 },
          rebuild: null,
        },
      ],
    },
    { name: 'other', owner: 'placement', epochs: [{ position: 7, stopped: null, updatedAt: new Date('2026-11-02T10:00:00Z') }] },
  ]);
  // As readers of that release ask.
  expect(await database.db.query(`select position, stopped_reason from log.projection where name = 'audit_record' and serving`)).toEqual([
    { position: 41, stopped_reason: 'no such field' },
  ]);
});

/** What the log's tables said of their columns before log.append said it. */
const earlierChecks = `
alter table log.head add check (singleton), add check (partition_size >= 100);
alter table log.event add check (octet_length(aggregate_id) between 1 and 255), add check (octet_length(type) between 1 and 255);
alter table log.command add check (octet_length(command_id) between 1 and 255);
`;

it('takes the constraints of an earlier release off the log and keeps what it holds', async () => {
  const given = {
    command_id: 'of an earlier release',
    events: [{ aggregate_type: 'event_log', aggregate_id: 'log', expected_version: 0, type: 'changed', payload: { n: 1 }, meta: {} }],
  };
  const append = () => database.db.query<object>('select * from log.append($1::jsonb)', [JSON.stringify([given])]);
  const [first] = await append();
  await database.adminSql.query(earlierChecks);
  await installEventLog(database.admin);
  const left = `select conname from pg_constraint where contype = 'c' and connamespace = 'log'::regnamespace and conrelid::regclass::text ~ '^log.(head|event|command)'`;
  expect(await database.adminSql.query(left)).toEqual([]);
  expect(await append()).toEqual([{ ...first, status: 'repeated' }]);
  expect(await database.db.query(`select version, payload from log.event where aggregate_type = 'event_log'`)).toEqual([
    { version: 1, payload: { n: 1 } },
  ]);
});
