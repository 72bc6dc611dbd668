/**
 * What operators decide. Each function answers 'done', 'unknown' (no such projection) or 'state' (it is not in a state
 * in which that can be done; nothing was changed).
 */
export const projectionControlSql = `
create or replace function log.set_projection_paused(projection_name text, to_paused boolean) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update log.projection_control c set paused = to_paused, updated_at = clock_timestamp() where c.name = projection_name and c.paused <> to_paused;
  if found then
    return 'done';
  end if;
  return case when exists (select from log.projection_control c where c.name = projection_name) then 'state' else 'unknown' end;
end $$;

-- Lets one event pass without being applied, in one epoch, and only where it is stopped at it.
create or replace function log.skip_event(projection_name text, of_epoch int, at_position bigint) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform from log.projection_control c where c.name = projection_name for update;
  if not found then
    return 'unknown';
  end if;
  update log.projection_part p set skip_position = at_position, retry_at = null, updated_at = clock_timestamp()
    where p.name = projection_name and p.epoch = of_epoch and p.stopped_position = at_position and p.skip_position is distinct from at_position
      and exists (select from log.projection_epoch e where e.name = projection_name and e.epoch = of_epoch and not e.retired);
  return case when found then 'done' else 'state' end;
end $$;

create or replace function log.request_rebuild(projection_name text) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform from log.projection_control c where c.name = projection_name for update;
  if not found then
    return 'unknown';
  end if;
  update log.projection_control c set rebuild_requested_at = clock_timestamp(), updated_at = clock_timestamp()
    where c.name = projection_name and c.rebuild_requested_at is null
      and not exists (select from log.projection_epoch e where e.name = projection_name and not e.serving and not e.retired);
  return case when found then 'done' else 'state' end;
end $$;

create or replace function log.cancel_rebuild(projection_name text) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  requested boolean;
begin
  select c.rebuild_requested_at is not null into requested from log.projection_control c where c.name = projection_name for update;
  if not found then
    return 'unknown';
  end if;
  update log.projection_epoch e set retired = true where e.name = projection_name and not e.serving and not e.retired;
  if not found and not requested then
    return 'state';
  end if;
  update log.projection_control c set rebuild_requested_at = null, updated_at = clock_timestamp() where c.name = projection_name;
  return 'done';
end $$;

-- Forgets a projection that no release works on any more. For administrators, who have dropped its view and tables before:
-- a worker that still runs would begin it anew, and must not find them.
create or replace function log.remove_projection(projection_name text) returns void
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '2s' as $$
declare
  left_over text;
begin
  perform from log.projection_control c where c.name = projection_name for update;
  if not found then
    raise exception 'there is no projection %', projection_name using errcode = 'undefined_object';
  end if;
  select string_agg(k.relation::text, ', ') into left_over
    from log.projection_epoch e join log.projection_control c using (name), unnest(e.tables) t(name),
      to_regclass(format('%I.%I', substr(c.role, length('fairlead_') + 1), t.name || '_e' || e.epoch)) k(relation)
    where e.name = projection_name and k.relation is not null;
  if left_over is not null then
    raise exception 'projection % still has tables: %', projection_name, left_over using errcode = 'object_in_use';
  end if;
  delete from log.projection_part p where p.name = projection_name;
  delete from log.projection_epoch e where e.name = projection_name;
  delete from log.projection_control c where c.name = projection_name;
end $$;
`;
