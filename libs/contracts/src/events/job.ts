import { z } from 'zod';
import { eventType, type AggregateEvents, type EventFacts } from './define.js';
import { count, failure, freeForm, text } from './fields.js';

/** The tenant that the job is about, if it is about one; the first releases did not say it. */
const tenant = { tenant_id: text.optional() };
const jobFailure = failure.extend({ step: text.optional() });
const ended = z.strictObject({ ...tenant, error: jobFailure.optional() });
/** The run that began with an event. Where there is no other event to tell it, `step_started` or `step_undo_started` does. */
const begins = { begins: z.strictObject({ step: text, attempt: count, undo: z.literal(true).optional() }).optional() };
const claimed = z.strictObject({ ...tenant, replica: text, fence: count, previous_owner: text.optional(), ...begins });
const run = z.strictObject({ ...tenant, step: text, attempt: count });
const outcome = run.extend(begins);
// The first release told the fence with each beginning.
const begun = run.extend({ fence: count.optional() });

/** Kinds whose first events named their tenant in their parameters alone. */
export const kindsWithTenant: ReadonlySet<string> = new Set(['tenant-migrate', 'tenant-drain', 'tenant-resume']);

/** The tenant of a plan or job, as the orchestrator found it by the kind of work. */
export function tenantOfWork({ payload }: Pick<EventFacts, 'payload'>): string | undefined {
  const { tenant_id: tenantId, kind, params } = payload;
  if (typeof tenantId === 'string') return tenantId;
  if (typeof kind !== 'string' || !kindsWithTenant.has(kind) || typeof params !== 'object' || params === null || !('tenant' in params))
    return undefined;
  return typeof params.tenant === 'string' ? params.tenant : undefined;
}

/** Jobs: what was asked of them, who runs them, and what each step came to. Waits are no news. */
export const jobEvents = {
  permission: 'job.read',
  tenantOf: tenantOfWork,
  // Not who acted, nor what steps measured: machines are shared.
  scoped: {
    job_queued: ['tenant_id', 'kind', 'plan_id', 'plan_digest', 'params', 'locks', 'steps'],
    job_started: ['tenant_id', 'replica', 'fence', 'previous_owner', 'begins'],
    job_resumed: ['tenant_id', 'replica', 'fence', 'previous_owner', 'begins'],
    job_taken_over: ['tenant_id', 'replica', 'fence', 'previous_owner', 'begins'],
    job_cancel_requested: ['tenant_id'],
    job_retried: ['tenant_id', 'step'],
    job_pause_requested: ['tenant_id'],
    job_paused: ['tenant_id'],
    job_unpaused: ['tenant_id'],
    job_signalled: ['tenant_id', 'signal'],
    job_overdue: ['tenant_id', 'step', 'status'],
    job_compensating: ['tenant_id', 'error.code', 'error.step', 'begins'],
    job_succeeded: ['tenant_id', 'error.code', 'error.step'],
    job_failed: ['tenant_id', 'error.code', 'error.step'],
    job_cancelled: ['tenant_id', 'error.code', 'error.step'],
    job_needs_attention: ['tenant_id', 'error.code', 'error.step'],
    step_started: ['tenant_id', 'step', 'attempt', 'fence'],
    step_undo_started: ['tenant_id', 'step', 'attempt', 'fence'],
    step_succeeded: ['tenant_id', 'step', 'attempt', 'begins'],
    step_progressed: ['tenant_id', 'step', 'attempt', 'begins'],
    step_undone: ['tenant_id', 'step', 'attempt', 'begins'],
    step_retrying: ['tenant_id', 'step', 'attempt', 'delay_ms', 'error.code', 'begins'],
    step_failed: ['tenant_id', 'step', 'attempt', 'error.code', 'begins'],
  },
  types: {
    job_queued: eventType(
      z.strictObject({
        ...tenant,
        kind: text,
        plan_id: text,
        plan_digest: text,
        params: freeForm,
        locks: z.array(text),
        steps: z.array(text),
      }),
    ),
    job_started: eventType(claimed),
    job_resumed: eventType(claimed),
    job_taken_over: eventType(claimed),
    job_cancel_requested: eventType(z.strictObject({ ...tenant, by: text })),
    job_retried: eventType(z.strictObject({ ...tenant, by: text, step: text.optional() })),
    job_pause_requested: eventType(z.strictObject({ ...tenant, by: text })),
    job_paused: eventType(z.strictObject(tenant)),
    job_unpaused: eventType(z.strictObject({ ...tenant, by: text })),
    job_signalled: eventType(z.strictObject({ ...tenant, by: text, signal: text })),
    job_overdue: eventType(z.strictObject({ ...tenant, status: text, step: text.optional(), deadline: text })),
    job_compensating: eventType(z.strictObject({ ...tenant, error: jobFailure, ...begins })),
    job_succeeded: eventType(ended),
    job_failed: eventType(ended),
    job_cancelled: eventType(ended),
    job_needs_attention: eventType(ended),
    step_started: eventType(begun),
    step_undo_started: eventType(begun),
    step_succeeded: eventType(outcome.extend({ output: freeForm.optional() })),
    /** A step that waits tells how far it is. */
    step_progressed: eventType(outcome.extend({ output: freeForm })),
    step_undone: eventType(outcome),
    step_retrying: eventType(outcome.extend({ delay_ms: z.number().nonnegative(), error: failure.optional() })),
    step_failed: eventType(outcome.extend({ error: failure.optional() })),
  },
} as const satisfies AggregateEvents;
