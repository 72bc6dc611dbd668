import { eventBytesSql, eventColumns } from '../bounded.js';

/**
 * `log.read` answers the events after a position, at most so many and so many bytes, and then a row without an event that
 * says where the head is, of which incarnation, and whether the bytes ended the page. All is of one snapshot, the caller's.
 *
 * It is planned for its positions each time, so that only their partition is locked and looked into; but parsed once.
 */
export const readSql = `
create or replace function log.read(after bigint, most bigint, bytes bigint)
returns table (
  head bigint, incarnation text, is_cut boolean, "position" bigint, aggregate_type text, aggregate_id text, version bigint, type text,
  schema_version int, payload jsonb, meta jsonb, recorded_at timestamptz
)
language plpgsql stable set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
declare
  taken bigint := 0;
  size bigint;
begin
  is_cut := false;
  for "position", aggregate_type, aggregate_id, version, type, schema_version, payload, meta, recorded_at, size in
    select ${eventColumns}, ${eventBytesSql} from log.event
      where position > read.after and position <= read.after + read.most order by position
  loop
    is_cut := taken >= read.bytes;
    exit when is_cut;
    return next;
    taken := taken + size;
  end loop;
  "position" := null;
  payload := null;
  meta := null;
  select h.position, h.incarnation::text into head, incarnation from log.head h;
  return next;
end $$;
`;
