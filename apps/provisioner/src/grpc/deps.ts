import type { CommandRunner } from '../commands/runner.js';
import type { TenantOnShard } from '../domain/command.js';
import type { Endpoint, ShardDirectory } from '../fleet/directory.js';
import type { FleetClient } from '../fleet/fleet-client.js';

/** What the RPCs work with. */
export interface Deps {
  readonly runner: CommandRunner;
  readonly directory: ShardDirectory;
  readonly fleet: FleetClient;
}

/** The endpoint that owns a tenant's state on a shard: its first one, in this version of the fleet contract. */
export async function ownerOf(directory: ShardDirectory, { kind, shardId }: Omit<TenantOnShard, 'tenantId'>): Promise<Endpoint> {
  const [owner] = await directory.endpointsOf(kind, shardId);
  return owner;
}
