/** SQLSTATE of "no partition for this position": log.keep_partitions() has not run for long. */
export const partitionMissing = 'LG001';

/** SQLSTATE within log.append: an expected version does not hold. */
const notAsExpected = 'LG002';

/**
 * How long a transaction may live once it holds the head. It is set for that transaction alone: a limit of the role
 * would hurry its readers and its other work too.
 */
const headTimeout = '2s';

/** Deeper JSON could not be read any more: who walks through it runs out of stack. The appender's bound is far below. */
const deepest = '500';

/** SQL: every reader can take the event. What nests deeply is long, and only that is looked through. */
function isReadable(text: (column: string) => string, json: (column: string) => string): string {
  const shallow = (column: string) =>
    `(octet_length(${text(column)}) < ${deepest} or not jsonb_path_exists(${json(column)}, '$.**{${deepest} to last}'))`;
  return ['payload', 'meta'].map((column) => `jsonb_typeof(${json(column)}) = 'object' and ${shallow(column)}`).join(' and ');
}

const isReadableEvent = isReadable(
  (column) => column,
  (column) => `${column}_json`,
);
const areReadableEvents = isReadable(
  (column) => `${column}s[n]`,
  (column) => `${column}s_json[n]`,
);

/**
 * The one way to write. `log.append` takes commands in order, and their events in order as arrays: the last event of
 * command c is number ends[c]. An expected version (null for any) is the aggregate's before that event. When every command was
 * appended, it answers the first position and no outcomes; else an outcome for each command: ok, repeated (its id, if it has one, is
 * known: nothing is appended, the first positions are answered) or conflict (an expected version does not hold:
 * nothing of the command is appended). Anything else wrong fails the whole call.
 *
 * `log.append_event` is the same for one command of one event, in fewer steps.
 *
 * What can be refused is refused, and JSON is parsed, before the head is taken; from then on all other appends wait.
 * Plans for arrays are generic: made once, and not anew for each call's. Tables that were small when one was made must not
 * be scanned when they have grown. Callers that join their own tables by nothing but indexes turn other joins off for themselves; what is
 * counted up here is joined by hashing all the same.
 */
export const appendSql = `
-- Made anew, because a parameter can't be renamed.
drop function if exists log.append(text[], int[], text[], text[], bigint[], text[], int[], text[], text[]);
drop function if exists log.judge(text[], int[], text[], text[], bigint[], bigint);
-- And this one, because what it answers can't be extended.
drop function if exists log.append_event(text, text, text, bigint, text, int, text, text);

create function log.append(
  command_ids text[], ends int[],
  aggregate_types text[], aggregate_ids text[], expected_versions bigint[], types text[], schema_versions int[], payloads text[], metas text[],
  out first_position bigint, out outcomes jsonb
)
language plpgsql security definer
set search_path = pg_catalog, pg_temp set enable_seqscan = off set enable_hashjoin = on set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_variable
declare
  commands int := cardinality(command_ids);
  count int := cardinality(aggregate_types);
  dims text := '[1:' || count || ']';
  payloads_json jsonb[] := payloads;
  metas_json jsonb[] := metas;
  largest int;
  refused text;
  named boolean;
  identified boolean;
  filled boolean;
  readable boolean;
  apart boolean;
  until bigint;
  head_position bigint;
  now_at timestamptz;
  limited text;
  versions bigint[];
  holds boolean;
  kept boolean[];
  kept_commands boolean[];
begin
  -- Numbered from 1 on and in one row, as they are looked at: of others unnest would see elements that were not checked.
  if coalesce(count, 0) = 0 or commands > count or ends[commands] is distinct from count
      or (array_dims(command_ids), array_dims(ends)) is distinct from ('[1:' || commands || ']', '[1:' || commands || ']')
      or (array_dims(aggregate_types), array_dims(aggregate_ids), array_dims(expected_versions), array_dims(types),
          array_dims(schema_versions), array_dims(payloads), array_dims(metas)) is distinct from (dims, dims, dims, dims, dims, dims, dims) then
    raise exception 'a command has at least one event, and an event all its fields' using errcode = 'invalid_parameter_value';
  end if;
  if count > 10000 then
    raise exception 'more than 10000 events in one call' using errcode = 'program_limit_exceeded';
  end if;
  -- By number, since a command is there for each of the first numbers too: to walk through many arrays side by side costs more.
  select max(octet_length(payloads[n]) + octet_length(metas[n])),
      min(aggregate_types[n]) filter (where aggregate_types[n] <> all (array(select o.aggregate_type from log.aggregate_owner o where o.role = session_user))),
      bool_and((aggregate_types[n] is not null and octet_length(aggregate_ids[n]) between 1 and 255 and octet_length(types[n]) between 1 and 255
        and schema_versions[n] > 0) is true),
      bool_and(command_ids[n] is null or octet_length(command_ids[n]) between 1 and 255) filter (where n <= commands),
      bool_and((ends[n] > case n when 1 then 0 else ends[n - 1] end) is true) filter (where n <= commands),
      bool_and((${areReadableEvents}) is true),
      count(distinct aggregate_ids[n]) = count
    into largest, refused, named, identified, filled, readable, apart
    from generate_series(1, count) n;
  if filled is distinct from true then
    raise exception 'a command has at least one event, and an event all its fields' using errcode = 'invalid_parameter_value';
  end if;
  if largest > 262144 then
    raise exception 'an event is larger than 256 KiB' using errcode = 'program_limit_exceeded';
  end if;
  if (named and identified) is distinct from true then
    raise exception 'ids and types have 1 to 255 bytes, schema versions begin with 1' using errcode = 'invalid_parameter_value';
  end if;
  if readable is distinct from true then
    raise exception 'payload and metadata are objects that nest less than ${deepest} levels' using errcode = 'invalid_parameter_value';
  end if;
  if refused is not null then
    raise exception '% may not append events of %', session_user, refused using errcode = 'insufficient_privilege';
  end if;

  select h.position, h.recorded_at, h.partitioned_until into head_position, now_at, until from log.head h for update;
  -- Whoever holds the head and stalls is cut off; its transaction leaves no gap.
  if current_setting('transaction_timeout') not in ('0', '${headTimeout}') then
    -- A timer that runs already would not be set anew.
    limited := set_config('transaction_timeout', '0', true);
  end if;
  limited := set_config('transaction_timeout', '${headTimeout}', true);
  now_at := greatest(clock_timestamp(), now_at);
  loop
    if head_position + count >= until then
      raise exception 'the event log has no partition for position %; log.keep_partitions() makes it', head_position + count
        using errcode = '${partitionMissing}';
    end if;
    begin
      -- Writes as if every command were new, which the key of log.command refutes, and every expected version held, which
      -- shows once it is counted up.
      insert into log.command (role, command_id, first_position, last_position, recorded_at)
        select session_user, command_ids[n], head_position + coalesce(ends[n - 1], 0) + 1, head_position + ends[n], now_at
          from generate_series(1, commands) n where command_ids[n] is not null;
      if apart then
        -- Its row's position says which event a version is of.
        with counted as (
          insert into log.stream as s (aggregate_type, aggregate_id, version, position)
            select aggregate_types[n], aggregate_ids[n], 1, head_position + n from generate_series(1, count) n
            on conflict (aggregate_type, aggregate_id) do update set version = s.version + 1, position = excluded.position
            returning s.version, s.position - head_position as n
        )
        select array_agg(c.version order by c.n), coalesce(bool_and(expected_versions[c.n] = c.version - 1), true) into versions, holds from counted c;
      else
        with given as materialized (
          select g.n, g.kind, g.key, g.expected, row_number() over (partition by g.kind, g.key order by g.n) as nth,
              count(*) over (partition by g.kind, g.key) as of
            from unnest(aggregate_types, aggregate_ids, expected_versions) with ordinality g(kind, key, expected, n)
        ), counted as (
          insert into log.stream as s (aggregate_type, aggregate_id, version, position)
            select g.kind, g.key, g.nth, head_position + g.n from given g where g.nth = g.of
            on conflict (aggregate_type, aggregate_id) do update set version = s.version + excluded.version, position = excluded.position
            returning s.aggregate_type, s.aggregate_id, s.version
        )
        select array_agg(c.version - g.of + g.nth order by g.n), coalesce(bool_and(g.expected = c.version - g.of + g.nth - 1), true)
          into versions, holds
          from given g join counted c on c.aggregate_type = g.kind and c.aggregate_id = g.key;
      end if;
      exit when holds;
      raise exception 'an expected version does not hold' using errcode = '${notAsExpected}';
    exception when unique_violation or sqlstate '${notAsExpected}' then
      -- What was written in this block is taken back.
    end;
    -- Seldom: judges one command after the other, and goes on with those that are to be appended, all of which hold.
    select j.kept, j.kept_commands, j.outcomes into kept, kept_commands, outcomes
      from log.judge(command_ids, ends, aggregate_types, aggregate_ids, expected_versions, head_position) j;
    select array_agg(e.kind order by e.n), array_agg(e.key order by e.n), array_agg(e.expected order by e.n), array_agg(e.type order by e.n),
        array_agg(e.of_schema order by e.n), array_agg(e.payload order by e.n), array_agg(e.meta order by e.n), count(*)
      into aggregate_types, aggregate_ids, expected_versions, types, schema_versions, payloads_json, metas_json, count
      from unnest(kept, aggregate_types, aggregate_ids, expected_versions, types, schema_versions, payloads_json, metas_json)
        with ordinality e(kept, kind, key, expected, type, of_schema, payload, meta, n)
      where e.kept;
    if count = 0 then
      return;
    end if;
    select array_agg(c.id order by c.n), array_agg(c.upto order by c.n), count(*) into command_ids, ends, commands
      from (
        select k.n, k.id, sum(k.upto - k.before) over (order by k.n)::int as upto
          from unnest(kept_commands, command_ids, ends, (0 || ends)[:commands]) with ordinality k(kept, id, upto, before, n) where k.kept
      ) c;
  end loop;

  first_position := head_position + 1;
  insert into log.event (position, aggregate_type, aggregate_id, version, type, schema_version, payload, meta, recorded_at)
    select head_position + e.n, e.kind, e.key, e.version, e.type, e.of_schema, e.payload, e.meta, now_at
      from unnest(aggregate_types, aggregate_ids, versions, types, schema_versions, payloads_json, metas_json)
        with ordinality e(kind, key, version, type, of_schema, payload, meta, n);
  update log.head h set position = head_position + count, recorded_at = now_at where h.singleton;
end $$;

-- Which commands of a call are appended and what becomes of each, judged in order: one that is refused changes no version.
create function log.judge(
  command_ids text[], ends int[], aggregate_types text[], aggregate_ids text[], expected_versions bigint[], head_position bigint,
  out kept boolean[], out kept_commands boolean[], out outcomes jsonb
)
language plpgsql stable set search_path = pg_catalog, pg_temp set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_variable
declare
  known_first bigint[];
  known_last bigint[];
  of_aggregate int[];
  standing bigint[];
  reached bigint := head_position;
  item int := 0;
  size int;
  at int;
  earlier int;
  conflict jsonb;
  found jsonb[] := '{}';
begin
  kept := array_fill(false, array[cardinality(aggregate_types)]);
  kept_commands := array_fill(false, array[cardinality(ends)]);
  select array_agg(k.first_position order by i.n), array_agg(k.last_position order by i.n) into known_first, known_last
    from unnest(command_ids) with ordinality i(id, n)
    left join lateral (select c.first_position, c.last_position from log.command c where c.role = session_user and c.command_id = i.id limit 1) k on true;
  -- An aggregate's version stands at the number of its first event here.
  select array_agg(e.first order by e.n),
      array_agg(coalesce((select s.version from log.stream s where s.aggregate_type = e.kind and s.aggregate_id = e.key), 0) order by e.n)
    into of_aggregate, standing
    from (
      select g.n, g.kind, g.key, min(g.n) over (partition by g.kind, g.key) as first
        from unnest(aggregate_types, aggregate_ids) with ordinality g(kind, key, n)
    ) e;
  for c in 1 .. cardinality(ends) loop
    conflict := null;
    size := ends[c] - item;
    earlier := case when command_ids[c] is null then c else array_position(command_ids, command_ids[c]) end;
    if known_first[earlier] is not null then
      found := found || jsonb_build_object('status', 'repeated', 'first_position', known_first[earlier], 'last_position', known_last[earlier]);
    else
      for i in item + 1 .. item + size loop
        at := of_aggregate[i];
        if expected_versions[i] <> standing[at] then
          conflict := jsonb_build_object('aggregate_type', aggregate_types[i], 'aggregate_id', aggregate_ids[i],
            'expected', expected_versions[i], 'actual', standing[at]);
          for j in item + 1 .. i - 1 loop
            standing[of_aggregate[j]] := standing[of_aggregate[j]] - 1;
          end loop;
          exit;
        end if;
        standing[at] := standing[at] + 1;
      end loop;
      if conflict is not null then
        found := found || jsonb_build_object('status', 'conflict', 'conflict', conflict);
      else
        kept_commands[c] := true;
        for i in item + 1 .. item + size loop
          kept[i] := true;
        end loop;
        -- An id may come again in this call, also after a first try that was a conflict.
        known_first[earlier] := reached + 1;
        known_last[earlier] := reached + size;
        reached := reached + size;
        found := found || jsonb_build_object('status', 'ok', 'first_position', known_first[earlier], 'last_position', known_last[earlier]);
      end if;
    end if;
    item := ends[c];
  end loop;
  outcomes := to_jsonb(found);
end $$;

create function log.append_event(
  given_id text, kind text, key text, expected_version bigint, event_type text, of_schema int, payload text, meta text,
  out status text, out first_position bigint, out last_position bigint, out actual bigint
)
language plpgsql security definer
set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
#variable_conflict use_variable
declare
  payload_json jsonb := payload;
  meta_json jsonb := meta;
  next bigint;
  now_at timestamptz;
  standing bigint;
  limited text;
begin
  if octet_length(payload) + octet_length(meta) > 262144 then
    raise exception 'an event is larger than 256 KiB' using errcode = 'program_limit_exceeded';
  end if;
  if ((given_id is null or octet_length(given_id) between 1 and 255) and octet_length(key) between 1 and 255 and octet_length(event_type) between 1 and 255 and of_schema > 0) is distinct from true then
    raise exception 'ids and types have 1 to 255 bytes, schema versions begin with 1' using errcode = 'invalid_parameter_value';
  end if;
  if (${isReadableEvent}) is distinct from true then
    raise exception 'payload and metadata are objects that nest less than ${deepest} levels' using errcode = 'invalid_parameter_value';
  end if;
  if expected_version < 0 then
    raise exception 'an expected version is 0 or more' using errcode = 'invalid_parameter_value';
  end if;
  -- Takes the head by moving it, which is one write less, and moves it back when nothing is appended.
  update log.head h set position = h.position + 1, recorded_at = greatest(clock_timestamp(), h.recorded_at)
    where h.singleton and h.position + 1 < h.partitioned_until
      and exists (select from log.aggregate_owner o where o.aggregate_type = kind and o.role = session_user)
    returning h.position, h.recorded_at into next, now_at;
  if next is null then
    if exists (select from log.aggregate_owner o where o.aggregate_type = kind and o.role = session_user) then
      raise exception 'the event log has no partition for the next position; log.keep_partitions() makes it' using errcode = '${partitionMissing}';
    end if;
    raise exception '% may not append events of %', session_user, coalesce(kind, 'no aggregate type') using errcode = 'insufficient_privilege';
  end if;
  if current_setting('transaction_timeout') not in ('0', '${headTimeout}') then
    -- A timer that runs already would not be set anew.
    limited := set_config('transaction_timeout', '0', true);
  end if;
  limited := set_config('transaction_timeout', '${headTimeout}', true);
  -- The command of that id may have had more events than this one.
  select c.first_position, c.last_position into first_position, last_position from log.command c where c.command_id = given_id and c.role = session_user;
  if first_position is not null then
    update log.head h set position = next - 1 where h.singleton;
    status := 'repeated';
    return;
  end if;
  if expected_version > 0 then
    update log.stream s set version = expected_version + 1, position = next
      where s.aggregate_type = kind and s.aggregate_id = key and s.version = expected_version returning s.version into standing;
  elsif expected_version = 0 then
    insert into log.stream (aggregate_type, aggregate_id, version, position) values (kind, key, 1, next)
      on conflict (aggregate_type, aggregate_id) do nothing returning version into standing;
  else
    insert into log.stream as s (aggregate_type, aggregate_id, version, position) values (kind, key, 1, next)
      on conflict (aggregate_type, aggregate_id) do update set version = s.version + 1, position = excluded.position returning s.version into standing;
  end if;
  if standing is null then
    update log.head h set position = next - 1 where h.singleton;
    status := 'conflict';
    actual := coalesce((select s.version from log.stream s where s.aggregate_type = kind and s.aggregate_id = key), 0);
    return;
  end if;
  insert into log.event (position, aggregate_type, aggregate_id, version, type, schema_version, payload, meta, recorded_at)
    values (next, kind, key, standing, event_type, of_schema, payload_json, meta_json, now_at);
  if given_id is not null then
    insert into log.command (role, command_id, first_position, last_position, recorded_at) values (session_user, given_id, next, next, now_at);
  end if;
  status := 'ok';
  first_position := next;
  last_position := next;
end $$;

-- For services of the release before, which append in this form until they are replaced.
create or replace function log.append(commands jsonb)
returns table (command_index int, status text, first_position bigint, last_position bigint, conflict jsonb)
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
  ids text[];
  ends int[];
  answer record;
begin
  select array_agg(c.id order by c.n), array_agg(c.upto order by c.n) into ids, ends
    from (
      select e.n, e.value ->> 'command_id' as id, sum(jsonb_array_length(e.value -> 'events')) over (order by e.n)::int as upto
        from jsonb_array_elements(commands) with ordinality e(value, n)
    ) c;
  select a.* into answer
    from (
      select array_agg(e.value ->> 'aggregate_type' order by c.n, e.n) as kinds, array_agg(e.value ->> 'aggregate_id' order by c.n, e.n) as keys,
          array_agg((e.value ->> 'expected_version')::bigint order by c.n, e.n) as expected, array_agg(e.value ->> 'type' order by c.n, e.n) as types,
          array_agg(coalesce((e.value ->> 'schema_version')::int, 1) order by c.n, e.n) as of_schemas,
          array_agg((e.value -> 'payload')::text order by c.n, e.n) as payloads, array_agg((e.value -> 'meta')::text order by c.n, e.n) as metas
        from jsonb_array_elements(commands) with ordinality c(value, n)
        cross join lateral jsonb_array_elements(c.value -> 'events') with ordinality e(value, n)
    ) g, log.append(ids, ends, g.kinds, g.keys, g.expected, g.types, g.of_schemas, g.payloads, g.metas) a;
  return query
    select o.n::int - 1, coalesce(o.told ->> 'status', 'ok'),
        case when answer.outcomes is null then answer.first_position + o.before else (o.told ->> 'first_position')::bigint end,
        case when answer.outcomes is null then answer.first_position + o.upto - 1 else (o.told ->> 'last_position')::bigint end,
        o.told -> 'conflict'
      from (select u.n, u.upto, u.before, answer.outcomes -> (u.n::int - 1) as told
              from unnest(ends, (0 || ends)[:cardinality(ends)]) with ordinality u(upto, before, n)) o;
end $$;
`;
