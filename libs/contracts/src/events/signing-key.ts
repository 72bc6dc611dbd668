import { z } from 'zod';
import { eventType, type AggregateEvents } from './define.js';
import { text, time } from './fields.js';

/** The keys that users' access tokens are signed with; each is an aggregate of its own, by its id. */
export const signingKeyEvents = {
  permission: 'audit.read',
  types: {
    /** A key was made; verifiers can know it from now on, and nothing is signed with it yet. */
    signing_key_published: eventType(z.strictObject({ kid: text })),
    /** Tokens are signed with it from now on; those of the key before are taken until `previous_until`. */
    signing_key_rotated: eventType(
      z.strictObject({
        kid: text,
        previous: text.optional(),
        previous_until: time.optional(),
        cause: z.enum(['first', 'age', 'command']),
      }),
    ),
  },
} as const satisfies AggregateEvents;
