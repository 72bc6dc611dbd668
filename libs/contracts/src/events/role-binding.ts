import { z } from 'zod';
import { eventType, type AggregateEvents } from './define.js';
import { text } from './fields.js';

/** Who holds which role, and where. */
const binding = z.strictObject({ principal: text, role: text, scope: text });

/** Roles that principals were given and that were taken from them; the roles of a user on the whole platform also stand in the user's own events. */
export const roleBindingEvents = {
  permission: 'audit.read',
  types: {
    role_binding_created: eventType(binding),
    role_binding_deleted: eventType(binding),
  },
} as const satisfies AggregateEvents;
