import type { Sql } from '@fairlead/postgres';
import type { AggregateSummary } from './type.js';

/** Which aggregates to list; what is left out does not filter. */
export interface AggregateFilter {
  readonly aggregateType?: string;
  readonly idPrefix?: string;
}

/** A summary's columns under the names of its fields. */
export const columns = `aggregate_type as "aggregateType", aggregate_id as "aggregateId", version, first_position as "firstPosition",
  first_time as "firstTime", last_position as "lastPosition", last_time as "lastTime", event_counts as "eventCounts", last_type as "lastType",
  last_principal as "lastPrincipal", tenant_id as "tenantId"`;

/**
 * A page of aggregates, the one that changed last first: those whose last event is before a position (0: from the newest
 * on), `limit` at most. One that changes while pages are read moves to the front.
 */
export async function listAggregates(
  sql: Sql,
  { aggregateType, idPrefix = '' }: AggregateFilter,
  page: { before: number; limit: number },
): Promise<AggregateSummary[]> {
  const params: unknown[] = [];
  const bind = (value: unknown) => `$${params.push(value)}`;
  const conditions = ['true'];
  if (aggregateType !== undefined) conditions.push(`aggregate_type = ${bind(aggregateType)}`);
  if (idPrefix !== '') conditions.push(`aggregate_id like ${bind(`${idPrefix.replaceAll(/[\\%_]/g, '\\$&')}%`)}`);
  if (page.before > 0) conditions.push(`last_position < ${bind(page.before)}`);
  return sql.query<AggregateSummary>(
    `select ${columns} from aggregate_summary where ${conditions.join(' and ')} order by last_position desc limit ${bind(page.limit)}`,
    params,
  );
}

/** One aggregate, or undefined when the log has no event of it up to the projection's checkpoint. */
export async function getAggregate(sql: Sql, aggregateType: string, aggregateId: string): Promise<AggregateSummary | undefined> {
  const [summary] = await sql.query<AggregateSummary>(
    `select ${columns} from aggregate_summary where aggregate_type = $1 and aggregate_id = $2`,
    [aggregateType, aggregateId],
  );
  return summary;
}
