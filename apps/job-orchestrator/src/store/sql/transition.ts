/** Transitions of running jobs. */
export const transitionSql = `
-- Writes transitions of jobs that run on replicas, each fenced by its claim: the job's place, its steps, and the lines that a
-- job leaves that has ended. Of each it answers whether it was written, and what is asked of the job (null when the claim is
-- over). One that begins a run is not written once the job is to be paused, or to be cancelled while that can be heeded; one that
-- pauses is not once that is not wished any more. A row numbered 0 counts jobs that can be claimed now.
--
-- Claims are compared so that no index on owners is used: each look at one of a replica's jobs would read all of them.
create or replace function write_transitions(
  given jsonb,
  out n bigint, out written boolean, out cancel_requested boolean, out pause_requested boolean, out deadline_passed boolean,
  out fence bigint, out parent_id text, out freed bigint
) returns setof record
language plpgsql set search_path = job_orchestrator, pg_temp set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
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
          passes boolean, touches boolean, steps jsonb)
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
        where x.touches is distinct from false and j.job_id = x.job_id and j.owner is not distinct from x.owner and j.fence = x.fence
          and not (x.begins and (j.pause_requested_at is not null or (x.heeds_cancel and j.cancel_requested_at is not null)))
          and not (x.pauses is true and j.pause_requested_at is null)
        returning x.n, j.job_id, x.owner, j.fence, j.cancel_requested_at is not null as cancel_requested, j.pause_requested_at is not null as pause_requested,
          now() > j.deadline as deadline_passed, j.parent_id, j.seq, j.locks, x.passes, x.steps
    ), kept as (
      -- Of these only steps change: a new version of a job's row costs more than all else of a transition.
      select x.n, j.job_id, x.owner, j.fence, j.cancel_requested_at is not null, j.pause_requested_at is not null, now() > j.deadline, j.parent_id,
          j.seq, j.locks, x.passes, x.steps
        from given_rows x join job j on j.job_id = x.job_id and j.owner is not distinct from x.owner and j.fence = x.fence
        where x.touches = false and not (x.begins and (j.pause_requested_at is not null or (x.heeds_cancel and j.cancel_requested_at is not null)))
    ), written as (
      select * from moved union all select * from kept
    ), steps_given as materialized (
      select m.job_id, m.owner, m.fence, y.* from written m, jsonb_to_recordset(m.steps) y(index int, status text, attempts int, undo_attempts int,
        failures int, undo_failures int, begins text, ended boolean, error jsonb, output jsonb)
    ), stepped as (
      update step s set status = y.status, attempts = y.attempts, undo_attempts = y.undo_attempts, failures = y.failures, undo_failures = y.undo_failures,
          started_at = case when y.begins = 'forward' then coalesce(s.started_at, now()) else s.started_at end,
          clock_at = case when y.begins = 'forward' then coalesce(s.clock_at, now()) else s.clock_at end,
          undo_clock_at = case when y.begins = 'undo' then coalesce(s.undo_clock_at, now()) else s.undo_clock_at end,
          finished_at = case when y.ended and y.status in ('succeeded', 'failed', 'undone') then now() else s.finished_at end,
          fence = case when y.begins is not null then y.fence else s.fence end,
          owner = case when y.begins is not null then y.owner else s.owner end,
          error = case when y.ended then y.error else s.error end,
          output = coalesce(y.output, s.output)
        from steps_given y
        where s.job_id = y.job_id and s.index = y.index
    ), passed as (
      insert into last_change as c (resource, seq, job_id)
        select r.resource, m.seq, m.job_id from written m, unnest(m.locks) r(resource) where m.passes order by r.resource
        on conflict (resource) do update set seq = excluded.seq, job_id = excluded.job_id where excluded.seq > c.seq
    )
    select m.n, true, m.cancel_requested, m.pause_requested, m.deadline_passed, m.fence, m.parent_id, 0::bigint from written m
    union all
    select x.n, false, j.cancel_requested_at is not null, j.pause_requested_at is not null, now() > j.deadline, j.fence, j.parent_id, 0::bigint
      from given_rows x left join job j on j.job_id = x.job_id and j.owner is not distinct from x.owner and j.fence = x.fence
      where j.job_id is null or x.begins and (j.pause_requested_at is not null or (x.heeds_cancel and j.cancel_requested_at is not null))
        or x.pauses is true and j.pause_requested_at is null;
  if ended <> '{}' then
    freed_jobs := leave_lines(array(select j.job_id from job j where j.job_id = any(ended) and j.finished_at is not null));
    if freed_jobs > 0 then
      return query select 0::bigint, true, null::boolean, null::boolean, null::boolean, null::bigint, null::text, freed_jobs;
    end if;
  end if;
end $$;
`;
