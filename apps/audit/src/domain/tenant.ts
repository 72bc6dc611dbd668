import { eventCatalogue, kindsWithTenant, wholePlacementMap, type EventCatalogue } from '@fairlead/contracts';
import type { StoredEvent } from '@fairlead/event-log';
import { objectOf, textOf } from './text.js';

const catalogue: EventCatalogue = eventCatalogue;

/** The tenant whose business an event is, by what its owner wrote, as the catalogue says; null for the platform's, and for what can't be judged. */
export function tenantByOwner({ aggregateType, aggregateId, type, payload }: StoredEvent): string | null {
  const events = Object.hasOwn(catalogue, aggregateType) ? catalogue[aggregateType] : undefined;
  try {
    return textOf(events?.tenantOf?.({ aggregateType, aggregateId, type, payload: objectOf(payload) }));
  } catch {
    return null;
  }
}

/**
 * The tenant that an event is found by: whose business it is, and else the one that it was recorded for. An event about one tenant that was
 * recorded in a request for another is the first one's. {@link tenantExpression} says the same in SQL.
 */
export function tenantOfEvent(event: StoredEvent): string | null {
  return tenantByOwner(event) ?? textOf(objectOf(event.meta)['tenant_id']);
}

const kinds = [...kindsWithTenant].map((kind) => `'${kind}'`).join(', ');
const ofWork = `coalesce(${ifText(`payload -> 'tenant_id'`)},
      case when payload ->> 'kind' in (${kinds}) then ${ifText(`payload -> 'params' -> 'tenant'`)} end)`;

/** {@link tenantOfEvent} of a row of the log. A test over all types of events holds the two to each other. */
export const tenantExpression = `coalesce(
  case aggregate_type
    when 'tenant' then aggregate_id
    when 'placement_map' then nullif(aggregate_id, '${wholePlacementMap}')
    when 'service_command' then substring(aggregate_id from '^tenant/([^/]+)/[^/]+$')
    when 'plan' then ${ofWork}
    when 'job' then ${ofWork}
    when 'schedule' then ${ofWork}
  end,
  ${ifText(`meta -> 'tenant_id'`)})`;

function ifText(json: string): string {
  return `case when jsonb_typeof(${json}) = 'string' then ${json} #>> '{}' end`;
}
