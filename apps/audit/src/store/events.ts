import type { Sql } from '@fairlead/postgres';
import { tenantExpression } from '../domain/tenant.js';
import { prefixPattern, type ActionFilter } from '../projections/audit-record/query.js';

/** Which events to find; what is left out does not filter. */
export interface EventFilter {
  readonly aggregateType?: string;
  /** With a type alone. */
  readonly aggregateId?: string;
  /** By `<aggregate type>.<event type>`. */
  readonly action?: ActionFilter;
  readonly tenantId?: string;
  readonly principal?: string;
  readonly requestId?: string;
  readonly correlationId?: string;
  readonly traceId?: string;
  readonly jobId?: string;
}

/** A range of positions, both ends inclusive. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** In which order, and how many at most. */
export interface Take {
  readonly oldestFirst: boolean;
  readonly limit: number;
}

type Bind = (value: unknown) => string;

/** Finds positions by the trail's indexes; the caller knows that the trail has come as far as the range. */
export function findInTrail(sql: Sql, filter: EventFilter, range: Range, take: Take): Promise<number[]> {
  const columns = {
    resource_type: filter.aggregateType,
    resource_id: filter.aggregateId,
    tenant_id: filter.tenantId,
    principal: filter.principal,
    request_id: filter.requestId,
    correlation_id: filter.correlationId,
    trace_id: filter.traceId,
    job_id: filter.jobId,
  };
  return find(sql, range, take, (bind) => ({
    from: 'record',
    conditions: [
      ...equal(columns, bind),
      ...actionCondition('action', filter.action, bind),
      // Serves a type without an id by the index on actions.
      ...(filter.aggregateType === undefined ? [] : [`action like ${bind(prefixPattern(`${filter.aggregateType}.`))}`]),
    ],
  }));
}

/** Finds positions in the log itself: by its aggregate's index when one is given, else by a look at every event of the range. */
export function findInLog(sql: Sql, filter: EventFilter, range: Range, take: Take): Promise<number[]> {
  const columns = {
    aggregate_type: filter.aggregateType,
    aggregate_id: filter.aggregateId,
    // As the trail tells them.
    [tenantExpression]: filter.tenantId,
    [`meta ->> 'principal'`]: filter.principal,
    [`meta ->> 'request_id'`]: filter.requestId,
    [`meta ->> 'correlation_id'`]: filter.correlationId,
    [`meta ->> 'trace_id'`]: filter.traceId,
    [`coalesce(meta ->> 'job_id', case when aggregate_type = 'job' then aggregate_id end)`]: filter.jobId,
  };
  return find(sql, range, take, (bind) => ({
    from: 'log.event',
    conditions: [...equal(columns, bind), ...actionCondition(`aggregate_type || '.' || type`, filter.action, bind)],
  }));
}

async function find(
  sql: Sql,
  range: Range,
  { oldestFirst, limit }: Take,
  query: (bind: Bind) => { from: string; conditions: readonly string[] },
): Promise<number[]> {
  const params: unknown[] = [];
  const bind: Bind = (value) => `$${params.push(value)}`;
  const { from, conditions } = query(bind);
  const all = [`position between ${bind(range.low)} and ${bind(range.high)}`, ...conditions];
  const order = `order by position ${oldestFirst ? 'asc' : 'desc'} limit ${bind(limit)}`;
  // Without conditions the key's order is the way; with them it could walk the whole range in search of a rare match.
  const text =
    conditions.length === 0
      ? `select position from ${from} where ${all.join(' and ')} ${order}`
      : `with found as materialized (select position from ${from} where ${all.join(' and ')}) select position from found ${order}`;
  const rows = await sql.query<{ position: number }>(text, params);
  return rows.map(({ position }) => position);
}

function equal(columns: Readonly<Record<string, string | undefined>>, bind: Bind): string[] {
  return Object.entries(columns).flatMap(([column, value]) => (value === undefined ? [] : [`${column} = ${bind(value)}`]));
}

function actionCondition(column: string, action: ActionFilter | undefined, bind: Bind): string[] {
  if (action === undefined) return [];
  return 'exactly' in action ? [`${column} = ${bind(action.exactly)}`] : [`${column} like ${bind(prefixPattern(action.startingWith))}`];
}

/** The positions of an aggregate's events before and after a version; 0 for none. */
export async function neighboursOf(
  sql: Sql,
  event: { aggregateType: string; aggregateId: string; version: number },
): Promise<{ previous: number; next: number }> {
  const [row] = await sql.query<{ previous: number; next: number }>(
    `select coalesce(max(position) filter (where version = $3 - 1), 0) as previous, coalesce(max(position) filter (where version = $3 + 1), 0) as next
     from log.event where aggregate_type = $1 and aggregate_id = $2 and version in ($3 - 1, $3 + 1)`,
    [event.aggregateType, event.aggregateId, event.version],
  );
  return row ?? { previous: 0, next: 0 };
}
