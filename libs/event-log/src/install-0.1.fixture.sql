-- The log as version 0.1 installed it (commit c83a650): what its installEventLog ran, in that order, as the role of the log's
-- owner. It stays as it is: install.int.spec.ts brings it up to date.
create schema log authorization fairlead_log_owner;
set role fairlead_log_owner;

create table if not exists log.head (
  singleton boolean primary key default true check (singleton),
  -- Of the last committed event.
  position bigint not null default 0,
  -- Never later than the next event's.
  recorded_at timestamptz not null default '-infinity',
  -- A restored database starts a new incarnation: positions of another one may mean other events. Later ones sort higher.
  incarnation uuid not null default uuidv7(),
  partition_size bigint not null check (partition_size >= 100),
  -- Partitions exist for all positions below this one.
  partitioned_until bigint not null default 0
) with (fillfactor = 10);

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

create table if not exists log.event (
  position bigint not null,
  aggregate_type text not null,
  aggregate_id text not null check (octet_length(aggregate_id) between 1 and 255),
  version bigint not null,
  type text not null check (octet_length(type) between 1 and 255),
  schema_version int not null check (schema_version > 0),
  payload jsonb not null,
  meta jsonb not null,
  recorded_at timestamptz not null,
  primary key (position)
) partition by range (position);

-- What was appended under which id, so that a repeat is answered instead of appended. Ids are each role's own.
create table if not exists log.command (
  role name not null,
  command_id text not null check (octet_length(command_id) between 1 and 255),
  first_position bigint not null,
  last_position bigint not null,
  recorded_at timestamptz not null,
  primary key (role, command_id)
);

-- Checkpoints. A rebuild fills a higher epoch beside the one that serves.
create table if not exists log.projection (
  name text not null check (octet_length(name) between 1 and 100),
  epoch int not null default 1,
  -- Who may move the checkpoint.
  role name not null,
  serving boolean not null default true,
  -- Of the last event applied.
  position bigint not null default 0,
  -- The event that can not be applied and why; null while the projection runs.
  stopped_position bigint,
  stopped_reason text,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (name, epoch)
);
create unique index if not exists projection_serving on log.projection (name) where serving;

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

create or replace function log.keep_partitions() returns int
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  head log.head;
  first bigint;
  name text;
  made int := 0;
begin
  select * into head from log.head;
  if head.partitioned_until - head.position > head.partition_size / 2 then
    return 0;
  end if;
  perform pg_advisory_xact_lock(7301846026);
  select * into head from log.head;
  first := head.partitioned_until;
  while first - head.position <= head.partition_size / 2 loop
    name := format('event_%s', lpad((first / head.partition_size)::text, 6, '0'));
    execute format('create table log.%I (like log.event including all)', name);
    execute format('create unique index on log.%I (aggregate_type, aggregate_id, version)', name);
    -- The parent's row triggers reach a partition by themselves; the one for TRUNCATE does not.
    execute format('create trigger append_only_truncate before truncate on log.%I for each statement execute function log.refuse_change()', name);
    execute format('alter table log.%I enable always trigger append_only_truncate', name);
    execute format('alter table log.event attach partition log.%I for values from (%s) to (%s)', name, first, first + head.partition_size);
    first := first + head.partition_size;
    made := made + 1;
  end loop;
  -- Last, because it takes what every append waits for.
  update log.head set partitioned_until = first where partitioned_until < first;
  return made;
end $$;

create or replace function log.append(commands jsonb)
returns table (command_index int, status text, first_position bigint, last_position bigint, conflict jsonb)
language plpgsql security definer
-- Tables that were small when a plan was made must not be scanned when they have grown.
set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
#variable_conflict use_variable
declare
  -- By command.
  ids text[];
  sizes int[];
  starts int[] := '{}';
  known_first bigint[];
  known_last bigint[];
  fresh boolean[];
  ids_repeat boolean;
  -- By event, in order; a position of 0 is of an event that is not appended.
  of_aggregate int[];
  expected bigint[];
  versions bigint[];
  positions bigint[];
  -- By aggregate.
  kinds text[];
  keys text[];
  before bigint[];
  standing bigint[];
  last_of bigint[];
  head log.head;
  reached bigint;
  now_at timestamptz;
  largest int;
  refused text;
  item int := 0;
  earlier int;
begin
  select array_agg(c.value ->> 'command_id' order by c.n), array_agg(jsonb_array_length(c.value -> 'events') order by c.n),
      count(*) > count(distinct c.value ->> 'command_id')
    into ids, sizes, ids_repeat
    from jsonb_array_elements(commands) with ordinality c(value, n);
  with given as materialized (
    select c.n as c, e.n as e, e.value ->> 'aggregate_type' as kind, e.value ->> 'aggregate_id' as key,
        coalesce((e.value ->> 'expected_version')::bigint, -1) as expected,
        octet_length((e.value -> 'payload')::text) + octet_length((e.value -> 'meta')::text) as size
      from jsonb_array_elements(commands) with ordinality c(value, n)
      cross join lateral jsonb_array_elements(c.value -> 'events') with ordinality e(value, n)
  ), numbered as materialized (
    select g.*, dense_rank() over (order by g.kind, g.key) as a from given g
  ), aggregates as (
    select distinct n.a, n.kind, n.key from numbered n
  )
  select (select array_agg(n.a order by n.c, n.e) from numbered n), (select array_agg(n.expected order by n.c, n.e) from numbered n),
      (select max(n.size) from numbered n), (select array_agg(g.kind order by g.a) from aggregates g), (select array_agg(g.key order by g.a) from aggregates g)
    into of_aggregate, expected, largest, kinds, keys;
  if of_aggregate is null or 0 = any (sizes) then
    raise exception 'a command has at least one event' using errcode = 'invalid_parameter_value';
  end if;
  if cardinality(of_aggregate) > 10000 then
    raise exception 'more than 10000 events in one call' using errcode = 'program_limit_exceeded';
  end if;
  if largest > 262144 then
    raise exception 'an event is larger than 256 KiB' using errcode = 'program_limit_exceeded';
  end if;
  select k.kind into refused from unnest(kinds) k(kind)
    where not exists (select from log.aggregate_owner o where o.aggregate_type = k.kind and o.role = session_user) limit 1;
  if found then
    raise exception '% may not append events of %', session_user, coalesce(refused, 'no aggregate type') using errcode = 'insufficient_privilege';
  end if;

  select h.* into head from log.head h for update;
  -- Whoever holds the head and stalls is cut off; its transaction leaves no gap.
  perform set_config('transaction_timeout', '3s', true);
  select array_agg(k.first_position order by i.n), array_agg(k.last_position order by i.n) into known_first, known_last
    from unnest(ids) with ordinality i(id, n)
    left join lateral (select c.first_position, c.last_position from log.command c where c.role = session_user and c.command_id = i.id limit 1) k on true;
  select array_agg(coalesce((select s.version from log.stream s where s.aggregate_type = g.kind and s.aggregate_id = g.key), 0) order by g.a) into before
    from unnest(kinds, keys) with ordinality g(kind, key, a);

  reached := head.position;
  standing := before;
  last_of := before;
  versions := expected;
  positions := array_fill(0::bigint, array[cardinality(of_aggregate)]);
  fresh := array_fill(false, array[cardinality(ids)]);
  for c in 1 .. cardinality(ids) loop
    command_index := c - 1;
    conflict := null;
    starts[c] := item;
    earlier := case when ids_repeat then array_position(ids, ids[c]) else c end;
    first_position := known_first[earlier];
    last_position := known_last[earlier];
    if first_position is not null then
      status := 'repeated';
    else
      for i in item + 1 .. item + sizes[c] loop
        if expected[i] >= 0 and expected[i] <> standing[of_aggregate[i]] then
          conflict := jsonb_build_object('aggregate_type', kinds[of_aggregate[i]], 'aggregate_id', keys[of_aggregate[i]],
            'expected', expected[i], 'actual', standing[of_aggregate[i]]);
          for j in item + 1 .. i - 1 loop
            standing[of_aggregate[j]] := standing[of_aggregate[j]] - 1;
          end loop;
          exit;
        end if;
        standing[of_aggregate[i]] := standing[of_aggregate[i]] + 1;
        versions[i] := standing[of_aggregate[i]];
      end loop;
      if conflict is not null then
        status := 'conflict';
      else
        status := 'ok';
        fresh[c] := true;
        first_position := reached + 1;
        for i in item + 1 .. item + sizes[c] loop
          reached := reached + 1;
          positions[i] := reached;
          last_of[of_aggregate[i]] := reached;
        end loop;
        last_position := reached;
        known_first[c] := first_position;
        known_last[c] := last_position;
        -- An id may come again in this call, also after a first try that was a conflict.
        known_first[earlier] := first_position;
        known_last[earlier] := last_position;
      end if;
    end if;
    item := item + sizes[c];
    return next;
  end loop;
  if reached = head.position then
    return;
  end if;
  if reached >= head.partitioned_until then
    raise exception 'the event log has no partition for position %; log.keep_partitions() makes it', reached using errcode = 'LG001';
  end if;

  now_at := greatest(clock_timestamp(), head.recorded_at);
  insert into log.event (position, aggregate_type, aggregate_id, version, type, schema_version, payload, meta, recorded_at)
    select positions[e.i], e.value ->> 'aggregate_type', e.value ->> 'aggregate_id', versions[e.i], e.value ->> 'type',
        coalesce((e.value ->> 'schema_version')::int, 1), e.value -> 'payload', e.value -> 'meta', now_at
      from (
        select starts[c.n::int] + n.n::int as i, n.value
          from jsonb_array_elements(commands) with ordinality c(value, n)
          cross join lateral jsonb_array_elements(c.value -> 'events') with ordinality n(value, n)
      ) e
      where positions[e.i] > 0;
  insert into log.stream as s (aggregate_type, aggregate_id, version, position)
    select kinds[a], keys[a], standing[a], last_of[a] from generate_subscripts(kinds, 1) a where standing[a] > before[a]
    on conflict (aggregate_type, aggregate_id) do update set version = excluded.version, position = excluded.position;
  insert into log.command (role, command_id, first_position, last_position, recorded_at)
    select session_user, ids[c], known_first[c], known_last[c], now_at from generate_subscripts(ids, 1) c where fresh[c];
  update log.head h set position = reached, recorded_at = now_at where h.singleton;
end $$;

-- Called by whoever has restored the database from a backup, before services write again.
create or replace function log.begin_incarnation() returns uuid
language sql set search_path = pg_catalog, pg_temp as $$
  update log.head set incarnation = uuidv7() returning incarnation
$$;

-- Makes a projection known and answers where the epoch that serves stands.
create or replace function log.open_projection(projection_name text) returns table (epoch int, at bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  found_row log.projection;
begin
  insert into log.projection (name, role) values (projection_name, session_user) on conflict do nothing;
  select * into found_row from log.projection p where p.name = projection_name and p.serving;
  if found_row.role <> session_user then
    raise exception 'projection % belongs to %', projection_name, found_row.role using errcode = 'insufficient_privilege';
  end if;
  return query select found_row.epoch, found_row.position;
end $$;

-- Moves a checkpoint on, fenced: false when it does not stand where the caller thinks, or is another role's.
create or replace function log.advance_projection(projection_name text, of_epoch int, from_position bigint, to_position bigint) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update log.projection p
    set position = to_position, stopped_position = null, stopped_reason = null, updated_at = clock_timestamp()
    where p.name = projection_name and p.epoch = of_epoch and p.position = from_position and p.role = session_user and to_position > from_position;
  return found;
end $$;

-- Says which event a projection can not apply and why; false when it has been applied meanwhile.
create or replace function log.stop_projection(projection_name text, of_epoch int, at_position bigint, reason text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update log.projection p
    set stopped_position = at_position, stopped_reason = left(reason, 2000), updated_at = clock_timestamp()
    where p.name = projection_name and p.epoch = of_epoch and p.position = at_position - 1 and p.role = session_user;
  return found;
end $$;

-- A partition had 1,000,000 positions; here it has 100, so that there are several.
insert into log.head (partition_size) values (100) on conflict do nothing;
select log.keep_partitions();
delete from log.aggregate_owner;
insert into log.aggregate_owner (aggregate_type, role) values
  ('user', 'fairlead_api_gateway'),
  ('tenant', 'fairlead_placement'),
  ('shard', 'fairlead_placement'),
  ('placement_map', 'fairlead_placement'),
  ('plan', 'fairlead_job_orchestrator'),
  ('job', 'fairlead_job_orchestrator'),
  ('service_command', 'fairlead_provisioner'),
  ('endpoint', 'fairlead_fleet_observer'),
  ('dead_letter', 'fairlead_audit');
revoke all on all functions in schema log from public;
grant usage on schema log to fairlead_placement, fairlead_provisioner, fairlead_fleet_observer, fairlead_audit, fairlead_job_orchestrator, fairlead_api_gateway;
grant select on log.head, log.event, log.stream, log.projection to fairlead_placement, fairlead_provisioner, fairlead_fleet_observer, fairlead_audit, fairlead_job_orchestrator, fairlead_api_gateway;
grant execute on function log.append(jsonb), log.keep_partitions(), log.open_projection(text),
  log.advance_projection(text, int, bigint, bigint), log.stop_projection(text, int, bigint, text)
  to fairlead_placement, fairlead_provisioner, fairlead_fleet_observer, fairlead_audit, fairlead_job_orchestrator, fairlead_api_gateway;
reset role;
