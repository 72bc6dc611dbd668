import { z } from 'zod';
import { eventType, type AggregateEvents } from './define.js';
import { count, text } from './fields.js';

/** Tables of the control database, as somebody looked into them; each is an aggregate, by `schema.table`. */
export const dataTableEvents = {
  permission: 'audit.read',
  types: {
    /** Rows were asked for, these many at most, and handed out after this was recorded. Operators are text: each release may know more. */
    data_read: eventType(
      z.strictObject({
        columns: z.array(text),
        filter: z.array(z.strictObject({ column: text, operator: text, value: text.optional() })),
        order: text,
        limit: count,
        /** It went on from a page before. */
        continued: z.boolean(),
      }),
    ),
  },
} as const satisfies AggregateEvents;
