import type { Sql, Transaction } from '@fairlead/postgres';
import type { Placement, RequestedPlacement } from '../domain/creation.js';

/** Where a tenant is served for one kind, and the revision that put it there. */
export interface AssignmentRow {
  readonly kind: string;
  readonly shardId: string;
  readonly revision: number;
}

/** A tenant with its assignments by kind. */
export interface TenantRow {
  readonly tenantId: string;
  readonly name: string;
  readonly requested: RequestedPlacement;
  readonly createdAt: Date;
  readonly assignments: readonly AssignmentRow[];
}

const columns = `t.tenant_id as "tenantId", t.name, t.requested, t.created_at as "createdAt",
  (select coalesce(json_agg(json_build_object('kind', a.kind, 'shardId', a.shard_id, 'revision', a.revision) order by a.kind), '[]')
   from assignment a where a.tenant_id = t.tenant_id) as assignments`;

/** One tenant, or undefined. */
export async function findTenant(sql: Sql, tenantId: string): Promise<TenantRow | undefined> {
  const [row] = await sql.query<TenantRow>(`select ${columns} from tenant t where t.tenant_id = $1`, [tenantId]);
  return row;
}

/** Tenants after an id in id order, `limit` at most; with a shard given, those on it alone, and of some tenants these alone. */
export async function listTenants(
  sql: Sql,
  page: { after: string; limit: number; shard: { kind: string; shardId: string } | undefined; only?: readonly string[] },
): Promise<TenantRow[]> {
  const { after, limit, shard, only } = page;
  if (only !== undefined)
    return sql.query<TenantRow>(
      `select ${columns} from tenant t where t.tenant_id > $1 and t.tenant_id = any($3)
         and ($4::text is null or exists (select 1 from assignment s where s.tenant_id = t.tenant_id and s.kind = $4 and s.shard_id = $5))
       order by t.tenant_id limit $2`,
      [after, limit, only, shard?.kind ?? null, shard?.shardId ?? null],
    );
  if (shard === undefined)
    return sql.query<TenantRow>(`select ${columns} from tenant t where t.tenant_id > $1 order by t.tenant_id limit $2`, [after, limit]);
  return sql.query<TenantRow>(
    `select ${columns} from (
       select s.tenant_id from assignment s where s.kind = $3 and s.shard_id = $4 and s.tenant_id > $1 order by s.tenant_id limit $2
     ) page join tenant t using (tenant_id) order by t.tenant_id`,
    [after, limit, shard.kind, shard.shardId],
  );
}

export interface NewTenant {
  readonly tenantId: string;
  readonly name: string;
  readonly requested: RequestedPlacement;
  readonly placement: Placement;
}

/** Writes a new tenant where it is placed, at a revision that becomes placement's own; answers when it was created. */
export async function insertTenant(tx: Transaction, tenant: NewTenant, revision: number): Promise<Date> {
  const [row] = await tx.query<{ createdAt: Date }>(
    `with bumped as (update meta set revision = $4),
     placed as (select key as kind, value as shard_id from jsonb_each_text($5::jsonb)),
     counted as (update shard s set tenants = s.tenants + 1 from placed p where s.kind = p.kind and s.shard_id = p.shard_id),
     assigned as (insert into assignment (tenant_id, kind, shard_id, revision) select $1, p.kind, p.shard_id, $4 from placed p)
     insert into tenant (tenant_id, name, requested, revision) values ($1, $2, $3, $4) returning created_at as "createdAt"`,
    [tenant.tenantId, tenant.name, JSON.stringify(tenant.requested), revision, JSON.stringify(tenant.placement)],
  );
  if (row === undefined) throw new Error('an insert answers its row');
  return row.createdAt;
}
