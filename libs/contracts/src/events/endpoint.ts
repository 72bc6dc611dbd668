import { z } from 'zod';
import { eventType, type AggregateEvents } from './define.js';
import { text, time } from './fields.js';

const health = z.strictObject({
  state: z.enum(['ready', 'not_ready', 'unhealthy', 'unreachable']),
  version: text,
  git_sha: text,
  problem: text,
  taken_at: time,
});

/** Endpoints of managed services, as they were found; an aggregate is `<kind>.<shard>.<endpoint>`. */
export const endpointEvents = {
  permission: 'fleet.read',
  types: {
    /** `from` is null for an endpoint that is new, `to` for one that is no longer registered. */
    endpoint_health_changed: eventType(
      z.strictObject({
        kind: text,
        shard_id: text,
        endpoint_id: text,
        url: text,
        from: health.nullable(),
        to: health.nullable(),
      }),
    ),
  },
} as const satisfies AggregateEvents;
