import { z } from 'zod';
import { eventType, type AggregateEvents } from './define.js';
import { count, text } from './fields.js';

/** The log itself. */
export const eventLogEvents = {
  permission: 'log.read',
  types: {
    /** Positions after `after` mean other events than in the incarnation before. */
    incarnation_begun: eventType(z.strictObject({ incarnation: z.uuid(), after: count, cause: text })),
    /** Events of this range, inclusive, were handed out, with the principal's name to it. */
    exported: eventType(z.strictObject({ from: count, to: count })),
  },
} as const satisfies AggregateEvents;
