import { z } from 'zod';
import { eventType, type AggregateEvents } from './define.js';
import { text, time } from './fields.js';

/** What may change of a project. */
const said = { display_name: text };
/** Which it is to people: its name within its org. */
const named = z.strictObject({ org: text, name: text });
/** A key of it; never the secret. */
const key = named.extend({ key_id: text, key_name: text });

/** Projects of orgs, and their keys; each is an aggregate by its id, for its name may be taken again once it is gone. */
export const projectEvents = {
  permission: 'project.read',
  types: {
    project_created: eventType(named.extend(said)),
    project_changed: eventType(named.extend({ before: z.strictObject(said), after: z.strictObject(said) })),
    // Its keys, and the roles that were held on it, went before.
    project_deleted: eventType(named.extend(said)),
    // The role is given on the project; an event of its own tells of that. Of a custom one, what it gave then: the key never has more of it.
    project_key_created: eventType(key.extend({ role: text, permissions: z.array(text).optional(), expires_at: time })),
    project_key_rotated: eventType(key.extend({ previous_until: time.optional() })),
    project_key_revoked: eventType(key),
  },
} as const satisfies AggregateEvents;
