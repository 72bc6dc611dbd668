import type { provisionerV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { tenantCommand } from '../domain/command.js';
import { ownerOf, type Deps } from './deps.js';
import { commandOf, tenantOf } from './requests.js';

/** Stops new work for a tenant on a shard; answers the state reached, which may be draining still. */
export const drainTenant = ({ runner, directory, fleet }: Deps): Rpc<provisionerV1.DrainTenantRequest, provisionerV1.DrainTenantResponse> =>
  rpc('service.command', async (request, { signal }) => {
    const target = tenantOf(request.target, 'target');
    const command = tenantCommand('drain', target, commandOf(request.command));
    const state = await runner.run(command, async () => fleet.drain(await ownerOf(directory, target), target.tenantId, command), signal);
    return { state };
  });
