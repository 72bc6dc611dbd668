/** What a process has to write of plans and jobs at one time, in one statement. */
export const beatSql = `
-- Stores plans; of each it answers when it was made and until when it holds. One whose maker has used its key before is not stored, and
-- not answered. In the order of keys: whoever waits for one of another process holds no later one.
create or replace function insert_plans(given jsonb, out made jsonb)
language plpgsql set search_path = job_orchestrator, pg_temp set plan_cache_mode = force_generic_plan as $$
begin
  with stored as (
    insert into plan (plan_id, kind, version, digest, canonical, body, reason, created_by, expires_at, request_id, correlation_id, trace_id,
        idempotency_key, payload_hash)
      select plan_id, kind, version, digest, canonical, body, reason, created_by, now() + make_interval(secs => "ttlMs" / 1000), request_id,
          correlation_id, trace_id, idempotency_key, payload_hash
        from jsonb_to_recordset(given) p(plan_id text, kind text, version int, digest text, canonical text, body jsonb, reason text,
          created_by text, "ttlMs" float8, request_id text, correlation_id text, trace_id text, idempotency_key text, payload_hash text)
        order by created_by, idempotency_key
      on conflict (created_by, idempotency_key) where idempotency_key is not null do nothing
      returning plan_id, created_at, expires_at
  )
  select jsonb_agg(to_jsonb(s)) into made from stored s;
end $$;

-- Stores plans, makes jobs, writes transitions and claims, in this order, with what the log is told of it: the log's head is held for
-- no round trip, and one flush to disk serves all. Each part may be null. All or nothing: when a plan is not stored, a job is not made or a
-- transition is not written it raises FL001 with the numbers of those, and nothing has happened. Brief transitions that were written with nothing asked
-- of their jobs are not answered; replicas of the release before ask for all. What it answers of the log is of the given commands; after
-- them come those that tell the start of new jobs, under their fences.
create or replace function write_beat(
  plans jsonb, starts jsonb, transitions jsonb, claims jsonb,
  command_ids text[], ends int[], aggregate_types text[], aggregate_ids text[], expected bigint[], types text[], schema_versions int[],
  payloads text[], metas text[],
  out made jsonb, out started jsonb, out written jsonb, out claimed jsonb, out first_position bigint, out outcomes jsonb
)
language plpgsql set search_path = job_orchestrator, pg_temp set plan_cache_mode = force_generic_plan
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  commands int := cardinality(command_ids);
  events int := cardinality(types);
  births record;
  brief boolean := coalesce((transitions -> 0 ->> 'brief')::boolean, false);
  done bigint[];
begin
  -- Before any line is held: a plan may wait for another process that has stored one by the same key.
  if plans is not null then
    made := insert_plans(plans);
    if coalesce(jsonb_array_length(made), 0) < jsonb_array_length(plans) then
      raise exception 'a plan was not stored' using errcode = 'FL001', detail = (
        select jsonb_build_object('plans', jsonb_agg(p.n)) from jsonb_array_elements(plans) with ordinality p(value, n)
          where not exists (select from jsonb_array_elements(made) m(value) where m.value ->> 'plan_id' = p.value ->> 'plan_id'));
    end if;
  end if;
  if starts is not null and transitions is not null then
    -- Of both at once, since lines are held in order.
    perform hold_lines(array(
      select r.resource from jsonb_array_elements(starts) e(value), jsonb_array_elements_text(e.value -> 'locks') r(resource)
      union all
      select r.resource from jsonb_array_elements(transitions) e(value) join job j on j.job_id = e.value ->> 'job_id', unnest(j.locks) r(resource)
        where (e.value ->> 'finished')::boolean));
  end if;
  if starts is not null then
    select jsonb_agg(to_jsonb(i) order by i.n) into started from make_jobs(starts) i;
    if exists (select from jsonb_array_elements(started) s(value) where s.value ->> 'outcome' <> 'made') then
      raise exception 'a job was not made' using errcode = 'FL001', detail = (
        select jsonb_build_object('starts', jsonb_agg(s.value -> 'n')) from jsonb_array_elements(started) s(value) where s.value ->> 'outcome' <> 'made');
    end if;
    select array_agg(b.job_id order by b.n) as ids, array_agg(b.job_id || ':claim:' || b.fence order by b.n) as commands,
        array_agg(null::bigint) as expected, array_agg('job'::text) as kinds, array_agg(b.told ->> 'type' order by b.n) as types,
        array_agg((b.told ->> 'schema_version')::int order by b.n) as versions,
        array_agg((b.told -> 'payload' || jsonb_build_object('fence', b.fence))::text order by b.n) as payloads,
        array_agg(b.told ->> 'meta' order by b.n) as metas, array_agg(events + b.nth order by b.n) as ends
      into births
      from (
        select i.n, i.fence, e.value ->> 'job_id' as job_id, e.value -> 'started' as told, row_number() over (order by i.n)::int as nth
          from jsonb_to_recordset(started) i(n bigint, fence bigint, begun boolean)
            join jsonb_array_elements(starts) with ordinality e(value, n) on e.n = i.n
          where i.begun
      ) b;
    if births.ids is not null then
      command_ids := command_ids || births.commands;
      ends := ends || births.ends;
      aggregate_types := aggregate_types || births.kinds;
      aggregate_ids := aggregate_ids || births.ids;
      expected := expected || births.expected;
      types := types || births.types;
      schema_versions := schema_versions || births.versions;
      payloads := payloads || births.payloads;
      metas := metas || births.metas;
    end if;
  end if;
  if transitions is not null then
    select jsonb_agg(to_jsonb(w)) filter (
          where not brief or w.n = 0 or w.cancel_requested or w.pause_requested or w.deadline_passed or w.parent_id is not null
            or w.fence is distinct from (transitions -> (w.n - 1)::int ->> 'fence')::bigint),
        array_agg(w.n) filter (where w.n > 0 and w.written)
      into written, done from write_transitions(transitions) w;
    -- Also one that nothing is answered of: the second of a job.
    if coalesce(cardinality(done), 0) < jsonb_array_length(transitions) then
      raise exception 'a transition was refused' using errcode = 'FL001', detail = (
        select jsonb_build_object('transitions', jsonb_agg(n)) from generate_series(1, jsonb_array_length(transitions)) n where n <> all(coalesce(done, '{}')));
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
    if jsonb_array_length(write_beat.outcomes) > commands then
      write_beat.outcomes := jsonb_path_query_array(write_beat.outcomes, '$[0 to $last]', jsonb_build_object('last', commands - 1));
    end if;
  end if;
end $$;
`;
