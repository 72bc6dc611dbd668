/**
 * Which life of the log positions belong to. After a restore the same position may mean another event, so a new
 * incarnation begins; the table tells up to where two incarnations are the same.
 */
export const incarnationsSql = `
-- The present one sorts highest, and is the one in log.head.
create table if not exists log.incarnation (
  incarnation uuid primary key,
  -- Events up to this position are those of the incarnation before; later ones are not, or need not be.
  began_after bigint not null,
  began_at timestamptz not null
);
create or replace trigger append_only before update or delete on log.incarnation for each row execute function log.refuse_change();
alter table log.incarnation enable always trigger append_only;
create or replace trigger append_only_truncate before truncate on log.incarnation for each statement execute function log.refuse_change();
alter table log.incarnation enable always trigger append_only_truncate;

drop function if exists log.begin_incarnation();

-- Begins a new incarnation and answers it. Events up to "after" (the log's last one, when not given) stay what they
-- were for who knows the present incarnation. For administrators, once a backup was restored.
create or replace function log.begin_incarnation(after bigint default null) returns uuid
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  head log.head;
  begun uuid := uuidv7();
begin
  select * into head from log.head for update;
  if after < 0 or after > head.position then
    raise exception 'an incarnation begins after a position of the log, which is at %, not after %', head.position, after
      using errcode = 'invalid_parameter_value';
  end if;
  -- Later ones sort higher, also where the clock went back.
  if begun <= head.incarnation then
    begun := uuidv7(uuid_extract_timestamp(head.incarnation) - clock_timestamp() + interval '1 s');
  end if;
  insert into log.incarnation values (begun, coalesce(after, head.position), clock_timestamp());
  update log.head set incarnation = begun;
  return begun;
end $$;

-- The same for the relay that found the stream and the log apart: null when the present incarnation is another
-- than the one it found that of, so that of several that found it one begins the next.
create or replace function log.begin_incarnation_after(after bigint, of_incarnation uuid) returns uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  present uuid;
begin
  select h.incarnation into present from log.head h for update;
  if present is distinct from of_incarnation then
    return null;
  end if;
  if after is null then
    raise exception 'a position is expected' using errcode = 'invalid_parameter_value';
  end if;
  return log.begin_incarnation(after);
end $$;
`;
