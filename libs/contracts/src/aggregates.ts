import type { ServiceName } from './permissions.js';

/** Which service may append events of which aggregate type; the log's append function refuses others. */
export const aggregateOwners = {
  user: 'api-gateway',
  signing_key: 'api-gateway',
  webhook: 'api-gateway',
  role: 'api-gateway',
  role_binding: 'api-gateway',
  data_table: 'api-gateway',
  sensitive_read: 'api-gateway',
  iam_change: 'api-gateway',
  org: 'api-gateway',
  project: 'api-gateway',
  tenant: 'placement',
  shard: 'placement',
  placement_map: 'placement',
  config: 'placement',
  definition: 'placement',
  plan: 'job-orchestrator',
  job: 'job-orchestrator',
  schedule: 'job-orchestrator',
  service_command: 'provisioner',
  endpoint: 'fleet-observer',
  dead_letter: 'audit',
  projection: 'audit',
  event_log: 'audit',
} as const satisfies Record<string, ServiceName>;

export type AggregateType = keyof typeof aggregateOwners;
