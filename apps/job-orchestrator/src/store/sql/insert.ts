/** New jobs. */
export const insertSql = `
-- Makes queued jobs with their places in line, one after the other, and their steps. Of each it answers what became of it: made,
-- repeated (the key was used before: that job and what it was asked) or locked (told to be made only at once; the job that is
-- in the way). Resources are distinct. One that has a claimer with a lease, and that nothing is in the way of, is claimed for it: of
-- that it answers its number, fence and times, and whether its first step has begun, which is so when it says how its start is told.
create or replace function make_jobs(
  given jsonb,
  out n bigint, out outcome text, out id text, out asked text, out seq bigint, out fence bigint, out claimed_at timestamptz, out deadline timestamptz,
  out begun boolean
) returns setof record
language plpgsql set search_path = job_orchestrator, pg_temp set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
#variable_conflict use_column
declare
  g record;
  others bigint;
  made text[] := '{}';
  steps_of jsonb[] := '{}';
  -- Of those whose first step begins.
  fences bigint[] := '{}';
  owners text[] := '{}';
  claimers text[] := array(
    select r.replica_id from replica r
      where r.replica_id in (select e.value ->> 'claimer' from jsonb_array_elements(given) e(value)) and r.lease_until > now());
begin
  perform hold_lines(array(select r.resource from jsonb_array_elements(given) e(value), jsonb_array_elements_text(e.value -> 'locks') r(resource)));
  for g in
    select e.n, x.* from jsonb_array_elements(given) with ordinality e(value, n),
      jsonb_to_record(e.value) x(job_id text, kind text, version int, params jsonb, plan_id text, plan_digest text, reason text,
        principal jsonb, scope text, idempotency_key text, payload_hash text, locks text[], tenant_id text, parent_id text,
        deadline_ms float8, request_id text, correlation_id text, traceparent text, may_wait boolean, claimer text, steps jsonb, started jsonb)
      order by e.n
  loop
    n := g.n;
    id := null;
    asked := null;
    fence := null;
    begun := false;
    select j.job_id, j.payload_hash into id, asked from job j where j.scope = g.scope and j.idempotency_key = g.idempotency_key;
    if id is null then
      -- After the look at the others: a job that is archived meanwhile is seen in one of the two.
      select a.job_id, a.payload_hash into id, asked from archived_job a where a.scope = g.scope and a.idempotency_key = g.idempotency_key;
    end if;
    if id is null and not g.may_wait then
      select l.job_id into id from lock l where l.resource = any(g.locks) order by l.seq limit 1;
      if id is not null then
        outcome := 'locked';
        return next;
        continue;
      end if;
    end if;
    if id is null then
      others := (select count(*) from unnest(g.locks) r(resource) where exists (select from lock l where l.resource = r.resource));
      if others = 0 and g.claimer = any(claimers) then
        fence := nextval('job_orchestrator.job_fence');
        claimed_at := now();
      end if;
      insert into job (job_id, kind, version, status, params, plan_id, plan_digest, reason, principal, scope, idempotency_key, payload_hash,
          locks, tenant_id, parent_id, deadline, request_id, correlation_id, traceparent, blocked, owner, fence, started_at)
        values (g.job_id, g.kind, g.version, case when fence is null then 'queued' else 'running' end, g.params, g.plan_id, g.plan_digest,
          g.reason, g.principal, g.scope, g.idempotency_key, g.payload_hash, g.locks, g.tenant_id, g.parent_id,
          now() + make_interval(secs => g.deadline_ms / 1000), g.request_id, g.correlation_id, g.traceparent, others,
          case when fence is not null then g.claimer end, coalesce(fence, 0), case when fence is not null then now() end)
        on conflict (scope, idempotency_key) do nothing
        returning job.seq, job.deadline into seq, deadline;
      if found then
        begun := fence is not null and g.started is not null;
        made := made || g.job_id;
        steps_of := steps_of || g.steps;
        fences := fences || case when begun then fence end;
        owners := owners || case when begun then g.claimer end;
        insert into lock (resource, seq, job_id) select r.resource, make_jobs.seq, g.job_id from unnest(g.locks) r(resource);
        outcome := 'made';
        id := g.job_id;
        return next;
        continue;
      end if;
      -- Made by another request between the two looks.
      fence := null;
      select j.job_id, j.payload_hash into id, asked from job j where j.scope = g.scope and j.idempotency_key = g.idempotency_key;
    end if;
    outcome := 'repeated';
    return next;
  end loop;
  insert into step (job_id, index, name, status, attempts, started_at, clock_at, fence, owner)
    select m.id, s.n - 1, s.name, case when b.begins then 'running' else 'pending' end, case when b.begins then 1 else 0 end,
        case when b.begins then now() end, case when b.begins then now() end, case when b.begins then m.fence end, case when b.begins then m.owner end
      from unnest(made, steps_of, fences, owners) m(id, steps, fence, owner), jsonb_array_elements_text(m.steps) with ordinality s(name, n),
        lateral (select s.n = 1 and m.fence is not null) b(begins);
end $$;
`;
