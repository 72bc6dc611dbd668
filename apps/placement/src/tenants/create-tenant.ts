import { FairleadError, placedKinds } from '@fairlead/contracts';
import { appendInTransaction, readLog } from '@fairlead/event-log';
import type { Answering, Transaction } from '@fairlead/postgres';
import { placeTenant, sameRegistration, type RequestedPlacement } from './domain/creation.js';
import { lockMeta } from './store/meta.js';
import { candidateShards } from './store/shards.js';
import { findTenant, insertTenant, type TenantRow } from './store/tenants.js';

export interface TenantRegistration {
  readonly tenantId: string;
  readonly name: string;
  readonly requested: RequestedPlacement;
}

export interface RegisteredTenant {
  readonly tenant: TenantRow;
  /** Log position of the registration's event. */
  readonly position: number;
  /** False when the same registration had been made before. */
  readonly created: boolean;
}

/**
 * Registers a tenant and places it. A repeat with the same name and the same requested placement answers the
 * tenant as it stands now, wherever it has moved since. Throws already_exists for another registration of the id,
 * shard_not_found, invalid_argument for a shard that is cordoned or has no endpoint.
 */
export async function registerTenant<Answer>(
  registration: TenantRegistration,
  answering: Answering<RegisteredTenant, Answer>,
): Promise<Answer> {
  return answering(async (tx) => {
    const meta = await lockMeta(tx);
    const existing = await findTenant(tx, registration.tenantId);
    if (existing !== undefined) return repeated(tx, existing, registration);
    const { tenantId, name, requested } = registration;
    const placement = placeTenant(requested, await candidateShards(tx, placedKinds, Object.values(requested)));
    const revision = meta.revision + 1;
    const createdAt = await insertTenant(tx, { tenantId, name, requested, placement }, revision);
    const { lastPosition } = await appendInTransaction(tx, {
      events: [
        {
          aggregateType: 'tenant',
          aggregateId: tenantId,
          expectedVersion: 0,
          type: 'tenant_created',
          payload: { tenant_id: tenantId, name, requested, placement, revision, epoch: meta.epoch },
          meta: { tenant_id: tenantId },
        },
      ],
    });
    const assignments = placedKinds.map((kind) => ({ kind, shardId: placement[kind], revision }));
    return { tenant: { tenantId, name, requested, createdAt, assignments }, position: lastPosition, created: true };
  });
}

async function repeated(tx: Transaction, tenant: TenantRow, registration: TenantRegistration): Promise<RegisteredTenant> {
  const { tenantId } = tenant;
  if (!sameRegistration(tenant, registration)) {
    throw new FairleadError('already_exists', `Tenant ${tenantId} is registered with another name or placement`, {
      details: { tenant_id: tenantId },
    });
  }
  const [event] = await readLog(tx, { after: 0, limit: 1, aggregateType: 'tenant', aggregateId: tenantId });
  return { tenant, position: event?.position ?? 0, created: false };
}
