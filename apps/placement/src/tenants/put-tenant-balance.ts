import { FairleadError } from '@fairlead/contracts';
import { appendInTransaction } from '@fairlead/event-log';
import type { Database } from '@fairlead/postgres';
import { canonicalBalance, sameBalance, type TenantBalance } from './domain/tenant-balance.js';
import { lockMeta } from './store/meta.js';
import { findTenantBalance, writeTenantBalance, type TenantBalanceRow } from './store/tenant-balance.js';

export interface PutTenantBalance {
  readonly balance: TenantBalanceRow;
  /** Log position of the change's event, 0 when nothing changed. */
  readonly position: number;
  readonly changed: boolean;
}

/**
 * Says what balancing heeds of a tenant. It moves nobody. With an expected revision above 0 it throws revision_mismatch unless what is
 * said stands at that revision. Throws tenant_not_found.
 */
export async function putTenantBalance(
  database: Database,
  tenantId: string,
  wanted: TenantBalance,
  expectedRevision: number,
): Promise<PutTenantBalance> {
  return database.transaction(async (tx) => {
    const meta = await lockMeta(tx);
    const current = await findTenantBalance(tx, tenantId);
    if (current === undefined)
      throw new FairleadError('tenant_not_found', `There is no tenant ${tenantId}`, { details: { tenant_id: tenantId } });
    if (expectedRevision !== 0 && current.revision !== expectedRevision)
      throw new FairleadError(
        'revision_mismatch',
        `What is said of tenant ${tenantId} has changed: it is at revision ${String(current.revision)}`,
        { details: { expected: expectedRevision, actual: current.revision } },
      );
    const balance = canonicalBalance(wanted);
    if (sameBalance(current, balance)) return { balance: current, position: 0, changed: false };
    const revision = meta.revision + 1;
    await writeTenantBalance(tx, tenantId, balance, revision);
    const { load, pinned, antiAffinity } = balance;
    const { lastPosition } = await appendInTransaction(tx, {
      events: [
        {
          aggregateType: 'placement_map',
          aggregateId: tenantId,
          type: 'tenant_balance_changed',
          payload: { tenant_id: tenantId, load, pinned: [...pinned], anti_affinity: antiAffinity, revision, epoch: meta.epoch },
          meta: { tenant_id: tenantId },
        },
      ],
    });
    return { balance: { ...balance, revision }, position: lastPosition, changed: true };
  });
}
