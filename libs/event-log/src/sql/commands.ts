/** Ids of the last positions are kept whatever their age: a clock that jumped makes them look old. */
export const commandsSql = `
-- Forgets ids of commands that were appended more than 7 days and 1,000,000 positions ago, in the table's next blocks; answers
-- how many, and where to go on. Blocks, because an index on the time would make every append dearer.
create or replace function log.forget_commands(from_block bigint, out forgotten int, out next_block bigint, out blocks bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  at_once constant int := 128;
begin
  blocks := pg_relation_size('log.command') / current_setting('block_size')::int;
  if from_block < 0 or from_block >= blocks then
    from_block := 0;
  end if;
  delete from log.command c
    where c.ctid >= format('(%s,0)', from_block)::tid and c.ctid < format('(%s,0)', from_block + at_once)::tid
      and c.recorded_at < clock_timestamp() - interval '7 days' and c.last_position <= (select h.position - 1000000 from log.head h);
  get diagnostics forgotten = row_count;
  next_block := case when from_block + at_once < blocks then from_block + at_once else 0 end;
end $$;
`;
