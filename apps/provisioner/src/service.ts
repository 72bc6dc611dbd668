import { placementV1, provisionerV1 } from '@fairlead/contracts';
import { pokeLog } from '@fairlead/event-log';
import { createOutbound } from '@fairlead/outbound';
import { defineRpcs } from '@fairlead/rpc';
import { openResources, startService, type RunningService } from '@fairlead/service-runtime';
import type { Logger } from '@fairlead/telemetry';
import { createCommandRunner, type CommandRunnerOptions } from './commands/runner.js';
import type { ProvisionerConfig } from './config.js';
import { createShardDirectory } from './fleet/directory.js';
import { createFleetClient } from './fleet/fleet-client.js';
import { drainTenant } from './grpc/drain-tenant.js';
import { dropTenantCopy } from './grpc/drop-tenant-copy.js';
import { getTenantState } from './grpc/get-tenant-state.js';
import { handOverTenant } from './grpc/hand-over-tenant.js';
import { reloadShard } from './grpc/reload-shard.js';
import { resumeTenant } from './grpc/resume-tenant.js';
import { migrations } from './store/migrations.js';

/** What a test or a composed process may put in place of the service's own. */
export interface ProvisionerOverrides {
  logger?: Logger;
  afterEffect?: CommandRunnerOptions['afterEffect'];
}

/** Starts the provisioner: it alone commands managed services. */
export async function createService(config: ProvisionerConfig, overrides: ProvisionerOverrides = {}): Promise<RunningService> {
  const outbound = createOutbound({ allowedCidrs: config.FLEET_ALLOWED_CIDRS, connectionsPerOrigin: 32 });
  const resources = await openResources({ name: 'provisioner', config, migrations, logger: overrides.logger });
  const { database, messaging, logger, registry, tracing } = resources;
  const onAppended = (position: number) => {
    pokeLog(messaging, position);
  };
  const deps = {
    runner: createCommandRunner({ database, logger, registry, onAppended, afterEffect: overrides.afterEffect }),
    directory: createShardDirectory(resources.client(placementV1.PlacementServiceService, config.PLACEMENT_GRPC)),
    fleet: createFleetClient({
      outbound,
      registry,
      tracing,
      token: config.FLEET_TOKEN,
      callTimeoutMs: config.FLEET_CALL_TIMEOUT_MS,
      transferTimeoutMs: config.FLEET_TRANSFER_TIMEOUT_MS,
      maxTenantBytes: config.FLEET_MAX_TENANT_BYTES,
    }),
  };
  const service = await startService({
    resources,
    config,
    rpcs: [
      defineRpcs(provisionerV1.ProvisionerServiceService, {
        drainTenant: drainTenant(deps),
        getTenantState: getTenantState(deps),
        handOverTenant: handOverTenant(deps),
        resumeTenant: resumeTenant(deps),
        dropTenantCopy: dropTenantCopy(deps),
        reloadShard: reloadShard(deps),
      }),
    ],
  });
  return {
    ...service,
    stop: async () => {
      await service.stop();
      // Last: calls in flight were let finish above.
      await outbound.close();
    },
  };
}
