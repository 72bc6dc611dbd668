import { z } from 'zod';
import type { placementV1 } from '@fairlead/contracts';
import { answeringOnce, keyedCall, type Idempotency } from '@fairlead/postgres';
import { rpc, type Rpc } from '@fairlead/rpc';
import { registerTenant, type RegisteredTenant } from '../tenants/create-tenant.js';
import type { Deps } from './deps.js';
import { nameInput, parseInput, placedKindInput } from './input.js';
import { tenantMessage } from './messages.js';

const input = z.object({
  tenantId: nameInput,
  name: z.string().trim().min(1, 'a name is expected').max(200, 'at most 200 characters'),
  placement: z.partialRecord(placedKindInput, nameInput),
});

/** Registers a tenant; each kind that the request leaves out is placed where there is most room. */
export const createTenant = ({
  idempotency,
  committed,
}: Pick<Deps, 'committed'> & { idempotency: Idempotency }): Rpc<placementV1.CreateTenantRequest, placementV1.CreateTenantResponse> =>
  rpc('tenant.write', async (request, { principal }) => {
    const { tenantId, name, placement } = parseInput(input, request);
    const keyed = keyedCall('createTenant', request, principal.id);
    const answering = answeringOnce({ idempotency }, keyed, ({ tenant, ...rest }: RegisteredTenant) => ({
      ...{ tenant: tenantMessage(tenant), ...rest },
    }));
    const { tenant, position, created } = await registerTenant({ tenantId, name, requested: placement }, answering);
    if (created) committed(position);
    return { tenant, position };
  });
