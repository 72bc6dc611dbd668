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
  -- Of all, by their numbers.
  outcomes text[];
  ids text[];
  hashes text[];
  fences bigint[];
  begins boolean[];
  keys text[];
  -- Of those that are made, in their order.
  numbers bigint[];
  blocks int[];
  seqs bigint[];
  deadlines timestamptz[];
  -- The places in line that these take: resources, and whose.
  taken text[];
  takers text[];
  earlier int;
  others bigint;
  nth int := 0;
  claimers text[] := array(
    select r.replica_id from replica r
      where r.replica_id in (select e.value ->> 'claimer' from jsonb_array_elements(given) e(value)) and r.lease_until > now());
begin
  perform hold_lines(array(select r.resource from jsonb_array_elements(given) e(value), jsonb_array_elements_text(e.value -> 'locks') r(resource)));
  loop
    outcomes := '{}'; ids := '{}'; hashes := '{}'; fences := '{}'; begins := '{}'; keys := '{}';
    numbers := '{}'; blocks := '{}'; taken := '{}'; takers := '{}';
    begin
      -- One look at what is there for all of them; what they are to one another is seen one after the other, in memory.
      for g in
        select e.n, x.*, format('%s:%s%s', length(x.scope), x.scope, x.idempotency_key) as key,
            coalesce(j.job_id, a.job_id) as known, coalesce(j.payload_hash, a.payload_hash) as known_hash, l.resources as held, l.first
          from jsonb_array_elements(given) with ordinality e(value, n),
            jsonb_to_record(e.value) x(job_id text, scope text, idempotency_key text, payload_hash text, locks text[], may_wait boolean,
              claimer text, started jsonb)
            left join job j on j.scope = x.scope and j.idempotency_key = x.idempotency_key
            left join archived_job a on a.scope = x.scope and a.idempotency_key = x.idempotency_key
            cross join lateral (
              select array_agg(distinct h.resource) as resources, (array_agg(h.job_id order by h.seq))[1] as first
                from unnest(x.locks) r(resource) join lock h on h.resource = r.resource
            ) l
          order by e.n
      loop
        id := g.known;
        asked := g.known_hash;
        outcome := 'repeated';
        fence := null;
        begun := false;
        earlier := array_position(keys, g.key);
        if id is null and earlier is not null then
          id := ids[earlier];
          asked := hashes[earlier];
        end if;
        if id is null and not g.may_wait and (g.held is not null or g.locks && taken) then
          outcome := 'locked';
          id := coalesce(g.first, (select t.taker from unnest(taken, takers) with ordinality t(resource, taker, place) where t.resource = any(g.locks) order by t.place limit 1));
        end if;
        if id is null then
          outcome := 'made';
          id := g.job_id;
          asked := g.payload_hash;
          others := coalesce(cardinality(g.held), 0);
          if g.locks && taken then
            others := (select count(*) from unnest(g.locks) r(resource) where r.resource = any(g.held) or r.resource = any(taken));
          end if;
          if others = 0 and g.claimer = any(claimers) then
            fence := nextval('job_orchestrator.job_fence');
            begun := g.started is not null;
          end if;
          numbers := numbers || g.n;
          blocks := blocks || others::int;
          taken := taken || g.locks;
          takers := takers || array_fill(g.job_id, array[cardinality(g.locks)]);
        end if;
        outcomes := outcomes || outcome;
        ids := ids || id;
        hashes := hashes || asked;
        fences := fences || fence;
        begins := begins || begun;
        keys := keys || case when outcome = 'made' then g.key end;
      end loop;
      -- Numbers in line are drawn in the order of the jobs.
      with made as (
        insert into job (job_id, kind, version, status, params, plan_id, plan_digest, reason, principal, scope, idempotency_key, payload_hash,
            locks, tenant_id, parent_id, deadline, request_id, correlation_id, traceparent, blocked, owner, fence, started_at)
          select x.job_id, x.kind, x.version, case when m.fence is null then 'queued' else 'running' end, x.params, x.plan_id, x.plan_digest,
              x.reason, x.principal, x.scope, x.idempotency_key, x.payload_hash, x.locks, x.tenant_id, x.parent_id,
              now() + make_interval(secs => x.deadline_ms / 1000), x.request_id, x.correlation_id, x.traceparent, m.behind,
              case when m.fence is not null then x.claimer end, coalesce(m.fence, 0), case when m.fence is not null then now() end
            from (select u.n, u.behind, fences[u.n] as fence from unnest(numbers, blocks) u(n, behind)) m,
              jsonb_to_record(given -> (m.n - 1)::int) x(job_id text, kind text, version int, params jsonb, plan_id text, plan_digest text,
                reason text, principal jsonb, scope text, idempotency_key text, payload_hash text, locks text[], tenant_id text, parent_id text,
                deadline_ms float8, request_id text, correlation_id text, traceparent text, claimer text)
            order by m.n
          on conflict (scope, idempotency_key) do nothing
          returning job_id, seq, deadline, locks
      ), placed as (
        insert into lock (resource, seq, job_id) select r.resource, m.seq, m.job_id from made m, unnest(m.locks) r(resource)
      )
      select array_agg(m.seq order by m.seq), array_agg(m.deadline order by m.seq) into seqs, deadlines from made m;
      exit when coalesce(cardinality(seqs), 0) = cardinality(numbers);
      raise exception 'a key was used by another request between the two looks' using errcode = 'FL002';
    exception when sqlstate 'FL002' then
      -- Nothing of this try is left; the next one sees that request's job.
    end;
  end loop;
  insert into step (job_id, index, name, status, attempts, started_at, clock_at, fence, owner)
    select m.id, s.n - 1, s.name, case when b.begins then 'running' else 'pending' end, case when b.begins then 1 else 0 end,
        case when b.begins then now() end, case when b.begins then now() end, case when b.begins then m.fence end,
        case when b.begins then m.value ->> 'claimer' end
      from (select ids[u.n] as id, fences[u.n] as fence, begins[u.n] as begun, given -> (u.n - 1)::int as value from unnest(numbers) u(n)) m,
        jsonb_array_elements_text(m.value -> 'steps') with ordinality s(name, n), lateral (select s.n = 1 and m.begun) b(begins);
  for i in 1 .. cardinality(outcomes) loop
    n := i;
    outcome := outcomes[i];
    id := ids[i];
    asked := case when outcome = 'repeated' then hashes[i] end;
    fence := fences[i];
    begun := begins[i];
    claimed_at := case when fence is not null then now() end;
    if outcome = 'made' then
      nth := nth + 1;
    end if;
    seq := case when outcome = 'made' then seqs[nth] end;
    deadline := case when outcome = 'made' then deadlines[nth] end;
    return next;
  end loop;
end $$;
`;
