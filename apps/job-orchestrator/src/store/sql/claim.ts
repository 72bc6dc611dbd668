/** Claims. */
export const claimSql = `
-- Claims jobs for a replica that holds its lease, each with a new fence: first those of replicas whose lease has ended, then
-- those whose rest is over, then queued ones that are first in all their lines, in the order they came. A claim is
-- taken over, resumed or started.
create or replace function claim_jobs(claimer text, kinds text[], most int, out job_id text, out how text, out previous_owner text) returns setof record
language plpgsql set search_path = job_orchestrator, pg_temp set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
#variable_conflict use_column
begin
  return query
    with dead as materialized (
      -- A lease that its replica has ended has ended before all times: what counts is when the replica was there last.
      select r.replica_id, greatest(r.lease_until, r.heartbeat_at) as lease_until from replica r where r.lease_until < now()
    ), orphaned as materialized (
      select j.job_id, 'taken_over' as how, j.owner, d.lease_until as since, 1 as rank, j.seq
        from dead d join job j on j.owner = d.replica_id
        where j.kind || ':' || j.version = any(kinds) limit most for update of j skip locked
    ), rested as materialized (
      select j.job_id, 'resumed' as how, j.owner, j.wake_at as since, 2 as rank, j.seq from job j
        where j.owner is null and j.paused_at is null and j.status in ('running', 'waiting', 'compensating') and j.wake_at <= now()
          and j.kind || ':' || j.version = any(kinds)
        order by j.wake_at limit most for update of j skip locked
    ), ready as materialized (
      select j.job_id, 'started' as how, j.owner, j.created_at as since, 3 as rank, j.seq from job j
        where j.status = 'queued' and j.blocked = 0 and j.paused_at is null and j.kind || ':' || j.version = any(kinds)
        order by j.seq limit most for update of j skip locked
    ), chosen as materialized (
      select u.* from (select * from orphaned union all select * from rested union all select * from ready) u order by u.rank, u.seq limit most
    ), claimed as (
      update job j set owner = claimer, fence = nextval('job_orchestrator.job_fence'), waits_for = null, note = null,
          status = case when j.direction = 'undo' then 'compensating' else 'running' end, started_at = coalesce(j.started_at, now()),
          -- While a job goes forward its row is left alone, and the steps say how far it is.
          cursor = case when c.how = 'started' or j.direction = 'undo' then j.cursor
            else (select count(*) from step s where s.job_id = j.job_id and s.status = 'succeeded') end,
          -- Time in the queue and time that nobody ran the job do not count against its deadline.
          deadline = j.deadline + greatest(now() - c.since, interval '0')
        from chosen c where j.job_id = c.job_id
          -- Who has lost its lease claims nothing.
          and exists (select from replica r where r.replica_id = claimer and r.lease_until > now())
        returning j.job_id, c.how, c.owner, c.since
    ), shifted as (
      -- Steps under way get that time back too.
      update step s set clock_at = s.clock_at + (now() - c.since), undo_clock_at = s.undo_clock_at + (now() - c.since)
        from claimed c
        where c.how <> 'started' and now() - c.since > interval '100 ms' and s.job_id = c.job_id and s.status in ('running', 'waiting', 'undoing')
    )
    select c.job_id, c.how, c.owner from claimed c;
end $$;

-- What a replica needs to run jobs: the job with its plan, how far its steps are, and the signals it was sent.
create or replace function runnable_jobs(ids text[], out job job, out deadline_passed boolean, out plan jsonb, out steps jsonb, out signals jsonb)
returns setof record
language sql stable set search_path = job_orchestrator, pg_temp set enable_seqscan = off as $$
  select j, now() > j.deadline, (select p.body from plan p where p.plan_id = j.plan_id),
      (select jsonb_agg(jsonb_build_object('name', s.name, 'status', s.status, 'attempts', s.attempts, 'undo_attempts', s.undo_attempts,
          'failures', s.failures, 'undo_failures', s.undo_failures, 'output', s.output,
          'running_ms', extract(epoch from now() - s.clock_at) * 1000, 'undo_running_ms', extract(epoch from now() - s.undo_clock_at) * 1000)
          order by s.index) from step s where s.job_id = j.job_id),
      coalesce((select jsonb_object_agg(g.name, g.payload) from signal g where g.job_id = j.job_id), '{}')
    from job j where j.job_id = any(ids);
$$;

-- Claims jobs and answers all that is needed to run them, in one round trip.
create or replace function claim_runnable(
  claimer text, kinds text[], most int,
  out how text, out previous_owner text, out job job, out deadline_passed boolean, out plan jsonb, out steps jsonb, out signals jsonb
)
returns setof record
language plpgsql set search_path = job_orchestrator, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
  ids text[];
  hows text[];
  owners text[];
begin
  select array_agg(c.job_id), array_agg(c.how), array_agg(c.previous_owner) into ids, hows, owners from claim_jobs(claimer, kinds, most) c;
  if ids is not null then
    return query select u.how, u.owner, r.* from unnest(ids, hows, owners) u(id, how, owner) join runnable_jobs(ids) r on (r.job).job_id = u.id;
  end if;
end $$;
`;
