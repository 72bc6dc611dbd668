import { z } from 'zod';
import { tenantStates } from '../kinds.js';
import { eventType, type AggregateEvents } from './define.js';
import { count, failure, serviceKind, text } from './fields.js';

const command = z.strictObject({
  operation: z.enum(['drain', 'resume', 'hand_over', 'drop_copy', 'reload']),
  idempotency_key: text,
  fence: count,
  attempt: count,
});
const request = z.strictObject({
  tenant_id: text.optional(),
  kind: serviceKind,
  shard_id: text,
  /** Of a hand-over. */
  to_shard_id: text.optional(),
  /** Of a drop: the revision that says where the tenant is now. */
  moved_revision: count.optional(),
});
/** What the service answered, in the words of the provisioner's own contract. */
const answer = z.union([
  z.strictObject({ state: z.enum(tenantStates), inflight: count, lag: count, fence: count, lastSeq: count }),
  z.strictObject({ bytes: count, sha256: text, lastSeq: count, entries: count.optional() }),
  z.array(z.strictObject({ endpointId: text, appliedRevision: count })),
]);

/** Commands to managed services; an aggregate is what a fence protects, `tenant/<tenant>/<kind>` or `shard/<kind>/<shard>`. */
export const serviceCommandEvents = {
  permission: 'fleet.read',
  tenantOf: ({ aggregateId }) => /^tenant\/([^/]+)\/[^/]+$/.exec(aggregateId)?.[1],
  scoped: {
    command_issued: ['operation', 'idempotency_key', 'fence', 'attempt', 'request'],
    command_succeeded: ['operation', 'idempotency_key', 'fence', 'attempt', 'answer'],
    command_failed: ['operation', 'idempotency_key', 'fence', 'attempt', 'error.code'],
  },
  types: {
    command_issued: eventType(command.extend({ request })),
    command_succeeded: eventType(command.extend({ answer })),
    command_failed: eventType(command.extend({ error: failure })),
  },
} as const satisfies AggregateEvents;
