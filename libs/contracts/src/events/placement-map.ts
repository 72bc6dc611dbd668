import { z } from 'zod';
import { eventType, type AggregateEvents } from './define.js';
import { count, placedKind, text } from './fields.js';

/** The aggregate of events that concern every tenant's placement; no tenant can be called so. */
export const wholePlacementMap = '@all';

/** Where tenants are, one aggregate a tenant, and one for the map as a whole. */
export const placementMapEvents = {
  permission: 'placement.read',
  tenantOf: ({ aggregateId }) => (aggregateId === wholePlacementMap ? undefined : aggregateId),
  scoped: {
    tenant_moved: ['tenant_id', 'moves', 'revision', 'epoch', 'idempotency_key', 'fence'],
    // Not its group, which tells of other tenants.
    tenant_balance_changed: ['tenant_id', 'load', 'pinned', 'revision', 'epoch'],
  },
  types: {
    tenant_moved: eventType(
      z.strictObject({
        tenant_id: text,
        moves: z.array(z.strictObject({ kind: placedKind, from: text, to: text, previous_revision: count })),
        revision: count,
        epoch: count,
        idempotency_key: text,
        fence: count,
      }),
    ),
    /** What balancing heeds of a tenant from now on. */
    tenant_balance_changed: eventType(
      z.strictObject({
        tenant_id: text,
        load: z.number().min(0),
        pinned: z.array(placedKind),
        anti_affinity: text.nullable(),
        revision: count,
        epoch: count,
      }),
    ),
    placement_epoch_raised: eventType(
      z.strictObject({
        epoch: count,
        revision: count,
        previous_epoch: count,
        bucket_created: text.nullable(),
        found: z.strictObject({ epoch: count, revision: count, bucket_created: text }).nullable(),
      }),
    ),
    /** A sweep found chunks of KV that are not what the database says; they are published anew. */
    placement_bucket_differed: eventType(
      z.strictObject({ epoch: count, revision: count, damaged: z.array(text), differing: z.array(text) }),
    ),
  },
} as const satisfies AggregateEvents;
