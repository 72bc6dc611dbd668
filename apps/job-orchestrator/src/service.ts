import { configV1, fleetV1, jobsV1, placementV1, provisionerV1 } from '@fairlead/contracts';
import { pokeLog } from '@fairlead/event-log';
import { createIdempotency } from '@fairlead/postgres';
import { defineRpcs } from '@fairlead/rpc';
import { openResources, startService, type RunningService } from '@fairlead/service-runtime';
import type { Logger } from '@fairlead/telemetry';
import { childJobs } from './child-jobs.js';
import type { Config } from './config.js';
import { startEngine } from './engine/engine.js';
import type { JobKind } from './engine/kind.js';
import { startLoops } from './engine/loops.js';
import { createEngineMetrics, createLoopMetrics } from './engine/metrics.js';
import { approvePlan } from './grpc/approve-plan.js';
import { cancelJob } from './grpc/cancel-job.js';
import { changeSchedule } from './grpc/change-schedule.js';
import { jobPokes } from './engine/pokes.js';
import { createPlan } from './grpc/create-plan.js';
import { createSchedule } from './grpc/create-schedule.js';
import { getJob } from './grpc/get-job.js';
import { getPlan } from './grpc/get-plan.js';
import { listJobs } from './grpc/list-jobs.js';
import { listLocks } from './grpc/list-locks.js';
import { listReplicas } from './grpc/list-replicas.js';
import { listSchedules } from './grpc/list-schedules.js';
import { pauseJob } from './grpc/pause-job.js';
import { retryJob } from './grpc/retry-job.js';
import { signalJob } from './grpc/signal-job.js';
import { startJob } from './grpc/start-job.js';
import { unpauseJob } from './grpc/unpause-job.js';
import { jobKinds } from './jobs/index.js';
import { loopKinds } from './loops/index.js';
import { newestByName } from './plans.js';
import type { JobDependencies } from './start-job.js';
import { migrations } from './store/migrations/index.js';

export interface Overrides {
  logger?: Logger;
  /** Other job kinds than the real ones, for tests of the engine. */
  kinds?: readonly JobKind[];
}

/** Starts the job orchestrator: its RPCs and one replica of the engine. */
export async function createService(config: Config, overrides: Overrides = {}): Promise<RunningService> {
  const resources = await openResources({ name: 'job-orchestrator', config, migrations, logger: overrides.logger });
  const { database: db, messaging, logger } = resources;
  const onAppended = (position: number) => {
    pokeLog(messaging, position);
  };
  const kinds =
    overrides.kinds ??
    jobKinds(
      {
        placement: resources.client(placementV1.PlacementServiceService, config.PLACEMENT_GRPC),
        config: resources.client(configV1.ConfigServiceService, config.PLACEMENT_GRPC),
        provisioner: resources.client(provisionerV1.ProvisionerServiceService, config.PROVISIONER_GRPC),
        fleet: resources.client(fleetV1.FleetObserverServiceService, config.FLEET_OBSERVER_GRPC),
        sql: db,
        settings: {
          maxLag: config.MIGRATE_MAX_LAG,
          maxInflight: config.MIGRATE_MAX_INFLIGHT,
          drainTimeoutMs: config.DRAIN_TIMEOUT_MS,
          handOverTimeoutMs: config.MIGRATE_HANDOVER_TIMEOUT_MS,
          forwardTimeoutMs: config.MIGRATE_FORWARD_TIMEOUT_MS,
          undoTimeoutMs: config.MIGRATE_UNDO_TIMEOUT_MS,
          maxPaused: config.MIGRATE_MAX_PAUSED,
        },
      },
      childJobs(() => deps),
    );
  const pokes = jobPokes(messaging, (jobId) => {
    engine.wake(jobId);
  });
  const engine = startEngine({
    db,
    kinds,
    logger,
    metrics: createEngineMetrics(resources.registry),
    tracing: resources.tracing,
    onAppended,
    onClaimable: pokes.claimableElsewhere,
    leaseMs: config.JOB_LEASE_MS,
    pollMs: config.JOB_POLL_MS,
    maxConcurrent: config.JOB_MAX_CONCURRENT,
  });
  const deps: JobDependencies = {
    db,
    kinds: newestByName(kinds),
    approvalKinds: new Set(config.JOB_APPROVAL_KINDS),
    planTtlMs: config.PLAN_TTL_MS,
    onAppended,
    engine,
    onClaimable: pokes.claimable,
    onJobChanged: pokes.changed,
  };
  const idempotency = createIdempotency({ database: db, logger });
  const loops = startLoops({
    db,
    kinds: loopKinds({
      db,
      logger,
      jobs: deps,
      auditGate: resources.auditGate,
      settings: { archiveAfterMs: config.JOB_ARCHIVE_AFTER_MS, keepArchivedMs: config.JOB_KEEP_ARCHIVED_MS },
    }),
    logger,
    metrics: createLoopMetrics(resources.registry),
    onAppended,
    pollMs: config.JOB_POLL_MS,
  });
  return startService({
    resources,
    config,
    rpcs: [
      defineRpcs(jobsV1.JobOrchestratorServiceService, {
        createPlan: createPlan(deps),
        getPlan: getPlan(deps),
        startJob: startJob(deps),
        getJob: getJob(deps),
        listJobs: listJobs(deps),
        cancelJob: cancelJob(deps),
        retryJob: retryJob(deps),
        pauseJob: pauseJob(deps),
        unpauseJob: unpauseJob(deps),
        signalJob: signalJob(deps),
        approvePlan: approvePlan(deps),
        listLocks: listLocks(deps),
        listReplicas: listReplicas(deps),
        createSchedule: createSchedule({ ...deps, idempotency }),
        listSchedules: listSchedules(deps),
        changeSchedule: changeSchedule(deps),
      }),
    ],
    onDrain: [idempotency.stop, pokes.close, () => loops.stop(), () => engine.stop()],
  });
}
