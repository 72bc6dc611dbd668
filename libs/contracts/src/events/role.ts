import { z } from 'zod';
import { eventType, type AggregateEvents } from './define.js';
import { text } from './fields.js';

/** What a custom role says; permissions are text, for each release knows more of them. */
const said = { description: text, permissions: z.array(text) };

/** Custom roles: built-in ones are part of the product, and never change. */
export const roleEvents = {
  permission: 'audit.read',
  types: {
    role_created: eventType(z.strictObject({ name: text, ...said })),
    role_changed: eventType(z.strictObject({ name: text, before: z.strictObject(said), after: z.strictObject(said) })),
    role_deleted: eventType(z.strictObject({ name: text, ...said })),
  },
} as const satisfies AggregateEvents;
