import type { ServiceDefinition } from '@grpc/grpc-js';
import * as auditV1 from './generated/fairlead/audit/v1/audit.js';
import * as chainV1 from './generated/fairlead/audit/v1/chain.js';
import * as logV1 from './generated/fairlead/audit/v1/log.js';
import * as projectionsV1 from './generated/fairlead/audit/v1/projections.js';
import * as changesV1 from './generated/fairlead/changes/v1/changes.js';
import * as configV1 from './generated/fairlead/placement/v1/config.js';
import * as definitionV1 from './generated/fairlead/placement/v1/definition.js';
import * as fleetV1 from './generated/fairlead/fleet/v1/fleet.js';
import * as jobsV1 from './generated/fairlead/jobs/v1/jobs.js';
import * as placementV1 from './generated/fairlead/placement/v1/placement.js';
import * as provisionerV1 from './generated/fairlead/provisioner/v1/provisioner.js';
import { controlPlaneServices, type ControlPlaneService } from './permissions.js';

/**
 * Whom certificates speak for: the services, `edge`, the proxy that passes programs' calls on to the gateway, `fleet`, the managed
 * services, and `nats` and `postgres`, the servers of those.
 */
export const peers = [...controlPlaneServices, 'edge', 'fleet', 'nats', 'postgres'] as const;
export type Peer = (typeof peers)[number];

/** Who answers an RPC, and whose certificates it is answered to. */
export interface RpcAccess {
  readonly server: ControlPlaneService;
  readonly callers: readonly Peer[];
}

const gateway = ['api-gateway'] as const;
const orchestrator = ['job-orchestrator'] as const;
const gatewayAndOrchestrator = [...gateway, ...orchestrator] as const;

/** Every RPC, and which peers call it: who is not named here is refused, whatever token the call brings. A method that is left out does not compile. */
const services: readonly (readonly [string, RpcAccess])[] = [
  ...answered('audit', auditV1.AuditServiceService, {
    discardDeadLetter: gateway,
    getDeadLetter: gateway,
    listDeadLetters: gateway,
    listRecords: gateway,
    replayDeadLetter: gateway,
  }),
  ...answered('audit', chainV1.ChainServiceService, {
    exportChain: gateway,
    getChain: gateway,
    listSegments: gateway,
    sealTrail: gateway,
    verifyChain: gateway,
  }),
  ...answered('audit', logV1.LogServiceService, {
    getAggregate: gateway,
    getEvent: gateway,
    getStats: gateway,
    listAggregates: gateway,
    listEvents: gateway,
    listStuck: gateway,
    verifyRange: gateway,
  }),
  ...answered('audit', projectionsV1.ProjectionServiceService, {
    cancelRebuild: gateway,
    getProjection: gateway,
    listProjections: gateway,
    pauseProjection: gateway,
    rebuildProjection: gateway,
    resumeProjection: gateway,
    skipEvent: gateway,
  }),
  // Programs follow changes through the proxy before the gateways.
  ...answered('api-gateway', changesV1.ChangeStreamServiceService, { watch: ['edge'] }),
  ...answered('fleet-observer', fleetV1.FleetObserverServiceService, {
    checkShard: orchestrator,
    getAppliedPlacement: ['api-gateway', 'job-orchestrator'],
    getClusterHealth: gateway,
    getClusterStats: gateway,
    getEndpointHistory: gateway,
    getAppliedConfig: orchestrator,
    getSnapshot: gatewayAndOrchestrator,
    resolveRoutes: orchestrator,
  }),
  ...answered('job-orchestrator', jobsV1.JobOrchestratorServiceService, {
    approvePlan: gateway,
    cancelJob: gateway,
    changeSchedule: gateway,
    createPlan: gateway,
    createSchedule: gateway,
    getJob: gateway,
    getPlan: gateway,
    listJobs: gateway,
    listLocks: gateway,
    listReplicas: gateway,
    listSchedules: gateway,
    pauseJob: gateway,
    retryJob: gateway,
    signalJob: gateway,
    startJob: gateway,
    unpauseJob: gateway,
  }),
  ...answered('placement', placementV1.PlacementServiceService, {
    createTenant: gateway,
    explainPlacement: gateway,
    getPlacement: ['api-gateway', 'fleet-observer'],
    setShardState: orchestrator,
    getShard: ['job-orchestrator', 'provisioner'],
    getTenant: ['api-gateway', 'job-orchestrator'],
    getTenantBalance: gateway,
    listShards: gatewayAndOrchestrator,
    listTenants: gatewayAndOrchestrator,
    moveTenant: orchestrator,
    planRebalance: gatewayAndOrchestrator,
    putShard: gateway,
    putTenantBalance: gateway,
    whatIfShardDies: gateway,
  }),
  ...answered('placement', configV1.ConfigServiceService, {
    diffConfig: gateway,
    getConfig: ['api-gateway', 'job-orchestrator'],
    getConfigRevision: ['api-gateway', 'job-orchestrator'],
    listConfig: gateway,
    listConfigHistory: gateway,
    planConfig: orchestrator,
    prepareConfig: gateway,
    promoteConfig: orchestrator,
    revertConfig: orchestrator,
    stageConfig: orchestrator,
    validateConfig: gateway,
  }),
  ...answered('placement', definitionV1.DefinitionServiceService, {
    diffDefinition: gateway,
    getDefinition: gateway,
    getDefinitionContent: gateway,
    listActivations: gateway,
    listDefinitionVersions: gateway,
    listDefinitions: gateway,
    putDefinition: gateway,
    restoreDefinition: gateway,
    retireDefinition: gateway,
    validateDefinition: gateway,
  }),
  ...answered('provisioner', provisionerV1.ProvisionerServiceService, {
    drainTenant: orchestrator,
    dropTenantCopy: orchestrator,
    getTenantState: orchestrator,
    handOverTenant: orchestrator,
    reloadShard: orchestrator,
    resumeTenant: orchestrator,
  }),
];

/** The table by a method's path, such as `/fairlead.jobs.v1.JobOrchestratorService/StartJob`. What is not in it is called by nobody. */
export const rpcAccess: ReadonlyMap<string, RpcAccess> = new Map(services);

function answered<Definition extends ServiceDefinition>(
  server: ControlPlaneService,
  definition: Definition,
  callers: Readonly<Record<keyof Definition, readonly Peer[]>>,
): [string, RpcAccess][] {
  return Object.entries(definition).map(([name, method]) => [method.path, { server, callers: callers[name as keyof Definition] }]);
}
