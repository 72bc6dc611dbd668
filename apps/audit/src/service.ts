import { auditV1 } from '@fairlead/contracts';
import { createAppender, forgetCommands, keepPartitions, pokeLog, startProjection, startRelay } from '@fairlead/event-log';
import { defineRpcs } from '@fairlead/rpc';
import { openResources, startService, type RunningService } from '@fairlead/service-runtime';
import type { Logger } from '@fairlead/telemetry';
import { beginIncarnation } from './begin-incarnation.js';
import type { AuditConfig } from './config.js';
import { reportDeadLetters } from './dead-letter-metrics.js';
import { discardDeadLetter } from './grpc/discard-dead-letter.js';
import { getDeadLetter } from './grpc/get-dead-letter.js';
import { listDeadLetters } from './grpc/list-dead-letters.js';
import { listRecords } from './grpc/list-records.js';
import { replayDeadLetter } from './grpc/replay-dead-letter.js';
import { projections } from './projections/projections.js';
import { migrations } from './store/migrations.js';

/** Starts the audit service: its projections, the relay of the log to JetStream, and the RPCs on the trail and on dead letters. */
export async function createService(config: AuditConfig, overrides: { logger?: Logger } = {}): Promise<RunningService> {
  const resources = await openResources({ name: 'audit', config, migrations, logger: overrides.logger });
  const { database: sql, messaging, logger, registry, tracing } = resources;
  const workers = projections.map((definition) => startProjection({ definition, db: sql, messaging, logger, registry }));
  const relay = startRelay({ sql, messaging, logger, registry, tracing, beginIncarnation: beginIncarnation(resources) });
  const stopPartitions = keepPartitions({ sql, logger });
  const stopForgetting = forgetCommands({ sql, logger });
  const appender = createAppender({
    sql,
    onAppended: (position) => {
      pokeLog(messaging, position);
    },
    registry,
  });
  reportDeadLetters(messaging, registry);
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
    ],
    // The appender stays: RPCs in flight wait for what they record, and the server waits for them.
    onDrain: [...workers.map((worker) => () => worker.stop()), () => relay.stop(), stopPartitions, stopForgetting],
  });
}
