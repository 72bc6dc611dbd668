import type { Sql } from '@fairlead/postgres';

export interface LockRow {
  resource: string;
  job_id: string;
  kind: string;
  principal: string;
  asked_at: Date;
  /** null for a job that has yet to begin: it waits for another resource, or for a replica. */
  held_since: Date | null;
  /** How many wait behind it. */
  waiting: number;
}

export interface WaiterRow {
  resource: string;
  job_id: string;
  kind: string;
  principal: string;
  asked_at: Date;
}

/** Resources that jobs want, by name: who comes first on each, and how many wait. */
export async function listLocks(sql: Sql, filter: { after: string; resource?: string; limit: number }): Promise<LockRow[]> {
  return sql.query<LockRow>(
    `with recursive wanted(resource) as (
         (select resource from lock where resource > $1 and ($2::text is null or resource = $2) order by resource limit 1)
       union all
         select (select l.resource from lock l where l.resource > w.resource and ($2::text is null or l.resource = $2) order by l.resource limit 1)
           from wanted w where w.resource is not null
       ), page as (select resource from wanted where resource is not null limit $3)
     select p.resource, f.job_id, j.kind, j.principal ->> 'id' as principal, f.asked_at, j.started_at as held_since,
         (select count(*) - 1 from lock l where l.resource = p.resource) as waiting
       from page p
       cross join lateral (select l.job_id, l.asked_at from lock l where l.resource = p.resource order by l.seq limit 1) f
       join job j on j.job_id = f.job_id
       order by p.resource`,
    [filter.after, filter.resource ?? null, filter.limit],
  );
}

/** The first jobs behind the one that comes first on each of some resources, in their order. */
export async function listWaiters(sql: Sql, resources: readonly string[], most: number): Promise<Map<string, WaiterRow[]>> {
  const rows = await sql.query<WaiterRow>(
    `select r.resource, l.job_id, j.kind, j.principal ->> 'id' as principal, l.asked_at
       from unnest($1::text[]) r(resource)
       cross join lateral (select * from lock l where l.resource = r.resource order by l.seq offset 1 limit $2) l
       join job j on j.job_id = l.job_id
       order by l.resource, l.seq`,
    [resources, most],
  );
  return Map.groupBy(rows, (row) => row.resource);
}
