/** Periodic checks: claimed and re-armed in batches. */
export const loopsSql = `
-- Claims rows of a kind that are due, for so long; the longest overdue first. Who does not come back by then has it taken by another.
create or replace function claim_loops(of_kind text, most int, claim_ms float8, out key text, out fence bigint, out state jsonb, out late_ms float8) returns setof record
language plpgsql set search_path = job_orchestrator, pg_temp set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
#variable_conflict use_column
begin
  return query
    with due as materialized (
      select l.key, l.next_at, coalesce(l.due_at, l.next_at) as since from loop l
        where l.kind = of_kind and l.next_at <= now() order by l.next_at limit most for update skip locked
    )
    update loop l set next_at = now() + make_interval(secs => claim_ms / 1000), due_at = d.since, fence = l.fence + 1
      from due d where l.kind = of_kind and l.key = d.key
      returning l.key, l.fence, l.state, extract(epoch from now() - d.since)::float8 * 1000;
end $$;

-- Arms claimed rows again: each for its next turn after now, at its own place in the interval. What a check came to is written
-- where it has changed. Answers the keys whose claim still held.
create or replace function arm_loops(of_kind text, given jsonb, out key text) returns setof text
language plpgsql set search_path = job_orchestrator, pg_temp set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
begin
  return query
    update loop l set due_at = null, failures = case when x.failed then l.failures + 1 else 0 end,
        state = case when x.changed then x.state else l.state end,
        -- Whole intervals after it was due, so that rows keep their spread; turns that were missed are one.
        next_at = l.due_at + make_interval(secs => l.interval_ms / 1000.0) * ceil(greatest(1, (extract(epoch from now() - l.due_at) * 1000 + 1) / l.interval_ms))
      from jsonb_to_recordset(given) x(key text, fence bigint, failed boolean, changed boolean, state jsonb)
      where l.kind = of_kind and l.key = x.key and l.fence = x.fence and l.due_at is not null
      returning l.key;
end $$;
`;
