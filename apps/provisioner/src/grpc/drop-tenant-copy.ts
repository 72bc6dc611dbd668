import type { provisionerV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { tenantCommand } from '../domain/command.js';
import { ownerOf, type Deps } from './deps.js';
import { commandOf, movedRevisionOf, tenantOf } from './requests.js';

/** Removes a copy of a tenant's state that does not serve; the shard says where the tenant lives from then on. */
export const dropTenantCopy = ({
  runner,
  directory,
  fleet,
}: Deps): Rpc<provisionerV1.DropTenantCopyRequest, provisionerV1.DropTenantCopyResponse> =>
  rpc('service.command', async (request, { signal }) => {
    const target = tenantOf(request.target, 'target');
    const movedRevision = movedRevisionOf(request.movedRevision);
    const command = tenantCommand('drop_copy', target, commandOf(request.command), { moved_revision: movedRevision });
    const drop = async () => fleet.drop(await ownerOf(directory, target), target.tenantId, command, movedRevision);
    return { state: await runner.run(command, drop, signal) };
  });
