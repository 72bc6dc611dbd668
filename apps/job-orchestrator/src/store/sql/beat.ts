/** What a process has to write of plans and jobs at one time, in one statement. */
export const beatSql = `
-- Stores plans; of each it answers when it was made and until when it holds.
create or replace function insert_plans(given jsonb, out made jsonb)
language plpgsql set search_path = job_orchestrator, pg_temp set plan_cache_mode = force_generic_plan as $$
begin
  with stored as (
    insert into plan (plan_id, kind, version, digest, canonical, body, reason, created_by, expires_at, request_id, correlation_id, trace_id)
      select plan_id, kind, version, digest, canonical, body, reason, created_by, now() + make_interval(secs => "ttlMs" / 1000), request_id,
          correlation_id, trace_id
        from jsonb_to_recordset(given) p(plan_id text, kind text, version int, digest text, canonical text, body jsonb, reason text,
          created_by text, "ttlMs" float8, request_id text, correlation_id text, trace_id text)
      returning plan_id, created_at, expires_at
  )
  select jsonb_agg(to_jsonb(s)) into made from stored s;
end $$;

-- Stores plans, makes jobs, writes transitions and claims, in this order, with what the log is told of it: the log's head is held for
-- no round trip, and one flush to disk serves all. Each part may be null. All or nothing: when a job is not made or a transition is
-- not written it raises FL001 with the numbers of those, and nothing has happened.
create or replace function write_beat(
  plans jsonb, starts jsonb, transitions jsonb, claims jsonb,
  command_ids text[], ends int[], aggregate_types text[], aggregate_ids text[], expected bigint[], types text[], schema_versions int[],
  payloads text[], metas text[],
  out made jsonb, out started jsonb, out written jsonb, out claimed jsonb, out first_position bigint, out outcomes jsonb
)
language plpgsql set search_path = job_orchestrator, pg_temp set plan_cache_mode = force_generic_plan
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
  if starts is not null and transitions is not null then
    -- Of both at once, since lines are held in order.
    perform hold_lines(array(
      select r.resource from jsonb_array_elements(starts) e(value), jsonb_array_elements_text(e.value -> 'locks') r(resource)
      union all
      select r.resource from jsonb_array_elements(transitions) e(value) join job j on j.job_id = e.value ->> 'job_id', unnest(j.locks) r(resource)
        where (e.value ->> 'finished')::boolean));
  end if;
  if plans is not null then
    made := insert_plans(plans);
  end if;
  if starts is not null then
    select jsonb_agg(to_jsonb(i) order by i.n) into started from insert_jobs(starts) i;
    if exists (select from jsonb_array_elements(started) s(value) where s.value ->> 'outcome' <> 'made') then
      raise exception 'a job was not made' using errcode = 'FL001', detail = (
        select jsonb_build_object('starts', jsonb_agg(s.value -> 'n')) from jsonb_array_elements(started) s(value) where s.value ->> 'outcome' <> 'made');
    end if;
  end if;
  if transitions is not null then
    select jsonb_agg(to_jsonb(w)) into written from write_transitions(transitions) w;
    if exists (select from jsonb_array_elements(written) w(value) where not (w.value ->> 'written')::boolean) then
      raise exception 'a transition was refused' using errcode = 'FL001', detail = (
        select jsonb_build_object('transitions', jsonb_agg(w.value -> 'n')) from jsonb_array_elements(written) w(value) where not (w.value ->> 'written')::boolean);
    end if;
  end if;
  if claims is not null then
    select jsonb_agg(to_jsonb(r) || jsonb_build_object('n', c.n)) into claimed
      from jsonb_array_elements(claims) with ordinality c(value, n),
        claim_runnable(c.value ->> 'replica', array(select jsonb_array_elements_text(c.value -> 'kinds')), (c.value ->> 'most')::int) r;
  end if;
  if cardinality(command_ids) > 0 then
    select a.first_position, a.outcomes into write_beat.first_position, write_beat.outcomes
      from log.append(command_ids, ends, aggregate_types, aggregate_ids, expected, types, schema_versions, payloads, metas) a;
  end if;
end $$;
`;
