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
    /** Whole segments of the trail that are older than a time are to be sealed now. */
    trail_sealing_requested: eventType(z.strictObject({ before: text })),
    /** This range, inclusive, stands in a sealed segment, which was read back; its records leave the trail after this. */
    trail_sealed: eventType(z.strictObject({ from: count, to: count, file: text, sha256: text })),
    /** Nothing is sealed, and no record leaves the trail, until the cause is gone. */
    trail_sealing_failed: eventType(z.strictObject({ reason: text, sealed_until: count })),
  },
} as const satisfies AggregateEvents;
