import { z } from 'zod';
import { eventType, type AggregateEvents } from './define.js';
import { count, text } from './fields.js';

/** Which version of which definition; its content is kept by its hash. */
const version = { name: text, version: count, sha256: text };

/** Definitions of effects and sagas, one aggregate each. */
export const definitionEvents = {
  permission: 'definition.read',
  types: {
    definition_version_added: eventType(z.strictObject({ ...version, kind: text })),
    /** No tenant is to be given this version any more. */
    definition_version_retired: eventType(z.strictObject(version)),
    /** It may be given to tenants again. */
    definition_version_restored: eventType(z.strictObject(version)),
  },
} as const satisfies AggregateEvents;
