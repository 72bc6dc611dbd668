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

const condition = z.enum(['steady', 'flapping', 'crash_looping']);

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
    /** While an endpoint is not steady, its health is told no more; what it is then is told when it is steady again. */
    endpoint_condition_changed: eventType(
      z.strictObject({
        kind: text,
        shard_id: text,
        endpoint_id: text,
        url: text,
        from: condition,
        to: condition,
        state: z.enum(['ready', 'not_ready', 'unhealthy', 'unreachable']),
        taken_at: time,
      }),
    ),
  },
} as const satisfies AggregateEvents;
