import { FairleadError, type provisionerV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { ownerOf, type Deps } from './deps.js';
import { tenantOf } from './requests.js';

/** Asks a shard for a tenant's state; a tenant it does not know is absent. */
export const getTenantState = ({
  directory,
  fleet,
}: Omit<Deps, 'runner'>): Rpc<provisionerV1.GetTenantStateRequest, provisionerV1.GetTenantStateResponse> =>
  rpc('fleet.read', async (request) => {
    const target = tenantOf(request.target, 'target');
    const owner = await ownerOf(directory, target);
    try {
      return { state: await fleet.tenantState(owner, target.tenantId) };
    } catch (error) {
      if (!(error instanceof FairleadError && error.code === 'tenant_not_found')) throw error;
      return { state: { state: 'absent', inflight: 0, lag: 0, fence: 0, lastSeq: 0 } };
    }
  });
