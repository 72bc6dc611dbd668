import { z } from 'zod';
import { eventType, type AggregateEvents } from './define.js';
import { count, freeForm, text } from './fields.js';

const asked = { method: text, path: text };

/** Changes of users, sessions and roles that are made at an external IAM: what was asked before it was sent, and what came of it. */
export const iamChangeEvents = {
  permission: 'audit.read',
  types: {
    /** `change` holds no secret of what was asked. */
    change_requested: eventType(z.strictObject({ ...asked, change: freeForm })),
    change_succeeded: eventType(z.strictObject({ ...asked, status: count })),
    /** With a status it was refused; without one nobody knows whether it was made. */
    change_failed: eventType(z.strictObject({ ...asked, cause: text, status: count.optional() })),
  },
} as const satisfies AggregateEvents;
