import { z } from 'zod';
import { eventType, type AggregateEvents } from './define.js';
import { text } from './fields.js';

/** Reads that hand out so much that each is recorded before it is answered; an aggregate is a sort of them, such as `audit_export`. */
export const sensitiveReadEvents = {
  permission: 'audit.read',
  types: {
    /** Somebody who may asked for it: the path and query of their request; the address that it came from is in the metadata. */
    read_requested: eventType(z.strictObject({ target: text, query: text.optional() })),
  },
} as const satisfies AggregateEvents;
