/** Catalogues for specs whose subject is the log and not what the product's events say. */
import { z } from 'zod';
import { eventType, type AggregateEvents, type AggregateType, type EventCatalogue } from '@fairlead/contracts';

const anything = eventType(z.record(z.string(), z.unknown()));
const changes = { permission: 'log.read', types: { changed: anything } } as const satisfies AggregateEvents;

/** One event type, `changed`, of each aggregate type, with any payload. */
export const testEvents = {
  user: changes,
  signing_key: changes,
  webhook: changes,
  role: changes,
  role_binding: changes,
  data_table: changes,
  sensitive_read: changes,
  iam_change: changes,
  org: changes,
  project: changes,
  tenant: changes,
  shard: changes,
  placement_map: changes,
  config: changes,
  definition: changes,
  plan: changes,
  job: changes,
  schedule: changes,
  service_command: changes,
  endpoint: changes,
  dead_letter: changes,
  projection: changes,
  event_log: changes,
} as const satisfies Record<AggregateType, AggregateEvents>;

export type TestEvents = typeof testEvents;

/** A catalogue that takes these events, whatever they carry. */
export function catalogueOf(events: readonly { aggregateType: string; type: string }[]): EventCatalogue {
  const typesOf = (aggregateType: string) => events.filter((event) => event.aggregateType === aggregateType).map(({ type }) => type);
  return Object.fromEntries(
    events.map(({ aggregateType }) => [
      aggregateType,
      { permission: 'log.read', types: Object.fromEntries(typesOf(aggregateType).map((type) => [type, anything])) },
    ]),
  );
}
