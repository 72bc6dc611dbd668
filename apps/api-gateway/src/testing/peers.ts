import {
  auditV1,
  chainV1,
  configV1,
  definitionV1,
  fleetV1,
  jobsV1,
  logV1,
  placementV1,
  projectionsV1,
  type Permission,
} from '@fairlead/contracts';
import type { Principal, TokenVerifier } from '@fairlead/auth';
import { defineRpcs, GrpcTransport, rpc, streamRpc, type Rpc, type StreamRpc } from '@fairlead/rpc';
import type { Logger, RequestContext } from '@fairlead/telemetry';

/** What a peer was asked, by whom. */
export interface PeerCall {
  readonly method: string;
  readonly request: unknown;
  readonly principal: Principal;
  readonly context: RequestContext;
}

/**
 * For specs: real gRPC servers of the services behind the gateway, with our transport, tokens and permissions.
 * What they answer is scripted: `answers[method]`, else an empty message.
 */
export interface Peers {
  readonly address: string;
  readonly calls: PeerCall[];
  answers: Record<string, (request: never) => unknown>;
  close(): Promise<void>;
}

/** Starts all on one port. */
export async function startPeers(verifier: TokenVerifier, logger: Logger): Promise<Peers> {
  const calls: PeerCall[] = [];
  const peers = { answers: {} as Peers['answers'] };
  const answer = <Request, Response>(
    method: string,
    permission: Permission,
    empty: { fromPartial(partial: object): Response },
    guard: { scoped?: boolean; anywhere?: boolean } = {},
  ): Rpc<Request, Response> =>
    rpc<Request, Response>(
      permission,
      (request, { principal, context }) => {
        calls.push({ method, request, principal, context });
        const scripted = peers.answers[method] as ((request: Request) => Response) | undefined;
        return Promise.resolve().then(() => scripted?.(request) ?? empty.fromPartial({}));
      },
      guard,
    );
  const stream = <Request, Response>(method: string, permission: Permission): StreamRpc<Request, Response> =>
    streamRpc<Request, Response>({ permission }, async function* (request, { principal, context }) {
      calls.push({ method, request, principal, context });
      const scripted = peers.answers[method] as ((request: Request) => AsyncIterable<Response>) | undefined;
      if (scripted !== undefined) yield* scripted(request);
    });
  const services = [
    defineRpcs(jobsV1.JobOrchestratorServiceService, {
      createPlan: answer('createPlan', 'plan.create', jobsV1.CreatePlanResponse, { anywhere: true }),
      getPlan: answer('getPlan', 'job.read', jobsV1.GetPlanResponse, { anywhere: true }),
      startJob: answer('startJob', 'plan.create', jobsV1.StartJobResponse, { anywhere: true }),
      getJob: answer('getJob', 'job.read', jobsV1.GetJobResponse, { anywhere: true }),
      listJobs: answer('listJobs', 'job.read', jobsV1.ListJobsResponse, { anywhere: true }),
      cancelJob: answer('cancelJob', 'job.cancel', jobsV1.CancelJobResponse),
      retryJob: answer('retryJob', 'job.retry', jobsV1.RetryJobResponse, { anywhere: true }),
      pauseJob: answer('pauseJob', 'job.pause', jobsV1.PauseJobResponse),
      unpauseJob: answer('unpauseJob', 'job.pause', jobsV1.UnpauseJobResponse),
      signalJob: answer('signalJob', 'job.signal', jobsV1.SignalJobResponse),
      approvePlan: answer('approvePlan', 'plan.approve', jobsV1.ApprovePlanResponse),
      listLocks: answer('listLocks', 'job.read', jobsV1.ListLocksResponse),
      listReplicas: answer('listReplicas', 'job.read', jobsV1.ListReplicasResponse),
      createSchedule: answer('createSchedule', 'schedule.manage', jobsV1.CreateScheduleResponse),
      listSchedules: answer('listSchedules', 'schedule.read', jobsV1.ListSchedulesResponse),
      changeSchedule: answer('changeSchedule', 'schedule.manage', jobsV1.ChangeScheduleResponse),
    }),
    defineRpcs(placementV1.PlacementServiceService, {
      createTenant: answer('createTenant', 'tenant.write', placementV1.CreateTenantResponse),
      listTenants: answer('listTenants', 'tenant.read', placementV1.ListTenantsResponse, { anywhere: true }),
      getTenant: answer('getTenant', 'tenant.read', placementV1.GetTenantResponse, { scoped: true, anywhere: true }),
      putShard: answer('putShard', 'placement.write', placementV1.PutShardResponse),
      getShard: answer('getShard', 'placement.read', placementV1.GetShardResponse),
      listShards: answer('listShards', 'placement.read', placementV1.ListShardsResponse),
      getPlacement: answer('getPlacement', 'placement.read', placementV1.GetPlacementResponse),
      moveTenant: answer('moveTenant', 'placement.move', placementV1.MoveTenantResponse),
      planRebalance: answer('planRebalance', 'placement.read', placementV1.PlanRebalanceResponse),
      whatIfShardDies: answer('whatIfShardDies', 'placement.read', placementV1.WhatIfShardDiesResponse),
      explainPlacement: answer('explainPlacement', 'placement.read', placementV1.ExplainPlacementResponse),
      getTenantBalance: answer('getTenantBalance', 'placement.read', placementV1.GetTenantBalanceResponse),
      setShardState: answer('setShardState', 'placement.move', placementV1.SetShardStateResponse),
      putTenantBalance: answer('putTenantBalance', 'placement.write', placementV1.PutTenantBalanceResponse),
    }),
    defineRpcs(configV1.ConfigServiceService, {
      listConfig: answer('listConfig', 'config.read', configV1.ListConfigResponse),
      getConfig: answer('getConfig', 'config.read', configV1.GetConfigResponse),
      listConfigHistory: answer('listConfigHistory', 'config.read', configV1.ListConfigHistoryResponse),
      getConfigRevision: answer('getConfigRevision', 'config.read', configV1.GetConfigRevisionResponse),
      diffConfig: answer('diffConfig', 'config.read', configV1.DiffConfigResponse),
      prepareConfig: answer('prepareConfig', 'config.write', configV1.PrepareConfigResponse),
      planConfig: answer('planConfig', 'config.read', configV1.PlanConfigResponse),
      stageConfig: answer('stageConfig', 'config.change', configV1.StageConfigResponse),
      promoteConfig: answer('promoteConfig', 'config.change', configV1.PromoteConfigResponse),
      revertConfig: answer('revertConfig', 'config.change', configV1.RevertConfigResponse),
      validateConfig: answer('validateConfig', 'config.read', configV1.ValidateConfigResponse),
    }),
    defineRpcs(definitionV1.DefinitionServiceService, {
      listDefinitions: answer('listDefinitions', 'definition.read', definitionV1.ListDefinitionsResponse),
      getDefinition: answer('getDefinition', 'definition.read', definitionV1.GetDefinitionResponse),
      getDefinitionContent: answer('getDefinitionContent', 'definition.read', definitionV1.GetDefinitionContentResponse),
      listDefinitionVersions: answer('listDefinitionVersions', 'definition.read', definitionV1.ListDefinitionVersionsResponse),
      diffDefinition: answer('diffDefinition', 'definition.read', definitionV1.DiffDefinitionResponse),
      validateDefinition: answer('validateDefinition', 'definition.read', definitionV1.ValidateDefinitionResponse),
      listActivations: answer('listActivations', 'definition.read', definitionV1.ListActivationsResponse),
      putDefinition: answer('putDefinition', 'definition.write', definitionV1.PutDefinitionResponse),
      retireDefinition: answer('retireDefinition', 'definition.write', definitionV1.RetireDefinitionResponse),
      restoreDefinition: answer('restoreDefinition', 'definition.write', definitionV1.RestoreDefinitionResponse),
    }),
    defineRpcs(fleetV1.FleetObserverServiceService, {
      getSnapshot: answer('getSnapshot', 'fleet.read', fleetV1.GetSnapshotResponse),
      checkShard: answer('checkShard', 'fleet.read', fleetV1.CheckShardResponse),
      getClusterHealth: answer('getClusterHealth', 'fleet.read', fleetV1.GetClusterHealthResponse),
      getClusterStats: answer('getClusterStats', 'fleet.read', fleetV1.GetClusterStatsResponse),
      getEndpointHistory: answer('getEndpointHistory', 'fleet.read', fleetV1.GetEndpointHistoryResponse),
      getAppliedConfig: answer('getAppliedConfig', 'fleet.read', fleetV1.GetAppliedConfigResponse),
      resolveRoutes: answer('resolveRoutes', 'fleet.read', fleetV1.ResolveRoutesResponse),
      getAppliedPlacement: answer('getAppliedPlacement', 'fleet.read', fleetV1.GetAppliedPlacementResponse),
    }),
    defineRpcs(auditV1.AuditServiceService, {
      listRecords: answer('listRecords', 'audit.read', auditV1.ListRecordsResponse, { anywhere: true }),
      listDeadLetters: answer('listDeadLetters', 'deadletter.read', auditV1.ListDeadLettersResponse),
      getDeadLetter: answer('getDeadLetter', 'deadletter.read', auditV1.GetDeadLetterResponse),
      replayDeadLetter: answer('replayDeadLetter', 'deadletter.manage', auditV1.ReplayDeadLetterResponse),
      discardDeadLetter: answer('discardDeadLetter', 'deadletter.manage', auditV1.DiscardDeadLetterResponse),
    }),
    defineRpcs(chainV1.ChainServiceService, {
      getChain: answer('getChain', 'audit.read', chainV1.GetChainResponse),
      verifyChain: answer('verifyChain', 'audit.read', chainV1.VerifyChainResponse),
      exportChain: stream('exportChain', 'audit.export'),
      listSegments: answer('listSegments', 'audit.read', chainV1.ListSegmentsResponse),
      sealTrail: answer('sealTrail', 'audit.seal', chainV1.SealTrailResponse),
    }),
    defineRpcs(logV1.LogServiceService, {
      listEvents: answer('listEvents', 'log.read', logV1.ListEventsResponse),
      getEvent: answer('getEvent', 'log.read', logV1.GetEventResponse),
      getStats: answer('getStats', 'log.read', logV1.GetStatsResponse),
      verifyRange: answer('verifyRange', 'log.read', logV1.VerifyRangeResponse),
      listAggregates: answer('listAggregates', 'log.read', logV1.ListAggregatesResponse),
      getAggregate: answer('getAggregate', 'log.read', logV1.GetAggregateResponse),
      listStuck: answer('listStuck', 'log.read', logV1.ListStuckResponse),
    }),
    defineRpcs(projectionsV1.ProjectionServiceService, {
      listProjections: answer('listProjections', 'projection.read', projectionsV1.ListProjectionsResponse),
      getProjection: answer('getProjection', 'projection.read', projectionsV1.GetProjectionResponse),
      pauseProjection: answer('pauseProjection', 'projection.manage', projectionsV1.PauseProjectionResponse),
      resumeProjection: answer('resumeProjection', 'projection.manage', projectionsV1.ResumeProjectionResponse),
      rebuildProjection: answer('rebuildProjection', 'projection.manage', projectionsV1.RebuildProjectionResponse),
      cancelRebuild: answer('cancelRebuild', 'projection.manage', projectionsV1.CancelRebuildResponse),
      skipEvent: answer('skipEvent', 'projection.manage', projectionsV1.SkipEventResponse),
    }),
  ];
  const transport = new GrpcTransport({ host: '127.0.0.1', port: 0, services, verifier, logger });
  await new Promise<void>((resolve, reject) => {
    transport.listen((error) => {
      if (error === undefined) resolve();
      else reject(error instanceof Error ? error : new Error('the peers can not listen'));
    });
  });
  return Object.assign(peers, { address: transport.address, calls, close: () => transport.close() });
}
