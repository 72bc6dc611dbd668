import { z } from 'zod';
import { eventType, type AggregateEvents } from './define.js';
import { count, text } from './fields.js';

/** Which revision of which document; its content is in the registry, by its hash. */
const revision = {
  domain: text,
  name: text,
  scope: text,
  revision: count,
  sha256: text,
};

/** Documents of the configuration registry, one aggregate each: `routing/platform/default`. */
export const configEvents = {
  permission: 'config.read',
  types: {
    /** A revision is written and not in force: a sample of gateways tries it. */
    config_staged: eventType(
      z.strictObject({
        ...revision,
        effective_revision: count,
        gateways: z.array(text),
        source: text,
        idempotency_key: text,
        fence: count,
      }),
    ),
    /** A revision is in force. */
    config_applied: eventType(z.strictObject({ ...revision, previous_revision: count, restored_revision: count.nullable(), source: text })),
    /** A revision that was staged will not be in force. */
    config_withdrawn: eventType(z.strictObject({ ...revision, effective_revision: count })),
  },
} as const satisfies AggregateEvents;
