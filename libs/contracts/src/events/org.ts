import { z } from 'zod';
import { eventType, type AggregateEvents } from './define.js';
import { text } from './fields.js';

/** What may change of an org. */
const said = { display_name: text };

/** Orgs, which projects belong to; each is an aggregate by its id, for its name may be taken again once it is gone. */
export const orgEvents = {
  permission: 'org.read',
  types: {
    org_created: eventType(z.strictObject({ name: text, ...said })),
    org_changed: eventType(z.strictObject({ name: text, before: z.strictObject(said), after: z.strictObject(said) })),
    // The roles that were held on it went before.
    org_deleted: eventType(z.strictObject({ name: text, ...said })),
  },
} as const satisfies AggregateEvents;
