import { FairleadError, type provisionerV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { tenantCommand, type ServiceCommand, type TenantOnShard } from '../domain/command.js';
import { ownerOf, type Deps } from './deps.js';
import { commandOf, targetShardOf, tenantOf } from './requests.js';

/** Seals a drained tenant's state at its origin and copies it to the target, where it does not serve yet. */
export const handOverTenant = (deps: Deps): Rpc<provisionerV1.HandOverTenantRequest, provisionerV1.HandOverTenantResponse> =>
  rpc('service.command', async (request, { signal }) => {
    const from = tenantOf(request.from, 'from');
    const toShardId = targetShardOf(request.toShardId, from);
    const command = tenantCommand('hand_over', from, commandOf(request.command), { to_shard_id: toShardId });
    return deps.runner.run(command, () => handOver(deps, command, from, toShardId, signal), signal);
  });

/** Export can be repeated while the origin is sealed, import until the target serves: so can both together. */
async function handOver({ directory, fleet }: Deps, command: ServiceCommand, from: TenantOnShard, toShardId: string, signal: AbortSignal) {
  const { tenantId, kind } = from;
  const [origin, target] = await Promise.all([ownerOf(directory, from), ownerOf(directory, { kind, shardId: toShardId })]);
  const stamp = (action: string) => ({ idempotencyKey: `${command.idempotencyKey}:${action}`, fence: command.fence });
  const exported = await fleet.export(origin, tenantId, stamp('export'));
  // A caller that gave up meanwhile may be undoing: a copy that comes late would outlive that.
  if (signal.aborted) throw new FairleadError('deadline_exceeded', 'the caller gave up before the copy was sent');
  await fleet.import(target, tenantId, stamp('import'), exported);
  const { data, sha256, lastSeq, entries } = exported;
  return { bytes: Buffer.byteLength(data), sha256, lastSeq, ...(entries === undefined ? {} : { entries }) };
}
