/**
 * Partitions by position, made ahead of need: more than half a partition always lies before the head. A partition is
 * made beside the log and then attached, which waits for no reader and holds up no append.
 */
export const partitionsSql = `
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
`;
