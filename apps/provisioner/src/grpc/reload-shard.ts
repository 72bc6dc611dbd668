import { FairleadError, type provisionerV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { shardCommand, type ServiceCommand } from '../domain/command.js';
import type { Deps } from './deps.js';
import { commandOf, shardOf } from './requests.js';

const maxEndpoints = 256;

/** Makes every endpoint of a shard read its configuration again; one that does not fails the command, and a repeat asks all again. */
export const reloadShard = (deps: Deps): Rpc<provisionerV1.ReloadShardRequest, provisionerV1.ReloadShardResponse> =>
  rpc('service.command', async (request, { signal }) => {
    const command = shardCommand('reload', shardOf(request), commandOf(request.command));
    return { endpoints: await deps.runner.run(command, () => reload(deps, command, request), signal) };
  });

async function reload({ directory, fleet }: Deps, command: ServiceCommand, { kind, shardId }: { kind: string; shardId: string }) {
  const endpoints = await directory.endpointsOf(kind, shardId);
  if (endpoints.length > maxEndpoints)
    throw new FairleadError('too_large', `${kind} shard ${shardId} has more than ${maxEndpoints} endpoints`);
  // All are asked, whatever one of them answers.
  const answers = await Promise.allSettled(
    endpoints.map(async (endpoint) => ({ endpointId: endpoint.endpointId, appliedRevision: await fleet.reload(endpoint, command) })),
  );
  return answers.map((answer) => {
    if (answer.status === 'rejected') throw answer.reason as FairleadError;
    return answer.value;
  });
}
