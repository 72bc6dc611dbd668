/** Transitions of running jobs. */
export const transitionSql = `
-- Writes transitions of jobs that run on replicas, each fenced by its claim: the job's place, its steps, and the lines that a
-- job leaves that has ended. Of each it answers whether it was written, and what is asked of the job (null when the claim is
-- over). One that begins a run is not written once the job is to be paused, or to be cancelled while that can be heeded. A row numbered 0 counts
-- jobs that can be claimed now.
create function write_transitions(
  given jsonb,
  out n bigint, out written boolean, out cancel_requested boolean, out pause_requested boolean, out deadline_passed boolean,
  out fence bigint, out parent_id text, out freed bigint
) returns setof record
language plpgsql set search_path = job_orchestrator, pg_temp set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  jobs text[] := array(select e.value ->> 'job_id' from jsonb_array_elements(given) e(value));
  ended text[] := array(select e.value ->> 'job_id' from jsonb_array_elements(given) e(value) where (e.value ->> 'finished')::boolean);
  freed_jobs bigint := 0;
begin
  perform limit_idling();
  if ended <> '{}' then
    perform hold_lines(array(select r.resource from unnest(ended) e(id) join job j on j.job_id = e.id, unnest(j.locks) r(resource)));
  end if;
  -- In order, and before what a transition depends on is looked at.
  perform from job j where j.job_id = any(jobs) order by j.job_id for update;
  return query
    with given_rows as materialized (
      select e.n, x.* from jsonb_array_elements(given) with ordinality e(value, n), jsonb_to_record(e.value) x(job_id text, owner text, fence bigint, status text, direction text, cursor int, failure jsonb,
        error jsonb, rest_ms float8, waits_for text, open_children int, note text, release boolean, pauses boolean, finished boolean, begins boolean, heeds_cancel boolean,
          passes boolean, steps jsonb)
    ), moved as (
      update job j set status = x.status, direction = x.direction, cursor = x.cursor, failure = x.failure, error = x.error,
          owner = case when x.release then null else j.owner end,
          waits_for = x.waits_for, note = x.note,
          wake_at = case
            when x.rest_ms is null then j.wake_at
            when exists (select from signal s where s.job_id = x.job_id and s.name = x.waits_for) then now()
            -- One that has ended since the step looked; whoever ends from here on finds the job resting.
            when x.open_children > (select count(*) from job c where c.parent_id = x.job_id and c.finished_at is null) then now()
            else now() + make_interval(secs => x.rest_ms / 1000) end,
          paused_at = case when x.pauses then now() end,
          finished_at = case when x.finished then now() end,
          -- Undo acts under a fence of its own: what the forward way still has on its way is refused.
          fence = case when j.direction = 'forward' and x.direction = 'undo' then nextval('job_orchestrator.job_fence') else j.fence end
        from given_rows x
        where j.job_id = x.job_id and j.owner = x.owner and j.fence = x.fence 
          and not (x.begins and (j.pause_requested_at is not null or (x.heeds_cancel and j.cancel_requested_at is not null)))
        returning x.n, j.job_id, x.owner, j.fence, j.cancel_requested_at is not null as cancel_requested, j.pause_requested_at is not null as pause_requested,
          now() > j.deadline as deadline_passed, j.parent_id, j.seq, j.locks, x.passes, x.steps
    ), stepped as (
      update step s set status = y.status, attempts = y.attempts, undo_attempts = y.undo_attempts, failures = y.failures, undo_failures = y.undo_failures,
          started_at = case when y.begins = 'forward' then coalesce(s.started_at, now()) else s.started_at end,
          clock_at = case when y.begins = 'forward' then coalesce(s.clock_at, now()) else s.clock_at end,
          undo_clock_at = case when y.begins = 'undo' then coalesce(s.undo_clock_at, now()) else s.undo_clock_at end,
          finished_at = case when y.ended and y.status in ('succeeded', 'failed', 'undone') then now() else s.finished_at end,
          fence = case when y.begins is not null then m.fence else s.fence end,
          owner = case when y.begins is not null then m.owner else s.owner end,
          error = case when y.ended then y.error else s.error end,
          output = coalesce(y.output, s.output)
        from moved m, jsonb_to_recordset(m.steps) y(index int, status text, attempts int, undo_attempts int, failures int, undo_failures int,
          begins text, ended boolean, error jsonb, output jsonb)
        where s.job_id = m.job_id and s.index = y.index
    ), passed as (
      insert into last_change as c (resource, seq, job_id)
        select r.resource, m.seq, m.job_id from moved m, unnest(m.locks) r(resource) where m.passes order by r.resource
        on conflict (resource) do update set seq = excluded.seq, job_id = excluded.job_id where excluded.seq > c.seq
    )
    select x.n, m.n is not null, coalesce(m.cancel_requested, j.cancel_requested_at is not null), coalesce(m.pause_requested, j.pause_requested_at is not null),
        coalesce(m.deadline_passed, now() > j.deadline), coalesce(m.fence, j.fence), m.parent_id, 0::bigint
      from given_rows x left join moved m on m.n = x.n
      left join job j on m.n is null and j.job_id = x.job_id and j.owner = x.owner and j.fence = x.fence;
  if ended <> '{}' then
    freed_jobs := leave_lines(array(select j.job_id from job j where j.job_id = any(ended) and j.finished_at is not null));
    if freed_jobs > 0 then
      return query select 0::bigint, true, null::boolean, null::boolean, null::boolean, null::bigint, null::text, freed_jobs;
    end if;
  end if;
end $$;

-- The same with their events, in one statement, so that the log's head is held for no round trip. All or nothing: when one
-- is not written it raises FL001, and nothing has happened.
create function tell_transitions(
  given jsonb, command_ids text[], ends int[], aggregate_types text[], aggregate_ids text[], expected bigint[], types text[], schema_versions int[],
  payloads text[], metas text[], out answers jsonb, out first_position bigint, out outcomes jsonb
)
language plpgsql set search_path = job_orchestrator, pg_temp as $$
begin
  select jsonb_agg(to_jsonb(w)) into answers from write_transitions(given) w;
  if exists (select from jsonb_array_elements(answers) a(value) where not (a.value ->> 'written')::boolean) then
    raise exception 'a transition was refused' using errcode = 'FL001';
  end if;
  if cardinality(command_ids) > 0 then
    select a.first_position, a.outcomes into tell_transitions.first_position, tell_transitions.outcomes
      from log.append(command_ids, ends, aggregate_types, aggregate_ids, expected, types, schema_versions, payloads, metas) a;
  end if;
end $$;
`;
