import { decodeEvent, type StoredEvent } from '@fairlead/event-log';
import { tenantByOwner } from '../../domain/tenant.js';
import { objectOf, textOf } from '../../domain/text.js';
import type { AggregateSummary } from './type.js';

/** What becomes of an aggregate's summary by its next event; the first one makes it. */
export function evolve(summary: AggregateSummary | undefined, event: StoredEvent): AggregateSummary {
  const meta = objectOf(event.meta);
  const { aggregateType, aggregateId, position, type, recordedAt } = event;
  const counts = summary?.eventCounts ?? {};
  return {
    aggregateType,
    aggregateId,
    version: event.version,
    firstPosition: summary?.firstPosition ?? position,
    firstTime: summary?.firstTime ?? recordedAt,
    lastPosition: position,
    lastTime: recordedAt,
    eventCounts: { ...counts, [type]: (Object.hasOwn(counts, type) ? (counts[type] ?? 0) : 0) + 1 },
    lastType: type,
    lastPrincipal: textOf(meta['principal']) ?? 'unknown',
    tenantId: tenantByOwner({ ...event, payload: payloadOf(event) }) ?? summary?.tenantId ?? null,
  };
}

/** As the present version has it, or as it is where that can't be told. */
function payloadOf(event: StoredEvent): StoredEvent['payload'] {
  try {
    return decodeEvent(event).payload;
  } catch {
    return event.payload;
  }
}

/** One key for an aggregate: its type has no slash. */
export const keyOf = ({ aggregateType, aggregateId }: { aggregateType: string; aggregateId: string }) => `${aggregateType}/${aggregateId}`;

/** Folds events, in position order, into the summaries of their aggregates, which are there unless an aggregate is new; answers those that changed. */
export function fold(known: ReadonlyMap<string, AggregateSummary>, events: readonly StoredEvent[]): Map<string, AggregateSummary> {
  const changed = new Map<string, AggregateSummary>();
  for (const event of events) {
    const key = keyOf(event);
    changed.set(key, evolve(changed.get(key) ?? known.get(key), event));
  }
  return changed;
}
