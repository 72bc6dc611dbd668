/** What projections and their tables may be called, for Postgres and for us. */
export const projectionNames = '^[a-z][a-z0-9_]{0,40}$';
/** Names that a role may make known, in all: they stay until an administrator removes one. */
const mostProjections = 100;
/** Epochs of a projection at once, given-up ones whose tables are not dropped yet included. */
const mostEpochs = 50;

/**
 * Where each projection stands, and the functions that move it. A projection has epochs: one serves, a rebuild fills
 * another beside it. An epoch has parts, over which aggregates are spread; each part has its own checkpoint.
 *
 * A projection belongs to the role that opened it: no other may work on it. What an operator decides (pause, skip,
 * rebuild) is for the role of audit, which writes down who decided it in the same transaction.
 */
export const projectionsSql = `
create table if not exists log.projection_control (
  name text primary key check (octet_length(name) between 1 and 100),
  -- Whose workers keep it.
  role name not null,
  paused boolean not null default false,
  -- Numbers of epochs are not used again.
  last_epoch int not null default 0,
  -- Until a worker has begun the epoch that was asked for.
  rebuild_requested_at timestamptz,
  updated_at timestamptz not null default clock_timestamp()
);

create table if not exists log.projection_epoch (
  name text not null references log.projection_control,
  epoch int not null,
  -- Of the definition that fills its tables; workers of another version leave it alone.
  version int not null,
  parts int not null check (parts between 1 and 64),
  -- Reads go to this one.
  serving boolean not null,
  -- Its tables are to be dropped.
  retired boolean not null default false,
  -- Without the number of the epoch.
  tables text[] not null default '{}',
  started_at timestamptz not null default clock_timestamp(),
  primary key (name, epoch),
  check (not (serving and retired))
);
-- Since when it could be swapped in.
alter table log.projection_epoch add column if not exists level_at timestamptz;
-- Its swap, while nobody was told of it yet: the epoch before, and what it had when it took that one's place.
alter table log.projection_epoch add column if not exists untold_previous int;
alter table log.projection_epoch add column if not exists swapped_position bigint;
create unique index if not exists projection_epoch_serving on log.projection_epoch (name) where serving;
create unique index if not exists projection_epoch_filling on log.projection_epoch (name) where not serving and not retired;

create table if not exists log.projection_part (
  name text not null,
  epoch int not null,
  part int not null,
  -- Of the last event applied, or passed over because its aggregate is in another part.
  position bigint not null default 0,
  -- The event that can not be applied and why; null while the part moves.
  stopped_position bigint,
  stopped_reason text,
  -- Since when it is that event; trying it again does not count.
  stopped_at timestamptz,
  -- Not to be tried again before.
  retry_at timestamptz,
  -- The event that is to be left out, as an operator decided; null once it is passed.
  skip_position bigint,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (name, epoch, part),
  foreign key (name, epoch) references log.projection_epoch
) with (fillfactor = 50);
alter table log.projection_part add column if not exists stopped_at timestamptz;
update log.projection_part set stopped_at = updated_at where stopped_position is not null and stopped_at is null;

-- Checkpoints stood in a table of this name once; the lock keeps workers from moving one while it is carried over.
do $$ begin
  if (select c.relkind from pg_class c where c.oid = to_regclass('log.projection')) = 'r' then
    lock table log.projection in access exclusive mode;
    insert into log.projection_control (name, role, last_epoch) select p.name, min(p.role::text), max(p.epoch) from log.projection p group by p.name;
    insert into log.projection_epoch (name, epoch, version, parts, serving) select p.name, p.epoch, 1, 1, p.serving from log.projection p;
    insert into log.projection_part (name, epoch, part, position, stopped_position, stopped_reason, stopped_at, updated_at)
      select p.name, p.epoch, 0, p.position, p.stopped_position, p.stopped_reason, case when p.stopped_position is not null then p.updated_at end, p.updated_at from log.projection p;
    drop table log.projection;
    drop function log.open_projection(text);
    drop function log.advance_projection(text, int, bigint, bigint);
    drop function log.stop_projection(text, int, bigint, text);
  end if;
end $$;

-- For people, and for those who wait: the lowest part says where an epoch stands.
drop view if exists log.projection;
create view log.projection as
  select e.name, e.epoch, c.role, e.serving, e.retired, e.version, e.parts, c.paused, p.position, p.stopped_position, p.stopped_reason, p.stopped_part, p.stopped_at, p.updated_at
    from log.projection_epoch e
    join log.projection_control c using (name)
    cross join lateral (
      select min(q.position) as position, min(q.stopped_position) as stopped_position,
          (array_agg(q.stopped_reason order by q.stopped_position) filter (where q.stopped_position is not null))[1] as stopped_reason,
          (array_agg(q.part order by q.stopped_position) filter (where q.stopped_position is not null))[1] as stopped_part,
          (array_agg(q.stopped_at order by q.stopped_position) filter (where q.stopped_position is not null))[1] as stopped_at,
          max(q.updated_at) as updated_at
        from log.projection_part q where q.name = e.name and q.epoch = e.epoch
    ) p;

create or replace function log.owns_projection(projection_name text) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select exists (select from log.projection_control c where c.name = projection_name and c.role = session_user)
$$;

-- Makes a projection known and holds it until the transaction ends, so that its epochs are changed by one worker at a time.
create or replace function log.lock_projection(projection_name text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  owner name;
begin
  select c.role into owner from log.projection_control c where c.name = projection_name for update;
  if not found then
    if (projection_name ~ '${projectionNames}') is distinct from true then
      raise exception 'a projection has a name of small letters, digits and _, 41 at most' using errcode = 'invalid_parameter_value';
    end if;
    -- So that those who make one known at the same time are counted too.
    perform pg_advisory_xact_lock(hashtextextended('log.lock_projection ' || session_user, 0));
    if (select count(*) from log.projection_control c where c.role = session_user) >= ${String(mostProjections)} then
      raise exception '% has ${String(mostProjections)} projections already; log.remove_projection() removes one', session_user using errcode = 'program_limit_exceeded';
    end if;
    insert into log.projection_control (name, role) values (projection_name, session_user) on conflict do nothing;
    select c.role into owner from log.projection_control c where c.name = projection_name for update;
  end if;
  if owner <> session_user then
    raise exception 'projection % belongs to %', projection_name, owner using errcode = 'insufficient_privilege';
  end if;
end $$;

-- Begins an epoch and answers its number: the first one of a projection serves at once, others are filled beside it.
create or replace function log.add_epoch(projection_name text, of_version int, of_parts int, of_tables text[]) returns int
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  added int;
begin
  update log.projection_control c set last_epoch = c.last_epoch + 1, rebuild_requested_at = null, updated_at = clock_timestamp()
    where c.name = projection_name and c.role = session_user returning c.last_epoch into added;
  if not found then
    raise exception 'projection % is not of %', projection_name, session_user using errcode = 'insufficient_privilege';
  end if;
  if (of_version > 0 and of_parts between 1 and 64 and cardinality(of_tables) <= 50) is distinct from true
      or exists (select from unnest(of_tables) t(name) where (t.name ~ '${projectionNames}') is distinct from true) then
    raise exception 'an epoch has a version, 1 to 64 parts and the names of its tables' using errcode = 'invalid_parameter_value';
  end if;
  if (select count(*) from log.projection_epoch e where e.name = projection_name) >= ${String(mostEpochs)} then
    raise exception 'projection % has ${String(mostEpochs)} epochs; drop those that were given up', projection_name using errcode = 'program_limit_exceeded';
  end if;
  insert into log.projection_epoch (name, epoch, version, parts, tables, serving)
    values (projection_name, added, of_version, of_parts, of_tables, not exists (select from log.projection_epoch e where e.name = projection_name and e.serving));
  insert into log.projection_part (name, epoch, part) select projection_name, added, g.part from generate_series(0, of_parts - 1) g(part);
  return added;
end $$;

-- Gives an epoch up that does not serve; false when it serves or is not there.
create or replace function log.retire_epoch(projection_name text, of_epoch int) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update log.projection_epoch e set retired = true
    where e.name = projection_name and e.epoch = of_epoch and not e.serving and not e.retired and log.owns_projection(projection_name);
  return found;
end $$;

-- Forgets an epoch that was given up, unless its swap is yet to be told; call it in the transaction that drops its tables.
create or replace function log.drop_epoch(projection_name text, of_epoch int) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if not exists (select from log.projection_epoch e where e.name = projection_name and e.epoch = of_epoch and e.retired and e.untold_previous is null)
      or not log.owns_projection(projection_name) then
    return false;
  end if;
  delete from log.projection_part p where p.name = projection_name and p.epoch = of_epoch;
  delete from log.projection_epoch e where e.name = projection_name and e.epoch = of_epoch;
  return true;
end $$;

-- Takes parts that nobody works on until the transaction ends, the one most behind first: that one alone, or, when it is
-- no more than near events behind, all that stand with it. None when there is nothing to do, or when it is paused.
create or replace function log.claim_parts(projection_name text, of_epoch int, near bigint)
returns table (part int, at bigint, skip bigint, head bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  head_at bigint;
  first_part int;
  lowest bigint;
  is_serving boolean;
begin
  if not log.owns_projection(projection_name) then
    return;
  end if;
  select h.position into head_at from log.head h;
  select p.part, p.position into first_part, lowest from log.projection_part p
    where p.name = projection_name and p.epoch = of_epoch and p.position < head_at and (p.retry_at is null or p.retry_at <= clock_timestamp())
    order by p.position, p.part limit 1 for update skip locked;
  if not found then
    return;
  end if;
  -- Asked with the part in hand: a swap, which holds all parts, is over or has not begun.
  select e.serving into is_serving from log.projection_epoch e join log.projection_control c using (name)
    where e.name = projection_name and e.epoch = of_epoch and not e.retired and not c.paused;
  if not found then
    return;
  end if;
  -- What a crash of Postgres takes from an epoch that nobody reads is filled again: rows and checkpoints are lost together.
  -- The swap waits for the disk, and with it for all that was written before.
  if not is_serving then
    perform set_config('synchronous_commit', 'off', true);
  end if;
  return query select p.part, p.position, p.skip_position, head_at from log.projection_part p
    where p.name = projection_name and p.epoch = of_epoch and p.position = lowest
      and (p.part = first_part or (head_at - lowest <= near and (p.retry_at is null or p.retry_at <= clock_timestamp())))
    order by p.part for update skip locked;
end $$;

-- Moves checkpoints on, fenced: false when they do not stand where the caller thinks, an error when only some of them do.
create or replace function log.advance_parts(projection_name text, of_epoch int, of_parts int[], from_position bigint, to_position bigint) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  moved int;
begin
  if (projection_name <> '' and of_epoch > 0 and from_position >= 0 and to_position > from_position and cardinality(of_parts) > 0) is distinct from true
      or (select count(distinct p.part) from unnest(of_parts) p(part)) <> cardinality(of_parts) then
    raise exception 'parts, at least one and each once, are moved from a position to a later one' using errcode = 'invalid_parameter_value';
  end if;
  update log.projection_part p set position = to_position, stopped_position = null, stopped_reason = null, stopped_at = null, retry_at = null,
      skip_position = case when p.skip_position > to_position then p.skip_position end, updated_at = clock_timestamp()
    where p.name = projection_name and p.epoch = of_epoch and p.part = any (of_parts) and p.position = from_position
      and to_position <= (select h.position from log.head h) and log.owns_projection(projection_name);
  get diagnostics moved = row_count;
  if moved not in (0, cardinality(of_parts)) then
    raise exception 'not all of these parts stand at %', from_position using errcode = 'object_not_in_prerequisite_state';
  end if;
  return moved > 0;
end $$;

-- Says which event can not be applied and why, and lets it rest; false when it has been applied or skipped meanwhile. What
-- stands before it is applied, or is in another part.
create or replace function log.stop_part(projection_name text, of_epoch int, of_part int, at_position bigint, reason text, rest interval) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if (at_position > 0 and reason is not null and rest between interval '0' and interval '1 hour') is distinct from true then
    raise exception 'a part stops at a position, for a reason, and rests for an hour at most' using errcode = 'invalid_parameter_value';
  end if;
  update log.projection_part p set position = at_position - 1, stopped_position = at_position, stopped_reason = left(reason, 2000),
      stopped_at = case when p.stopped_position = at_position then p.stopped_at else clock_timestamp() end, retry_at = clock_timestamp() + rest,
      updated_at = case when p.stopped_position = at_position then p.updated_at else clock_timestamp() end
    where p.name = projection_name and p.epoch = of_epoch and p.part = of_part and p.position < at_position
      and at_position <= (select h.position from log.head h) and p.skip_position is distinct from at_position and log.owns_projection(projection_name);
  return found;
end $$;

-- Holds all parts of a projection, when nobody works on them any more, until the transaction ends; answers where the epoch
-- that serves has come to, and where the one beside it stands.
create or replace function log.lock_parts(projection_name text) returns table (epoch int, part int, at bigint, skip bigint, serving boolean)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  if not log.owns_projection(projection_name) then
    raise exception 'projection % is not of %', projection_name, session_user using errcode = 'insufficient_privilege';
  end if;
  perform from log.projection_part p where p.name = projection_name order by p.epoch, p.part for update;
  return query select p.epoch, p.part, p.position, p.skip_position, e.serving from log.projection_part p join log.projection_epoch e using (name, epoch)
    where p.name = projection_name and not e.retired order by p.epoch, p.part;
end $$;

-- Has reads go to another epoch; call it in the transaction that moves the views. False, and nothing is changed, unless all
-- its parts have come as far as any part of the epoch before: no reader ever goes back.
create or replace function log.swap_epoch(projection_name text, to_epoch int) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  previous int;
begin
  perform from log.lock_parts(projection_name);
  select e.epoch into previous from log.projection_epoch e where e.name = projection_name and e.serving;
  perform from log.projection_control c where c.name = projection_name and not c.paused for update;
  if not found then
    return false;
  end if;
  if not exists (select from log.projection_epoch e where e.name = projection_name and e.epoch = to_epoch and not e.serving and not e.retired)
      or (select min(p.position) from log.projection_part p where p.name = projection_name and p.epoch = to_epoch)
        < (select max(p.position) from log.projection_part p join log.projection_epoch e using (name, epoch) where p.name = projection_name and e.serving) then
    return false;
  end if;
  update log.projection_epoch e set serving = false, retired = true where e.name = projection_name and e.serving;
  update log.projection_epoch e set serving = true, untold_previous = previous,
      swapped_position = (select min(p.position) from log.projection_part p where p.name = projection_name and p.epoch = to_epoch)
    where e.name = projection_name and e.epoch = to_epoch;
  update log.projection_control c set updated_at = clock_timestamp() where c.name = projection_name;
  return true;
end $$;

-- Says that an epoch has come near enough to be swapped in; the first time counts.
create or replace function log.epoch_is_level(projection_name text, of_epoch int) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update log.projection_epoch e set level_at = clock_timestamp()
    where e.name = projection_name and e.epoch = of_epoch and e.level_at is null and log.owns_projection(projection_name)
$$;

-- Says that whoever must know was told of an epoch's swap.
create or replace function log.swap_was_told(projection_name text, of_epoch int) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update log.projection_epoch e set untold_previous = null
    where e.name = projection_name and e.epoch = of_epoch and log.owns_projection(projection_name)
$$;
`;
