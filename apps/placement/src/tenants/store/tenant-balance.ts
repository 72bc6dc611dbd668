import type { Sql, Transaction } from '@fairlead/postgres';
import { plainBalance, type TenantBalance } from '../domain/tenant-balance.js';

/** What is said of a tenant, and the placement revision that said it; 0 when nobody has. */
export interface TenantBalanceRow extends TenantBalance {
  readonly revision: number;
}

/** What is said of a tenant; undefined when there is no such tenant. */
export async function findTenantBalance(sql: Sql, tenantId: string): Promise<TenantBalanceRow | undefined> {
  const [row] = await sql.query<TenantBalanceRow | { revision: null }>(
    `select b.load, b.pinned, b.anti_affinity as "antiAffinity", b.revision
     from tenant t left join tenant_balance b using (tenant_id) where t.tenant_id = $1`,
    [tenantId],
  );
  return row === undefined ? undefined : row.revision === null ? { ...plainBalance, revision: 0 } : row;
}

/** Writes what is said of a tenant from a revision on, and that revision as placement's own. */
export async function writeTenantBalance(tx: Transaction, tenantId: string, balance: TenantBalance, revision: number): Promise<void> {
  await tx.query(
    `with bumped as (update meta set revision = $5)
     insert into tenant_balance (tenant_id, load, pinned, anti_affinity, revision) values ($1, $2, $3, $4, $5)
     on conflict (tenant_id) do update set load = excluded.load, pinned = excluded.pinned, anti_affinity = excluded.anti_affinity,
       revision = excluded.revision`,
    [tenantId, balance.load, balance.pinned, balance.antiAffinity, revision],
  );
}
