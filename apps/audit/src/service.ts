import { auditV1, chainV1, logV1, projectionsV1 } from '@fairlead/contracts';
import { createAppender, decodeEvent, forgetCommands, keepPartitions, pokeLog, startRelay } from '@fairlead/event-log';
import { defineRpcs } from '@fairlead/rpc';
import { openResources, startService, type RunningService } from '@fairlead/service-runtime';
import type { Logger } from '@fairlead/telemetry';
import { beginIncarnation } from './begin-incarnation.js';
import { startChain } from './chain/chain.js';
import type { AuditConfig } from './config.js';
import { reportDeadLetters } from './dead-letter-metrics.js';
import { cancelRebuild } from './grpc/cancel-rebuild.js';
import { discardDeadLetter } from './grpc/discard-dead-letter.js';
import { exportChain } from './grpc/export-chain.js';
import { getAggregate } from './grpc/get-aggregate.js';
import { getChain } from './grpc/get-chain.js';
import { getEvent } from './grpc/get-event.js';
import { getDeadLetter } from './grpc/get-dead-letter.js';
import { listAggregates } from './grpc/list-aggregates.js';
import { listDeadLetters } from './grpc/list-dead-letters.js';
import { getProjection } from './grpc/get-projection.js';
import { getStats } from './grpc/get-stats.js';
import { listEvents } from './grpc/list-events.js';
import { listProjections } from './grpc/list-projections.js';
import { listRecords } from './grpc/list-records.js';
import { listSegments } from './grpc/list-segments.js';
import { listStuck } from './grpc/list-stuck.js';
import { pauseProjection } from './grpc/pause-projection.js';
import { rebuildProjection } from './grpc/rebuild-projection.js';
import { replayDeadLetter } from './grpc/replay-dead-letter.js';
import { resumeProjection } from './grpc/resume-projection.js';
import { sealTrail } from './grpc/seal-trail.js';
import { skipEvent } from './grpc/skip-event.js';
import { verifyChain } from './grpc/verify-chain.js';
import { verifyLogRange } from './grpc/verify-range.js';
import { startProjections } from './projections/projections.js';
import { startSegments } from './segments/segments.js';
import { reportStuck } from './stuck-metrics.js';
import { migrations } from './store/migrations.js';

/** Starts the audit service: its projections, the relay of the log to JetStream, the audit chain, and its RPCs. */
export async function createService(config: AuditConfig, overrides: { logger?: Logger } = {}): Promise<RunningService> {
  const resources = await openResources({ name: 'audit', config, migrations, logger: overrides.logger });
  const { database: sql, messaging, logger, registry, tracing } = resources;
  const workers = startProjections(resources);
  const chain = await startChain(resources, config);
  const segments = await startSegments(resources, config, chain);
  const relay = startRelay({ sql, messaging, logger, registry, tracing, beginIncarnation: beginIncarnation(resources) });
  const stopPartitions = keepPartitions({ sql, logger });
  const stopForgetting = forgetCommands({ sql, logger });
  const appender = createAppender({
    sql: sql.pipeline(),
    onAppended: (position) => {
      pokeLog(messaging, position);
    },
    registry,
  });
  reportDeadLetters(messaging, registry);
  const chainFacts = { anchorsStopped: () => chain.anchorer.stopped(), postsAnchors: chain.kept.includes('webhook') };
  reportStuck({ sql, messaging, ...chainFacts }, registry);
  const deps = { sql, messaging, appender, logger };
  return startService({
    resources,
    config,
    rpcs: [
      defineRpcs(auditV1.AuditServiceService, {
        listRecords: listRecords(deps),
        listDeadLetters: listDeadLetters(deps),
        getDeadLetter: getDeadLetter(deps),
        replayDeadLetter: replayDeadLetter(deps),
        discardDeadLetter: discardDeadLetter(deps),
      }),
      defineRpcs(logV1.LogServiceService, {
        listEvents: listEvents(deps),
        getEvent: getEvent(deps),
        getStats: getStats(deps),
        verifyRange: verifyLogRange({ ...deps, decode: decodeEvent }),
        listAggregates: listAggregates(deps),
        getAggregate: getAggregate(deps),
        listStuck: listStuck({ ...deps, ...chainFacts }),
      }),
      defineRpcs(projectionsV1.ProjectionServiceService, {
        listProjections: listProjections(deps),
        getProjection: getProjection(deps),
        pauseProjection: pauseProjection(deps),
        resumeProjection: resumeProjection(deps),
        rebuildProjection: rebuildProjection(deps),
        cancelRebuild: cancelRebuild(deps),
        skipEvent: skipEvent(deps),
      }),
      defineRpcs(chainV1.ChainServiceService, {
        getChain: getChain({ ...deps, ...chain }),
        verifyChain: verifyChain({ ...deps, ...chain, segments }),
        exportChain: exportChain({ ...deps, ...chain }),
        listSegments: listSegments({ ...deps, segments }),
        sealTrail: sealTrail({ ...deps, segments }),
      }),
    ],
    // The appender stays: RPCs in flight wait for what they record, and the server waits for them.
    onDrain: [
      ...workers.map((worker) => () => worker.stop()),
      ...(segments === undefined ? [] : [() => segments.sealer.stop()]),
      ...[() => relay.stop(), stopPartitions, stopForgetting, () => chain.stop()],
    ],
  });
}
