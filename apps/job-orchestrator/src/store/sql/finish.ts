/**
 * Lines for resources. A job's place in a line is its number, and it is drawn while the line is held, so a job that comes
 * before another on one resource comes before it on all they share: nobody waits in a circle. Lines are held
 * (advisory, sorted) before any row is locked.
 */
export const finishSql = `
-- Cuts the transaction at hand off when its client leaves it idle, such as a process that was paused: others wait for the rows
-- and lines that it holds, and a replica's jobs are to go on elsewhere soon after its lease has ended.
create or replace function limit_idling() returns void
language plpgsql set search_path = job_orchestrator, pg_temp set plan_cache_mode = force_generic_plan as $$
begin
  perform set_config('idle_in_transaction_session_timeout', '1s', true);
end $$;

-- Holds the lines for resources until the transaction ends.
create or replace function hold_lines(resources text[]) returns void
language plpgsql set search_path = job_orchestrator, pg_temp set plan_cache_mode = force_generic_plan as $$
begin
  perform limit_idling();
  perform pg_advisory_xact_lock(hashtextextended('job-lock/' || r.resource, 0))
    from (select distinct u.resource from unnest(resources) u(resource) order by 1) r;
end $$;

-- Takes jobs out of all lines, which are held; answers how many others can be claimed now.
create or replace function leave_lines(jobs text[]) returns bigint
language plpgsql set search_path = job_orchestrator, pg_temp set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
  left_lines text[];
  next_jobs text[];
  freed bigint;
begin
  with gone as (delete from lock l where l.job_id = any(jobs) returning l.resource)
    select array_agg(distinct g.resource) into left_lines from gone g;
  if left_lines is null then
    return 0;
  end if;
  select array_agg(distinct f.job_id) into next_jobs
    from unnest(left_lines) r(resource)
    cross join lateral (select l.job_id from lock l where l.resource = r.resource order by l.seq limit 1) f;
  if next_jobs is null then
    return 0;
  end if;
  -- In order, so that two transactions can't wait for each other.
  perform from job j where j.job_id = any(next_jobs) order by j.job_id for update;
  update job j set blocked = (
      select count(*) from lock l
        where l.job_id = j.job_id and exists (select from lock e where e.resource = l.resource and e.seq < l.seq))
    where j.job_id = any(next_jobs) and j.status = 'queued';
  get diagnostics freed = row_count;
  return freed;
end $$;
`;
