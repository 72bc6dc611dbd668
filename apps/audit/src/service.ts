import { auditV1 } from '@fairlead/contracts';
import { keepPartitions, startRelay } from '@fairlead/event-log';
import { defineRpcs } from '@fairlead/rpc';
import { openResources, startService, type RunningService } from '@fairlead/service-runtime';
import type { Logger } from '@fairlead/telemetry';
import type { AuditConfig } from './config.js';
import { listRecords } from './grpc/list-records.js';
import { migrations } from './store/migrations.js';
import { startTrail } from './trail.js';

/** Starts the audit service: the trail, the relay of the log to JetStream, and the RPCs that read the trail. */
export async function createService(config: AuditConfig, overrides: { logger?: Logger } = {}): Promise<RunningService> {
  const resources = await openResources({ name: 'audit', config, migrations, logger: overrides.logger });
  const { database: sql, messaging, logger, registry } = resources;
  const trail = startTrail(resources);
  const relay = startRelay({ sql, messaging, logger, registry });
  const stopPartitions = keepPartitions({ sql, logger });
  return startService({
    resources,
    config,
    rpcs: [defineRpcs(auditV1.AuditServiceService, { listRecords: listRecords({ sql, messaging }) })],
    onDrain: [() => trail.stop(), () => relay.stop(), stopPartitions],
  });
}
