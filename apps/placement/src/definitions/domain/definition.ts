/** What a definition says: when something is to be done, in which steps, and how it is taken back. */
import { z } from 'zod';
import { definitionKinds, namePattern } from '@fairlead/contracts';

const name = z.string('must be a name').regex(namePattern, 'must be up to 63 lower-case letters, digits and inner hyphens');
const whole = (least: number, most: number) =>
  z
    .int('must be a whole number')
    .min(least, `must be ${String(least)} or more`)
    .max(most, `must be ${String(most)} or less`);

/** Of the platform's own events, not of the control plane's. */
const trigger = z
  .string('must be an event type')
  .max(128, 'is too long')
  .regex(/^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*(\.\*)?$/, 'must be an event type such as order.placed, or order.* for all below');
const call = z
  .string('must be what is called')
  .max(128, 'is too long')
  .regex(/^[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)+$/, 'must be a service and what it does, such as payments.charge');

/** Waits grow from the first to the longest one, twice as long each time. */
const retry = z.strictObject({
  attempts: whole(1, 100).default(5),
  backoff_ms: whole(1, 3_600_000).default(1_000),
  max_backoff_ms: whole(1, 86_400_000).default(60_000),
});
const called = {
  id: name,
  call,
  timeout_seconds: whole(1, 86_400).default(30),
  retry: retry.default(retry.parse({})),
};
const step = z.strictObject({
  ...called,
  /** Steps that have to be done before; without any it begins at once. */
  after: z.array(name, 'must be a list of steps').max(50, 'names too many steps').default([]),
  /** It changes something outside of the runner. */
  side_effects: z.boolean('must be true or false').default(true),
  /** What takes it back, by its id. */
  compensation: name.optional(),
});
const compensation = z.strictObject(called);

/** Strict: a member that is not known is a slip. Fills in what may be left out. */
export const definitionSchema = z.strictObject({
  name,
  kind: z.enum(definitionKinds, `must be ${definitionKinds.join(' or ')}`),
  description: z.string('must be a text').max(500, 'is too long').default(''),
  triggers: z.array(trigger, 'must be a list of event types').min(1, 'must name at least one event type').max(50, 'has too many'),
  steps: z.array(step, 'must be a list of steps').min(1, 'must have at least one step').max(50, 'has too many steps'),
  compensations: z.array(compensation, 'must be a list of compensations').max(50, 'has too many compensations').default([]),
  /** How many run at a time. */
  concurrency: z
    .strictObject({ per_tenant: whole(1, 1_000).default(1), per_runner: whole(1, 10_000).default(100) })
    .default({ per_tenant: 1, per_runner: 100 }),
  /** For all of it, waits included. */
  timeout_seconds: whole(1, 30 * 86_400).default(3_600),
});
export type Definition = z.output<typeof definitionSchema>;
export type Step = Definition['steps'][number];
