import type { StoredEvent } from '@fairlead/event-log';
import { boundedDetails, cutText } from '../../domain/details.js';
import { outcomeOf } from '../../domain/outcome.js';
import { tenantOfEvent } from '../../domain/tenant.js';
import { maxIdChars, objectOf, textOf } from '../../domain/text.js';
import type { TrailRecord } from './type.js';

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
    tenantId: tenantOfEvent(event),
    resourceType: cutText(aggregateType, maxIdChars),
    resourceId,
    requestId: textOf(meta['request_id']) ?? '',
    correlationId: textOf(meta['correlation_id']) ?? '',
    traceId: textOf(meta['trace_id']),
    jobId: textOf(meta['job_id']) ?? (aggregateType === 'job' ? resourceId : null),
    step: textOf(meta['step']),
    reason: textOf(meta['reason'], maxReasonChars),
    sourceAddress: textOf(meta['source_address']),
    outcome: outcomeOf(type, payload),
    details: boundedDetails(payload),
  };
}
