import { z } from 'zod';
import type { placementV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { putTenantBalance as writeBalance } from '../tenants/put-tenant-balance.js';
import type { Deps } from './deps.js';
import { nameInput, parseInput, placedKindInput, revisionInput } from './input.js';
import { tenantBalanceMessage } from './messages.js';

const input = z.object({
  tenantId: nameInput,
  expectedRevision: revisionInput,
  balance: z.object({
    load: z.number().min(0, 'not negative').max(1e12, 'at most 1e12'),
    pinned: z.array(placedKindInput),
    antiAffinity: nameInput.or(z.literal('')),
  }),
});

/** Says what balancing heeds of a tenant; see tenants/put-tenant-balance.ts for what refuses it. */
export const putTenantBalance = ({
  database,
  committed,
}: Pick<Deps, 'database' | 'committed'>): Rpc<placementV1.PutTenantBalanceRequest, placementV1.PutTenantBalanceResponse> =>
  rpc('placement.write', async (request) => {
    const { tenantId, expectedRevision, balance } = parseInput(input, request);
    const wanted = { ...balance, antiAffinity: balance.antiAffinity === '' ? null : balance.antiAffinity };
    const outcome = await writeBalance(database, tenantId, wanted, expectedRevision);
    if (outcome.changed) committed(outcome.position);
    return { balance: tenantBalanceMessage(outcome.balance), position: outcome.position, changed: outcome.changed };
  });
