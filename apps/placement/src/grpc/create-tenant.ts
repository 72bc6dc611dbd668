import { z } from 'zod';
import type { placementV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { registerTenant } from '../tenants/create-tenant.js';
import type { Deps } from './deps.js';
import { nameInput, parseInput, placedKindInput } from './input.js';
import { tenantMessage } from './messages.js';

const input = z.object({
  tenantId: nameInput,
  name: z.string().trim().min(1, 'a name is expected').max(200, 'at most 200 characters'),
  placement: z.partialRecord(placedKindInput, nameInput),
});

/** Registers a tenant; each kind that the request leaves out is placed where there is most room. */
export const createTenant = ({ database, committed }: Deps): Rpc<placementV1.CreateTenantRequest, placementV1.CreateTenantResponse> =>
  rpc('tenant.write', async (request) => {
    const { tenantId, name, placement } = parseInput(input, request);
    const { tenant, position, created } = await registerTenant(database, { tenantId, name, requested: placement });
    if (created) committed(position);
    return { tenant: tenantMessage(tenant), position };
  });
