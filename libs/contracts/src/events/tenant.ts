import { z } from 'zod';
import { eventType, type AggregateEvents } from './define.js';
import { count, placedKind, text } from './fields.js';

/** Tenants as they are registered; where they go later is told of `placement_map`. */
export const tenantEvents = {
  permission: 'tenant.read',
  tenantOf: ({ aggregateId }) => aggregateId,
  scoped: { tenant_created: ['tenant_id', 'name', 'requested', 'placement', 'revision', 'epoch'] },
  types: {
    tenant_created: eventType(
      z.strictObject({
        tenant_id: text,
        name: text,
        requested: z.partialRecord(placedKind, text),
        placement: z.record(placedKind, text),
        revision: count,
        epoch: count,
      }),
    ),
  },
} as const satisfies AggregateEvents;
