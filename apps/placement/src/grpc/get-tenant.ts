import { z } from 'zod';
import { requirePermission, requireTenant } from '@fairlead/auth';
import { FairleadError, type placementV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { findTenant } from '../tenants/store/tenants.js';
import type { Deps } from './deps.js';
import { nameInput, parseInput } from './input.js';
import { tenantMessage } from './messages.js';

const input = z.object({ tenantId: nameInput });

/** Answers one tenant with its assignments, or tenant_not_found; to those who are kept to it, or may read it alone, too. */
export const getTenant = ({ database, publicationProblem }: Deps): Rpc<placementV1.GetTenantRequest, placementV1.GetTenantResponse> =>
  rpc(
    'tenant.read',
    async (request, { principal }) => {
      const { tenantId } = parseInput(input, request);
      requirePermission(principal, 'tenant.read', { tenant: tenantId, scoped: true });
      requireTenant(principal, tenantId);
      const tenant = await findTenant(database, tenantId);
      if (tenant === undefined)
        throw new FairleadError('tenant_not_found', `There is no tenant ${tenantId}`, { details: { tenant_id: tenantId } });
      return { tenant: tenantMessage(tenant), publicationProblem: publicationProblem() ?? '' };
    },
    { scoped: true, anywhere: true },
  );
