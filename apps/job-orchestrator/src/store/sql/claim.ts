/** Claims. */
export const claimSql = `
-- Claims jobs for a replica that holds its lease, each with a new fence: first those of replicas whose lease has ended, then
-- those whose rest is over, then queued ones that are first in all their lines, in the order they came. A claim is
-- taken over, resumed or started.
create function claim_jobs(claimer text, kinds text[], most int, out job_id text, out how text, out previous_owner text) returns setof record
language plpgsql set search_path = job_orchestrator, pg_temp set enable_seqscan = off as $$
#variable_conflict use_column
begin
  return query
    with dead as materialized (
      select r.replica_id, r.lease_until from replica r where r.lease_until < now()
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
`;
