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
    -- Nothing is looked for in them, and to compare documents would be most of the work when a partition is analyzed.
    execute format('alter table log.%I alter column payload set statistics 0, alter column meta set statistics 0', name);
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

-- The same for partitions that were made before.
do $$
declare
  partition regclass;
begin
  for partition in
    select distinct i.inhrelid::regclass from pg_catalog.pg_inherits i
      join pg_catalog.pg_attribute a on a.attrelid = i.inhrelid and a.attname in ('payload', 'meta') and a.attstattarget is distinct from 0
      where i.inhparent = 'log.event'::regclass
  loop
    execute format('alter table %s alter column payload set statistics 0, alter column meta set statistics 0', partition);
  end loop;
end $$;

-- The partitions, for who looks after the log. A sealed one is full: nothing is appended to it any more. Its size is
-- that of the last vacuum, because to measure it takes a lock, and it may be on its way to another tablespace.
create or replace view log.partitions as
  select c.relname::text as name, r.first_position, r.last_position, h.position >= r.last_position as sealed,
      greatest(c.reltuples, 0)::bigint as estimated_rows,
      case when h.position >= r.last_position and c.relpages > 0 then s.bytes else pg_total_relation_size(c.oid) end as bytes,
      coalesce(t.spcname, d.spcname)::text as tablespace
    from log.head h, pg_inherits i
    join pg_class c on c.oid = i.inhrelid
    left join pg_tablespace t on t.oid = c.reltablespace
    join pg_database b on b.datname = current_database()
    join pg_tablespace d on d.oid = b.dattablespace
    cross join lateral (
      select bound[1]::bigint as first_position, bound[2]::bigint - 1 as last_position
        from regexp_match(pg_get_expr(c.relpartbound, 0), '[(]''?([0-9]+)''?[)] TO [(]''?([0-9]+)''?[)]') bound
    ) r
    cross join lateral (
      select (sum(f.relpages::bigint) * current_setting('block_size')::bigint)::bigint as bytes from pg_class f
        where f.oid in (c.oid, c.reltoastrelid) or f.oid in (select x.indexrelid from pg_index x where x.indrelid in (c.oid, c.reltoastrelid))
    ) s
    where i.inhparent = 'log.event'::regclass;

-- Moves a sealed partition and its indexes to another tablespace; false when it is there. For administrators. The
-- files are copied as they are and taken over at the commit: no row is written, so none can change, and a crash
-- leaves the partition where it was. Who reads this partition waits meanwhile; so does a statement that does not say
-- which positions it is about, since it locks every partition.
create or replace function log.archive_partition(partition text, tablespace text) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '2s' as $$
declare
  found_row log.partitions;
  index_name text;
begin
  select * into found_row from log.partitions p where p.name = partition;
  if not found then
    raise exception 'the event log has no partition %', partition using errcode = 'undefined_table';
  end if;
  if not found_row.sealed then
    raise exception 'partition % is not full: events are still appended to it', partition using errcode = 'object_in_use';
  end if;
  if found_row.tablespace = archive_partition.tablespace then
    return false;
  end if;
  execute format('alter table log.%I set tablespace %I', partition, archive_partition.tablespace);
  for index_name in select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid where i.indrelid = format('log.%I', partition)::regclass loop
    execute format('alter index log.%I set tablespace %I', index_name, archive_partition.tablespace);
  end loop;
  return true;
end $$;
`;
