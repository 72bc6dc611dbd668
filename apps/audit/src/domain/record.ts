import type { StoredEvent } from '@fairlead/event-log';
import { boundedDetails, cutText, type Json } from './details.js';
import { outcomeOf, type Outcome } from './outcome.js';

/** One line of the trail: who did what to what, with the ids of the request that made it. */
export interface TrailRecord {
  /** The event's position in the log. */
  readonly position: number;
  readonly time: Date;
  /** `<aggregate type>.<event type>`, such as `tenant.tenant_created`. */
  readonly action: string;
  readonly principal: string;
  /** The service that acted for the principal, when one did. */
  readonly via: string | null;
  readonly tenantId: string | null;
  readonly resourceType: string;
  readonly resourceId: string;
  readonly requestId: string;
  readonly correlationId: string;
  readonly traceId: string | null;
  readonly jobId: string | null;
  readonly step: string | null;
  readonly reason: string | null;
  readonly outcome: Outcome;
  /** The event's payload, cut to a bounded size. */
  readonly details: Readonly<Record<string, Json>>;
}

/** Longer ids are cut: an index entry has a limit, and an event beyond it must not stop the trail. */
const maxIdChars = 200;
const maxReasonChars = 2_000;

/**
 * Makes the record of an event. Every event has exactly one: what the log holds was checked by whoever appended it,
 * and if that went wrong, the trail tells what there is instead of stopping.
 */
export function recordOf(event: StoredEvent): TrailRecord {
  const { position, aggregateType, type, recordedAt } = event;
  const meta = objectOf(event.meta);
  const payload = objectOf(event.payload);
  const resourceId = textOf(event.aggregateId) ?? '';
  return {
    position,
    time: recordedAt,
    action: cutText(`${aggregateType}.${type}`, maxIdChars),
    principal: textOf(meta['principal']) ?? 'unknown',
    via: textOf(meta['via']),
    tenantId: textOf(meta['tenant_id']) ?? (aggregateType === 'tenant' ? resourceId : null),
    resourceType: cutText(aggregateType, maxIdChars),
    resourceId,
    requestId: textOf(meta['request_id']) ?? '',
    correlationId: textOf(meta['correlation_id']) ?? '',
    traceId: textOf(meta['trace_id']),
    jobId: textOf(meta['job_id']) ?? (aggregateType === 'job' ? resourceId : null),
    step: textOf(meta['step']),
    reason: textOf(meta['reason'], maxReasonChars),
    outcome: outcomeOf(type, payload),
    details: boundedDetails(payload),
  };
}

function textOf(value: unknown, maxChars = maxIdChars): string | null {
  return typeof value === 'string' ? cutText(value, maxChars) : null;
}

/** An object as it is, any other JSON as the `value` of one. */
export function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  return value === null || value === undefined ? {} : { value };
}
