/**
 * The log's schema. Positions are gapless and in commit order: every append takes the one row of `head` first and
 * holds it until it commits, so no reader ever sees a later position before an earlier one.
 */
export const schemaSql = `
create table if not exists log.head (
  singleton boolean primary key default true check (singleton),
  position bigint not null,
  -- A restored database starts a new incarnation: positions of another one mean other events.
  incarnation uuid not null default gen_random_uuid()
) with (fillfactor = 10);
insert into log.head (position) values (0) on conflict do nothing;

create table if not exists log.aggregate_owner (
  aggregate_type text primary key,
  role name not null
);

create table if not exists log.stream (
  aggregate_type text not null,
  aggregate_id text not null,
  version bigint not null,
  primary key (aggregate_type, aggregate_id)
);

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

create table if not exists log.command (
  command_id text primary key,
  first_position bigint not null,
  last_position bigint not null,
  recorded_at timestamptz not null
);

create table if not exists log.projection (
  name text primary key,
  -- Who may move its checkpoint.
  role name not null,
  epoch int not null default 1,
  position bigint not null default 0,
  stopped_reason text,
  updated_at timestamptz not null default now()
);

create or replace function log.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'the event log is append-only: % on % refused', tg_op, tg_table_name using errcode = 'insufficient_privilege';
end $$;

create or replace trigger append_only before update or delete on log.event for each row execute function log.refuse_change();
alter table log.event enable always trigger append_only;
create or replace trigger append_only_truncate before truncate on log.event for each statement execute function log.refuse_change();
alter table log.event enable always trigger append_only_truncate;

-- Makes the partitions that the next positions need; called ahead of need, harmless to repeat.
create or replace function log.ensure_partitions(partition_size bigint default 1000000) returns int
language plpgsql security definer set search_path = pg_catalog, log as $$
declare
  first bigint;
  name text;
  made int := 0;
  reached bigint;
begin
  perform pg_advisory_xact_lock(7301846026);
  select position into reached from log.head;
  for first in select (reached / partition_size + n) * partition_size from generate_series(0, 1) n loop
    name := format('event_%s', lpad((first / partition_size)::text, 6, '0'));
    if to_regclass(format('log.%I', name)) is null then
      execute format('create table log.%I partition of log.event for values from (%s) to (%s)', name, first, first + partition_size);
      execute format('create unique index on log.%I (aggregate_type, aggregate_id, version)', name);
      -- The parent's row triggers reach a partition by themselves; TRUNCATE's does not.
      execute format('create trigger append_only_truncate before truncate on log.%I for each statement execute function log.refuse_change()', name);
      execute format('alter table log.%I enable always trigger append_only_truncate', name);
      made := made + 1;
    end if;
  end loop;
  return made;
end $$;

/*
 * Appends commands in order: {command_id, events: [{aggregate_type, aggregate_id, expected_version, type, schema_version, payload, meta}]}.
 * Answers one row a command. A command whose expected version does not hold is left out, the others are appended.
 */
create or replace function log.append(commands jsonb)
returns table (command_index int, status text, first_position bigint, last_position bigint, conflict jsonb)
language plpgsql security definer set search_path = pg_catalog, log as $$
#variable_conflict use_column
declare
  reached bigint;
  command jsonb;
  event jsonb;
  index int := 0;
  known record;
  refused jsonb;
  expected bigint;
  actual bigint;
  versions jsonb;
  key text;
  now_at timestamptz;
begin
  if exists (
    select 1 from jsonb_array_elements(commands) c, jsonb_array_elements(c -> 'events') e
    where not exists (select 1 from log.aggregate_owner o where o.aggregate_type = e ->> 'aggregate_type' and o.role = session_user)
  ) then
    raise exception '% may not append events of one of these aggregate types', session_user using errcode = 'insufficient_privilege';
  end if;
  if exists (select 1 from jsonb_array_elements(commands) c, jsonb_array_elements(c -> 'events') e where octet_length((e -> 'payload')::text) > 262144) then
    raise exception 'an event is larger than 256 KiB' using errcode = 'program_limit_exceeded';
  end if;
  select position into reached from log.head for update;
  now_at := clock_timestamp();
  for command in select value from jsonb_array_elements(commands) loop
    select c.first_position, c.last_position into known from log.command c where c.command_id = command ->> 'command_id';
    if found then
      command_index := index; status := 'repeated'; first_position := known.first_position; last_position := known.last_position; conflict := null;
      return next;
      index := index + 1;
      continue;
    end if;
    refused := null;
    versions := '{}';
    for event in select value from jsonb_array_elements(command -> 'events') loop
      key := (event ->> 'aggregate_type') || '/' || (event ->> 'aggregate_id');
      actual := (versions ->> key)::bigint;
      if actual is null then
        select s.version into actual from log.stream s where s.aggregate_type = event ->> 'aggregate_type' and s.aggregate_id = event ->> 'aggregate_id';
        actual := coalesce(actual, 0);
      end if;
      expected := (event ->> 'expected_version')::bigint;
      if expected is not null and expected <> actual then
        refused := jsonb_build_object('aggregate_type', event ->> 'aggregate_type', 'aggregate_id', event ->> 'aggregate_id', 'expected', expected, 'actual', actual);
        exit;
      end if;
      versions := versions || jsonb_build_object(key, actual + 1);
    end loop;
    command_index := index;
    if refused is not null then
      status := 'conflict'; first_position := null; last_position := null; conflict := refused;
    else
      first_position := reached + 1;
      for event in select value from jsonb_array_elements(command -> 'events') loop
        reached := reached + 1;
        insert into log.stream as s (aggregate_type, aggregate_id, version) values (event ->> 'aggregate_type', event ->> 'aggregate_id', 1)
          on conflict (aggregate_type, aggregate_id) do update set version = s.version + 1 returning s.version into actual;
        insert into log.event (position, aggregate_type, aggregate_id, version, type, schema_version, payload, meta, recorded_at)
          values (reached, event ->> 'aggregate_type', event ->> 'aggregate_id', actual, event ->> 'type', (event ->> 'schema_version')::int, event -> 'payload', event -> 'meta', now_at);
      end loop;
      insert into log.command (command_id, first_position, last_position, recorded_at) values (command ->> 'command_id', first_position, reached, now_at);
      status := 'ok'; last_position := reached; conflict := null;
    end if;
    return next;
    index := index + 1;
  end loop;
  update log.head set position = reached where position <> reached;
end $$;

/* Makes a projection known and answers its checkpoint. */
create or replace function log.open_projection(projection_name text) returns table (epoch int, at bigint, reason text)
language plpgsql security definer set search_path = pg_catalog, log as $$
begin
  insert into log.projection (name, role) values (projection_name, session_user) on conflict (name) do nothing;
  return query select p.epoch, p.position, p.stopped_reason from log.projection p where p.name = projection_name;
end $$;

/* Moves a checkpoint on, fenced: false when it does not stand where the caller thinks, or is another service's. */
create or replace function log.advance_projection(projection_name text, from_position bigint, to_position bigint) returns boolean
language plpgsql security definer set search_path = pg_catalog, log as $$
begin
  update log.projection set position = to_position, stopped_reason = null, updated_at = now()
    where name = projection_name and position = from_position and role = session_user;
  return found;
end $$;

/* Says why a projection does not go on. */
create or replace function log.stop_projection(projection_name text, why text) returns void
language plpgsql security definer set search_path = pg_catalog, log as $$
begin
  update log.projection set stopped_reason = left(why, 2000), updated_at = now() where name = projection_name and role = session_user;
end $$;
`;
