import type { StoredEvent } from '@fairlead/event-log';
import { boundedDetails, type Json } from './details.js';
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

/** Makes the record of an event. Every event has exactly one, whatever its type or payload. */
export function recordOf(event: StoredEvent): TrailRecord {
  const { meta } = event;
  return {
    position: event.position,
    time: event.recordedAt,
    action: `${event.aggregateType}.${event.type}`,
    principal: meta.principal,
    via: meta.via ?? null,
    tenantId: meta.tenant_id ?? (event.aggregateType === 'tenant' ? event.aggregateId : null),
    resourceType: event.aggregateType,
    resourceId: event.aggregateId,
    requestId: meta.request_id,
    correlationId: meta.correlation_id,
    traceId: meta.trace_id ?? null,
    jobId: meta.job_id ?? (event.aggregateType === 'job' ? event.aggregateId : null),
    step: meta.step ?? null,
    reason: meta.reason ?? null,
    outcome: outcomeOf(event.type, event.payload),
    details: boundedDetails(event.payload),
  };
}
