import { placementV1 } from '@fairlead/contracts';
import { pokeLog } from '@fairlead/event-log';
import { createIdempotency, type Idempotency } from '@fairlead/postgres';
import { defineRpcs } from '@fairlead/rpc';
import { openResources, startService, type ReadinessCheck, type RunningService } from '@fairlead/service-runtime';
import type { Logger } from '@fairlead/telemetry';
import type { Config } from './config.js';
import { createTenant } from './grpc/create-tenant.js';
import type { Deps } from './grpc/deps.js';
import { getPlacement } from './grpc/get-placement.js';
import { getShard } from './grpc/get-shard.js';
import { getTenant } from './grpc/get-tenant.js';
import { listShards } from './grpc/list-shards.js';
import { listTenants } from './grpc/list-tenants.js';
import { moveTenant } from './grpc/move-tenant.js';
import { putShard } from './grpc/put-shard.js';
import { migrations } from './store/migrations/index.js';
import { createEndpointPolicy } from './tenants/endpoint-policy.js';
import { startPublication, type Publication } from './tenants/publication.js';

export interface Overrides {
  logger?: Logger;
  /** How soon changes by other replicas, and losses in KV, are noticed. */
  publicationPollMs?: number;
}

/** Starts the placement service: tenants, shards and their placement, published to KV. */
export async function createService(config: Config, overrides: Overrides = {}): Promise<RunningService> {
  const endpoints = createEndpointPolicy({ allowedCidrs: config.FLEET_ALLOWED_CIDRS, allowedHosts: config.FLEET_ALLOWED_HOSTS });
  const resources = await openResources({ name: 'placement', config, migrations, logger: overrides.logger });
  const { database, messaging, logger, registry, tracing } = resources;
  const idempotency = createIdempotency({ database, logger });
  const publication = startPublication({
    database,
    messaging,
    logger,
    registry,
    tracing,
    pollMs: overrides.publicationPollMs,
    filesDir: config.PLACEMENT_FILES_DIR,
  });
  const publicationProblem = () => (messaging.connected() ? publication.problem() : 'NATS is away');
  const committed = (position: number) => {
    publication.changed();
    pokeLog(messaging, position);
  };
  return startService({
    resources,
    config,
    rpcs: [rpcsOf({ database, idempotency, endpoints, publicationProblem, committed })],
    checks: [publishes(publication)],
    onDrain: [idempotency.stop, () => publication.stop()],
  });
}

function rpcsOf(deps: Deps & { idempotency: Idempotency }) {
  return defineRpcs(placementV1.PlacementServiceService, {
    createTenant: createTenant(deps),
    listTenants: listTenants(deps),
    getTenant: getTenant(deps),
    putShard: putShard(deps),
    getShard: getShard(deps),
    listShards: listShards(deps),
    getPlacement: getPlacement(deps),
    moveTenant: moveTenant(deps),
  });
}

/** Without publication the service decides and records all the same: degraded, not out. */
function publishes(publication: Publication): ReadinessCheck {
  return {
    name: 'publication',
    required: false,
    check: () => Promise.resolve(publication.problem() === undefined ? undefined : 'placement is not published'),
  };
}
