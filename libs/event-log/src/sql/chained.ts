/**
 * How far the audit chain has come, for services that ask before a change whether it would be chained: the chain itself is
 * `audit`'s own. A log that was there before begins at 0 here, until `audit` says where its chain stands.
 */
export const chainedSql = `
create table if not exists log.chained (
  singleton boolean primary key default true check (singleton),
  position bigint not null default 0
) with (fillfactor = 10);
insert into log.chained default values on conflict do nothing;

-- For audit, in the transaction that chains.
create or replace function log.note_chained(up_to bigint) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if up_to is null or up_to < 0 or up_to > (select h.position from log.head h) then
    raise exception 'the audit chain can not have come to %', up_to using errcode = 'invalid_parameter_value';
  end if;
  update log.chained c set position = up_to where c.position <> up_to;
end $$;

-- How many events are not in the chain, how long ago the oldest of them was recorded (null when it is not there), and whether
-- who asks may append. Planned for its position each time, so that no other partition is locked or looked into.
create or replace function log.chain_lag(out events bigint, out seconds double precision, out may_append boolean)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan as $$
declare
  chained bigint;
begin
  select h.position - c.position, c.position into events, chained from log.head h, log.chained c;
  seconds := 0;
  if events > 0 then
    seconds := (select greatest(extract(epoch from clock_timestamp() - e.recorded_at), 0) from log.event e where e.position = chained + 1);
  end if;
  may_append := has_function_privilege(session_user, 'log.append(text[], int[], text[], text[], bigint[], text[], int[], text[], text[])', 'execute')
    and has_function_privilege(session_user, 'log.append_event(text, text, text, bigint, text, int, text, text)', 'execute');
end $$;
`;
