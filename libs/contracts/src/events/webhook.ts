import { z } from 'zod';
import { eventType, type AggregateEvents } from './define.js';
import { count, text, time } from './fields.js';

/** What is told of a webhook: its address without path and query, which may be secrets of the receiver's. */
const told = z.strictObject({ name: text, origin: text, types: z.array(text) });
const named = z.strictObject({ name: text });

/** Webhooks: who is told of events at which address, and what people and failures have made of them. */
export const webhookEvents = {
  permission: 'webhook.read',
  types: {
    webhook_created: eventType(told),
    webhook_changed: eventType(told.extend({ changed: z.array(text) })),
    webhook_enabled: eventType(named),
    /** `failures`: nothing was taken for days; `gone`: the receiver asked for no more. */
    webhook_disabled: eventType(named.extend({ cause: z.enum(['user', 'failures', 'gone']), failing_since: time.optional() })),
    webhook_secret_rotated: eventType(named.extend({ previous_until: time.optional() })),
    webhook_tested: eventType(named.extend({ delivery_id: text })),
    /** Deliveries that are made again: one, or all of a range of positions. */
    webhook_replayed: eventType(
      named.extend({ deliveries: count, delivery_id: text.optional(), from: count.optional(), to: count.optional() }),
    ),
    webhook_deleted: eventType(named),
  },
} as const satisfies AggregateEvents;
