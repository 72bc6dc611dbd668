/** Checkpoints, moved by the role that opened them and by no other. */
export const projectionsSql = `
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
`;
