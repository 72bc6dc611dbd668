import { z } from 'zod';
import { FairleadError, type placementV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { findTenantBalance } from '../tenants/store/tenant-balance.js';
import type { Deps } from './deps.js';
import { nameInput, parseInput } from './input.js';
import { tenantBalanceMessage } from './messages.js';

const input = z.object({ tenantId: nameInput });

/** Answers what balancing heeds of a tenant, or tenant_not_found. */
export const getTenantBalance = ({
  database,
}: Pick<Deps, 'database'>): Rpc<placementV1.GetTenantBalanceRequest, placementV1.GetTenantBalanceResponse> =>
  rpc('placement.read', async (request) => {
    const { tenantId } = parseInput(input, request);
    const balance = await findTenantBalance(database, tenantId);
    if (balance === undefined)
      throw new FairleadError('tenant_not_found', `There is no tenant ${tenantId}`, { details: { tenant_id: tenantId } });
    return { balance: tenantBalanceMessage(balance) };
  });
