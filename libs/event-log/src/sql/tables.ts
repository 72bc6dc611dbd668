/**
 * The log's tables. Positions are gapless and in commit order: every append takes the one row of `head` first and
 * holds it until it commits, so no reader ever sees a later position before an earlier one.
 */
export const tablesSql = `
create table if not exists log.head (
  singleton boolean primary key default true,
  -- Of the last committed event.
  position bigint not null default 0,
  -- Never later than the next event's.
  recorded_at timestamptz not null default '-infinity',
  -- A restored database starts a new incarnation: positions of another one may mean other events. Later ones sort higher.
  incarnation uuid not null default uuidv7(),
  partition_size bigint not null,
  -- Partitions exist for all positions below this one.
  partitioned_until bigint not null default 0
) with (fillfactor = 10);
create unique index if not exists head_is_one_row on log.head ((true));

-- Who may append events of a type.
create table if not exists log.aggregate_owner (
  aggregate_type text primary key,
  role name not null
);

-- Where each aggregate stands; a unique (aggregate, version) on event could not span its partitions.
create table if not exists log.stream (
  aggregate_type text not null,
  aggregate_id text not null,
  version bigint not null,
  position bigint not null,
  primary key (aggregate_type, aggregate_id)
) with (fillfactor = 80);

-- What its columns may hold is checked by log.append, before it takes the head: a constraint is checked while it holds it.
create table if not exists log.event (
  position bigint not null,
  aggregate_type text not null,
  aggregate_id text not null,
  version bigint not null,
  type text not null,
  schema_version int not null,
  payload jsonb not null,
  meta jsonb not null,
  recorded_at timestamptz not null,
  primary key (position)
) partition by range (position);

-- What was appended under which id, so that a repeat is answered instead of appended. Ids are each role's own, and are
-- forgotten after 7 days.
create table if not exists log.command (
  role text not null,
  command_id text not null,
  first_position bigint not null,
  last_position bigint not null,
  recorded_at timestamptz not null,
  primary key (command_id, role)
);

-- The key began with the role once, as a name: 64 bytes in each row and in each entry of the index.
do $$ begin
  if exists (select from pg_catalog.pg_attribute a where a.attrelid = 'log.command'::regclass and a.attname = 'role' and a.atttypid = 'name'::regtype) then
    alter table log.command drop constraint command_pkey, alter column role type text, add primary key (command_id, role);
  end if;
end $$;

-- Constraints of logs that were installed before these checks were made ahead of the lock. Looked for first: dropping waits for readers.
do $$
declare
  found record;
begin
  for found in
    select c.conrelid::regclass as of_table, c.conname from pg_catalog.pg_constraint c
      where c.contype = 'c' and c.conrelid in ('log.head'::regclass, 'log.event'::regclass, 'log.command'::regclass)
  loop
    execute format('alter table %s drop constraint %I', found.of_table, found.conname);
  end loop;
end $$;

create or replace function log.refuse_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'the event log is append-only: % on % refused', tg_op, tg_table_name using errcode = 'insufficient_privilege';
end $$;

-- ALWAYS: plain triggers are passed over under session_replication_role = replica. Row triggers reach all partitions.
create or replace trigger append_only before update or delete on log.event for each row execute function log.refuse_change();
alter table log.event enable always trigger append_only;
create or replace trigger append_only_truncate before truncate on log.event for each statement execute function log.refuse_change();
alter table log.event enable always trigger append_only_truncate;

-- The head is the log's other half: what it says was appended stays so, whoever moves it.
drop trigger if exists head_goes_forward on log.head;
create or replace trigger head_stays before delete on log.head for each row execute function log.refuse_change();
alter table log.head enable always trigger head_stays;
create or replace trigger head_stays_truncate before truncate on log.head for each statement execute function log.refuse_change();
alter table log.head enable always trigger head_stays_truncate;
`;
