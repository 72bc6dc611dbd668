import { z } from 'zod';
import { eventType, type AggregateEvents } from './define.js';
import { count, serviceKind, text } from './fields.js';

const shard = z.strictObject({
  kind: serviceKind,
  shard_id: text,
  endpoints: z.array(z.strictObject({ endpoint_id: text, url: text })),
  weight: count,
  /** The load that it carries at most. */
  max_load: z.number().optional(),
  labels: z.record(text, text),
  state: z.enum(['active', 'cordoned']),
  revision: count,
  epoch: count,
});

/** Shards, each as it stands after the change. */
export const shardEvents = {
  permission: 'placement.read',
  types: {
    shard_created: eventType(shard),
    shard_changed: eventType(shard),
    /** It had no tenants, and is gone from the directory. */
    shard_removed: eventType(z.strictObject({ kind: serviceKind, shard_id: text, revision: count, epoch: count })),
  },
} as const satisfies AggregateEvents;
