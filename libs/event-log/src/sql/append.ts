/** SQLSTATE of "no partition for this position": log.keep_partitions() has not run for long. */
export const partitionMissing = 'LG001';

/**
 * The one way to write. Takes commands in order: {command_id, events: [{aggregate_type, aggregate_id,
 * expected_version, type, schema_version, payload, meta}]}, and answers one row each: ok, repeated (the id is known:
 * nothing is appended, the first positions are answered) or conflict (an expected version, the aggregate's before
 * that event, does not hold: nothing of the command is appended). Anything else wrong fails the whole call.
 *
 * What can be refused is refused before the head is taken; from then on all other appends wait.
 */
export const appendSql = `
create or replace function log.append(commands jsonb)
returns table (command_index int, status text, first_position bigint, last_position bigint, conflict jsonb)
language plpgsql security definer
-- Tables that were small when a plan was made must not be scanned when they have grown.
set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
#variable_conflict use_variable
declare
  -- By command.
  ids text[];
  sizes int[];
  starts int[] := '{}';
  known_first bigint[];
  known_last bigint[];
  fresh boolean[];
  ids_repeat boolean;
  -- By event, in order; a position of 0 is of an event that is not appended.
  of_aggregate int[];
  expected bigint[];
  versions bigint[];
  positions bigint[];
  -- By aggregate.
  kinds text[];
  keys text[];
  before bigint[];
  standing bigint[];
  last_of bigint[];
  head log.head;
  reached bigint;
  now_at timestamptz;
  largest int;
  refused text;
  item int := 0;
  earlier int;
begin
  select array_agg(c.value ->> 'command_id' order by c.n), array_agg(jsonb_array_length(c.value -> 'events') order by c.n),
      count(*) > count(distinct c.value ->> 'command_id')
    into ids, sizes, ids_repeat
    from jsonb_array_elements(commands) with ordinality c(value, n);
  with given as materialized (
    select c.n as c, e.n as e, e.value ->> 'aggregate_type' as kind, e.value ->> 'aggregate_id' as key,
        coalesce((e.value ->> 'expected_version')::bigint, -1) as expected,
        octet_length((e.value -> 'payload')::text) + octet_length((e.value -> 'meta')::text) as size
      from jsonb_array_elements(commands) with ordinality c(value, n)
      cross join lateral jsonb_array_elements(c.value -> 'events') with ordinality e(value, n)
  ), numbered as materialized (
    select g.*, dense_rank() over (order by g.kind, g.key) as a from given g
  ), aggregates as (
    select distinct n.a, n.kind, n.key from numbered n
  )
  select (select array_agg(n.a order by n.c, n.e) from numbered n), (select array_agg(n.expected order by n.c, n.e) from numbered n),
      (select max(n.size) from numbered n), (select array_agg(g.kind order by g.a) from aggregates g), (select array_agg(g.key order by g.a) from aggregates g)
    into of_aggregate, expected, largest, kinds, keys;
  if of_aggregate is null or 0 = any (sizes) then
    raise exception 'a command has at least one event' using errcode = 'invalid_parameter_value';
  end if;
  if cardinality(of_aggregate) > 10000 then
    raise exception 'more than 10000 events in one call' using errcode = 'program_limit_exceeded';
  end if;
  if largest > 262144 then
    raise exception 'an event is larger than 256 KiB' using errcode = 'program_limit_exceeded';
  end if;
  select k.kind into refused from unnest(kinds) k(kind)
    where not exists (select from log.aggregate_owner o where o.aggregate_type = k.kind and o.role = session_user) limit 1;
  if found then
    raise exception '% may not append events of %', session_user, coalesce(refused, 'no aggregate type') using errcode = 'insufficient_privilege';
  end if;

  select h.* into head from log.head h for update;
  -- Whoever holds the head and stalls is cut off; its transaction leaves no gap.
  perform set_config('transaction_timeout', '3s', true);
  select array_agg(k.first_position order by i.n), array_agg(k.last_position order by i.n) into known_first, known_last
    from unnest(ids) with ordinality i(id, n)
    left join lateral (select c.first_position, c.last_position from log.command c where c.role = session_user and c.command_id = i.id limit 1) k on true;
  select array_agg(coalesce((select s.version from log.stream s where s.aggregate_type = g.kind and s.aggregate_id = g.key), 0) order by g.a) into before
    from unnest(kinds, keys) with ordinality g(kind, key, a);

  reached := head.position;
  standing := before;
  last_of := before;
  versions := expected;
  positions := array_fill(0::bigint, array[cardinality(of_aggregate)]);
  fresh := array_fill(false, array[cardinality(ids)]);
  for c in 1 .. cardinality(ids) loop
    command_index := c - 1;
    conflict := null;
    starts[c] := item;
    earlier := case when ids_repeat then array_position(ids, ids[c]) else c end;
    first_position := known_first[earlier];
    last_position := known_last[earlier];
    if first_position is not null then
      status := 'repeated';
    else
      for i in item + 1 .. item + sizes[c] loop
        if expected[i] >= 0 and expected[i] <> standing[of_aggregate[i]] then
          conflict := jsonb_build_object('aggregate_type', kinds[of_aggregate[i]], 'aggregate_id', keys[of_aggregate[i]],
            'expected', expected[i], 'actual', standing[of_aggregate[i]]);
          for j in item + 1 .. i - 1 loop
            standing[of_aggregate[j]] := standing[of_aggregate[j]] - 1;
          end loop;
          exit;
        end if;
        standing[of_aggregate[i]] := standing[of_aggregate[i]] + 1;
        versions[i] := standing[of_aggregate[i]];
      end loop;
      if conflict is not null then
        status := 'conflict';
      else
        status := 'ok';
        fresh[c] := true;
        first_position := reached + 1;
        for i in item + 1 .. item + sizes[c] loop
          reached := reached + 1;
          positions[i] := reached;
          last_of[of_aggregate[i]] := reached;
        end loop;
        last_position := reached;
        known_first[c] := first_position;
        known_last[c] := last_position;
        -- An id may come again in this call, also after a first try that was a conflict.
        known_first[earlier] := first_position;
        known_last[earlier] := last_position;
      end if;
    end if;
    item := item + sizes[c];
    return next;
  end loop;
  if reached = head.position then
    return;
  end if;
  if reached >= head.partitioned_until then
    raise exception 'the event log has no partition for position %; log.keep_partitions() makes it', reached using errcode = '${partitionMissing}';
  end if;

  now_at := greatest(clock_timestamp(), head.recorded_at);
  insert into log.event (position, aggregate_type, aggregate_id, version, type, schema_version, payload, meta, recorded_at)
    select positions[e.i], e.value ->> 'aggregate_type', e.value ->> 'aggregate_id', versions[e.i], e.value ->> 'type',
        coalesce((e.value ->> 'schema_version')::int, 1), e.value -> 'payload', e.value -> 'meta', now_at
      from (
        select starts[c.n::int] + n.n::int as i, n.value
          from jsonb_array_elements(commands) with ordinality c(value, n)
          cross join lateral jsonb_array_elements(c.value -> 'events') with ordinality n(value, n)
      ) e
      where positions[e.i] > 0;
  insert into log.stream as s (aggregate_type, aggregate_id, version, position)
    select kinds[a], keys[a], standing[a], last_of[a] from generate_subscripts(kinds, 1) a where standing[a] > before[a]
    on conflict (aggregate_type, aggregate_id) do update set version = excluded.version, position = excluded.position;
  insert into log.command (role, command_id, first_position, last_position, recorded_at)
    select session_user, ids[c], known_first[c], known_last[c], now_at from generate_subscripts(ids, 1) c where fresh[c];
  update log.head h set position = reached, recorded_at = now_at where h.singleton;
end $$;
`;
