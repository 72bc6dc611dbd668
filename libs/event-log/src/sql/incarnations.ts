/** The lives of the log: a restore from a backup begins a new one. */
export const incarnationsSql = `
-- Up to began_after an incarnation's events are those of the one before. Later ones sort higher.
create table if not exists log.incarnation (
  incarnation uuid primary key,
  began_after bigint not null,
  began_at timestamptz not null
);

drop function if exists log.begin_incarnation();
-- Called by whoever has restored the database from a backup, before services write again. Without a position, all that the log holds is kept.
create or replace function log.begin_incarnation(after bigint default null) returns uuid
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  head log.head;
  begun uuid := uuidv7();
begin
  select * into head from log.head for update;
  insert into log.incarnation values (begun, coalesce(after, head.position), clock_timestamp());
  update log.head set incarnation = begun;
  return begun;
end $$;
`;
