import type { provisionerV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { tenantCommand } from '../domain/command.js';
import { ownerOf, type Deps } from './deps.js';
import { commandOf, tenantOf } from './requests.js';

/** Lets a shard serve a tenant it has drained, sealed or imported. */
export const resumeTenant = ({
  runner,
  directory,
  fleet,
}: Deps): Rpc<provisionerV1.ResumeTenantRequest, provisionerV1.ResumeTenantResponse> =>
  rpc('service.command', async (request, { signal }) => {
    const target = tenantOf(request.target, 'target');
    const command = tenantCommand('resume', target, commandOf(request.command));
    const state = await runner.run(command, async () => fleet.resume(await ownerOf(directory, target), target.tenantId, command), signal);
    return { state };
  });
