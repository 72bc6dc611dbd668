import type { Aggregate } from '../log-api.js';
import { aggregateName } from './aggregate-name.js';
import { fields, table } from './table.js';

/** A page of aggregates, what changed last first. */
export function renderAggregates(aggregates: readonly Aggregate[]): string {
  return table(
    ['aggregate', 'version', 'last event', 'position', 'time', 'principal', 'tenant'],
    aggregates.map((aggregate) => [
      aggregateName(aggregate),
      aggregate.version,
      aggregate.last_type,
      aggregate.last_position,
      aggregate.last_time,
      aggregate.last_principal,
      aggregate.tenant_id,
    ]),
  );
}

/** One aggregate with how many events it has of each type. */
export function renderAggregate(aggregate: Aggregate): string {
  const head = fields([
    ['aggregate', aggregateName(aggregate)],
    ['version', aggregate.version],
    ['first event', `${aggregate.first_position ?? '-'} at ${aggregate.first_time ?? '-'}`],
    ['last event', `${aggregate.last_position ?? '-'} at ${aggregate.last_time ?? '-'}`],
    ['last type', aggregate.last_type],
    ['last principal', aggregate.last_principal],
    ['tenant', aggregate.tenant_id],
  ]);
  const counts = Object.entries(aggregate.event_counts ?? {}).sort(([, a], [, b]) => b - a);
  return `${head}\n${table(['event type', 'events'], counts)}`;
}
