import { z } from 'zod';
import { eventType, type AggregateEvents } from './define.js';
import { count, text } from './fields.js';

const nothing = z.strictObject({});
/** The epoch that is being filled, where it is known already. */
const filling = z.strictObject({ epoch: count.optional() });

/** Projections of the log, each an aggregate by its name, and what operators had done with them. */
export const projectionEvents = {
  permission: 'projection.read',
  types: {
    paused: eventType(nothing),
    resumed: eventType(nothing),
    event_skipped: eventType(z.strictObject({ position: count, epoch: count, stopped_reason: text })),
    rebuild_requested: eventType(filling),
    rebuild_cancelled: eventType(filling),
    /** Readers were given the new epoch; `position` is what it had reached. */
    swapped: eventType(z.strictObject({ epoch: count, previous_epoch: count, position: count })),
  },
} as const satisfies AggregateEvents;
