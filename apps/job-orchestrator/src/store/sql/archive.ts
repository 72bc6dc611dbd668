/** Jobs that have ended leave the tables that claims and transitions look at. */
export const archiveSql = `
-- Moves jobs that ended so long ago to the archive, the oldest first; answers how many. One that needs attention stays: it may
-- be tried again.
create or replace function archive_jobs(after interval, most int) returns int
language plpgsql set search_path = job_orchestrator, pg_temp set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
  moved int;
begin
  with old as materialized (
    select j.job_id from job j
      where j.finished_at < now() - after and j.status in ('succeeded', 'failed', 'cancelled')
      order by j.finished_at limit most for update skip locked
  ), steps as (
    delete from step s using old o where s.job_id = o.job_id returning s.*
  ), jobs as (
    delete from job j using old o where j.job_id = o.job_id returning j.*
  )
  insert into archived_job (job_id, seq, kind, status, tenant_id, correlation_id, parent_id, scope, idempotency_key, payload_hash, finished_at, job, steps)
    select j.job_id, j.seq, j.kind, j.status, j.tenant_id, j.correlation_id, j.parent_id, j.scope, j.idempotency_key, j.payload_hash, j.finished_at,
        to_jsonb(j), coalesce((select jsonb_agg(to_jsonb(s) order by s.index) from steps s where s.job_id = j.job_id), '[]')
      from jobs j;
  get diagnostics moved = row_count;
  return moved;
end $$;
`;
