import { configV1, definitionV1, placementV1 } from '@fairlead/contracts';
import { pokeLog } from '@fairlead/event-log';
import { createIdempotency, type Idempotency } from '@fairlead/postgres';
import { defineRpcs } from '@fairlead/rpc';
import { openResources, startService, type ReadinessCheck, type RunningService } from '@fairlead/service-runtime';
import type { Logger } from '@fairlead/telemetry';
import { followConfigFiles } from './config/files.js';
import { startConfigPublication, type ConfigPublication } from './config/publication.js';
import type { Config } from './config.js';
import type { ConfigChangeDeps, ConfigDeps } from './grpc/config/deps.js';
import { diffConfig } from './grpc/config/diff-config.js';
import { getConfigRevision } from './grpc/config/get-config-revision.js';
import { getConfig } from './grpc/config/get-config.js';
import { listConfigHistory } from './grpc/config/list-config-history.js';
import { listConfig } from './grpc/config/list-config.js';
import { ofStore } from './grpc/config/of-store.js';
import { planConfig } from './grpc/config/plan-config.js';
import { prepareConfig } from './grpc/config/prepare-config.js';
import { promoteConfig } from './grpc/config/promote-config.js';
import { revertConfig } from './grpc/config/revert-config.js';
import { stageConfig } from './grpc/config/stage-config.js';
import { validateConfig } from './grpc/config/validate-config.js';
import { createTenant } from './grpc/create-tenant.js';
import { diffDefinition } from './grpc/definitions/diff-definition.js';
import type { DefinitionChangeDeps } from './grpc/definitions/deps.js';
import { getDefinitionContent } from './grpc/definitions/get-definition-content.js';
import { getDefinition } from './grpc/definitions/get-definition.js';
import { listActivations } from './grpc/definitions/list-activations.js';
import { listDefinitionVersions } from './grpc/definitions/list-definition-versions.js';
import { listDefinitions } from './grpc/definitions/list-definitions.js';
import { putDefinition } from './grpc/definitions/put-definition.js';
import { restoreDefinition } from './grpc/definitions/restore-definition.js';
import { retireDefinition } from './grpc/definitions/retire-definition.js';
import { validateDefinition } from './grpc/definitions/validate-definition.js';
import type { Deps } from './grpc/deps.js';
import { explainPlacement } from './grpc/explain-placement.js';
import { getPlacement } from './grpc/get-placement.js';
import { getShard } from './grpc/get-shard.js';
import { getTenantBalance } from './grpc/get-tenant-balance.js';
import { getTenant } from './grpc/get-tenant.js';
import { listShards } from './grpc/list-shards.js';
import { listTenants } from './grpc/list-tenants.js';
import { moveTenant } from './grpc/move-tenant.js';
import { planRebalance } from './grpc/plan-rebalance.js';
import { putShard } from './grpc/put-shard.js';
import { putTenantBalance } from './grpc/put-tenant-balance.js';
import { setShardState } from './grpc/set-shard-state.js';
import { whatIfShardDies } from './grpc/what-if-shard-dies.js';
import { migrations } from './store/migrations/index.js';
import { createEndpointPolicy } from './tenants/endpoint-policy.js';
import { createPlanTurns } from './tenants/plan-turns.js';
import { startPublication, type Publication } from './tenants/publication.js';
import { agreeOnEpoch } from './tenants/raise-epoch.js';
import { readOwnState } from './tenants/store/meta.js';

export interface Overrides {
  logger?: Logger;
  /** How soon changes by other replicas, and losses in KV, are noticed. */
  publicationPollMs?: number;
  /** How often KV is compared with the database, instead of by the setting. */
  sweepMs?: number;
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
    sweepMs: overrides.sweepMs ?? config.PLACEMENT_SWEEP_SECONDS * 1_000,
    filesDir: config.PLACEMENT_FILES_DIR,
  });
  const publicationProblem = () => (messaging.connected() ? publication.problem() : 'NATS is away');
  const committed = (position: number) => {
    publication.changed();
    pokeLog(messaging, position);
  };
  const configPublication = startConfigPublication({
    ...{ database, messaging, logger },
    pollMs: overrides.publicationPollMs,
    sweepMs: overrides.sweepMs ?? config.PLACEMENT_SWEEP_SECONDS * 1_000,
    raiseEpoch: async () => {
      const raised = await agreeOnEpoch(database, { expectedBucket: null, known: undefined }, await readOwnState(database));
      if (raised !== undefined) committed(raised.position);
    },
  });
  const configCommitted = (position: number) => {
    configPublication.changed();
    pokeLog(messaging, position);
  };
  const configProblem = () => (messaging.connected() ? configPublication.problem() : 'NATS is away');
  const dir = config.CONFIG_FILES_DIR;
  const configFiles = dir === undefined ? undefined : followConfigFiles({ database, endpoints, logger, dir, committed: configCommitted });
  return startService({
    resources,
    config,
    rpcs: [
      rpcsOf({ database, idempotency, endpoints, planTurns: createPlanTurns(), publicationProblem, committed }),
      configRpcsOf({ database, endpoints, committed: configCommitted, publicationProblem: configProblem }),
      definitionRpcsOf({
        database,
        idempotency,
        committed: (position) => {
          pokeLog(messaging, position);
        },
      }),
    ],
    checks: [publishes(publication), agrees(publication), publishesConfig(configPublication)],
    onDrain: [idempotency.stop, () => publication.stop(), () => configPublication.stop(), () => configFiles?.stop()],
  });
}

function rpcsOf(deps: Deps & { idempotency: Idempotency }) {
  return defineRpcs(placementV1.PlacementServiceService, {
    createTenant: createTenant(deps),
    listTenants: listTenants(deps),
    getTenant: getTenant(deps),
    putShard: putShard(deps),
    setShardState: setShardState(deps),
    getShard: getShard(deps),
    listShards: listShards(deps),
    getPlacement: getPlacement(deps),
    moveTenant: moveTenant(deps),
    planRebalance: planRebalance(deps),
    whatIfShardDies: whatIfShardDies(deps),
    explainPlacement: explainPlacement(deps),
    getTenantBalance: getTenantBalance(deps),
    putTenantBalance: putTenantBalance(deps),
  });
}

function configRpcsOf(deps: ConfigDeps & ConfigChangeDeps & { publicationProblem: () => string | undefined }) {
  return defineRpcs(configV1.ConfigServiceService, {
    listConfig: ofStore(listConfig(deps)),
    getConfig: ofStore(getConfig(deps)),
    listConfigHistory: ofStore(listConfigHistory(deps)),
    getConfigRevision: ofStore(getConfigRevision(deps)),
    diffConfig: ofStore(diffConfig(deps)),
    validateConfig: ofStore(validateConfig(deps)),
    prepareConfig: ofStore(prepareConfig(deps)),
    planConfig: ofStore(planConfig(deps)),
    stageConfig: stageConfig(deps),
    promoteConfig: promoteConfig(deps),
    revertConfig: revertConfig(deps),
  });
}

function definitionRpcsOf(deps: DefinitionChangeDeps) {
  return defineRpcs(definitionV1.DefinitionServiceService, {
    listDefinitions: listDefinitions(deps),
    getDefinition: getDefinition(deps),
    getDefinitionContent: getDefinitionContent(deps),
    listDefinitionVersions: listDefinitionVersions(deps),
    diffDefinition: diffDefinition(deps),
    validateDefinition: validateDefinition(deps),
    putDefinition: putDefinition(deps),
    retireDefinition: retireDefinition(deps),
    restoreDefinition: restoreDefinition(deps),
    listActivations: listActivations(deps),
  });
}

/** Until a sweep finds KV as it should be. */
function agrees(publication: Publication): ReadinessCheck {
  return { name: 'kv', required: false, check: () => Promise.resolve(publication.difference()) };
}

/** Without publication the service decides and records all the same: degraded, not out. */
function publishes(publication: Publication): ReadinessCheck {
  return {
    name: 'publication',
    required: false,
    check: () => Promise.resolve(publication.problem() === undefined ? undefined : 'placement is not published'),
  };
}

function publishesConfig(publication: ConfigPublication): ReadinessCheck {
  return {
    name: 'config_publication',
    required: false,
    check: () => Promise.resolve(publication.problem() === undefined ? undefined : 'configuration is not published'),
  };
}
