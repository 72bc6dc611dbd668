import type { Sql } from '@fairlead/postgres';
import type { TrailRecord } from './type.js';

/** Which records to list; what is left out does not filter. */
export interface RecordFilter {
  /** From this time on, inclusive. */
  readonly from?: Date;
  /** Up to this time, exclusive. */
  readonly to?: Date;
  readonly principal?: string;
  readonly tenantId?: string;
  /** Of these tenants alone. */
  readonly tenants?: readonly string[];
  readonly action?: ActionFilter;
  readonly requestId?: string;
  readonly correlationId?: string;
  readonly traceId?: string;
  readonly jobId?: string;
}

export type ActionFilter = { readonly exactly: string } | { readonly startingWith: string };

/** A page of records, newest first: those before a position (0: from the newest on), `limit` at most. */
export async function listRecords(sql: Sql, filter: RecordFilter, page: { before: number; limit: number }): Promise<TrailRecord[]> {
  const params: unknown[] = [];
  const bind = (value: unknown) => `$${params.push(value)}`;
  const conditions = conditionsOf(filter, bind);
  if (page.before > 0) conditions.push(`position < ${bind(page.before)}`);
  return sql.query<TrailRecord>(
    `select position, time, action, principal, via, tenant_id as "tenantId", resource_type as "resourceType",
       resource_id as "resourceId", request_id as "requestId", correlation_id as "correlationId", trace_id as "traceId",
       job_id as "jobId", step, reason, outcome, details
     from record ${conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`}
     order by position desc limit ${bind(page.limit)}`,
    params,
  );
}

function conditionsOf(filter: RecordFilter, bind: (value: unknown) => string): string[] {
  const equal = { principal: filter.principal, tenant_id: filter.tenantId, request_id: filter.requestId };
  const equalIds = { correlation_id: filter.correlationId, trace_id: filter.traceId, job_id: filter.jobId };
  const conditions = Object.entries({ ...equal, ...equalIds }).flatMap(([column, value]) =>
    value === undefined ? [] : [`${column} = ${bind(value)}`],
  );
  if (filter.tenants !== undefined) conditions.push(`tenant_id = any(${bind(filter.tenants)})`);
  if (filter.from !== undefined) conditions.push(`time >= ${bind(filter.from)}`);
  if (filter.to !== undefined) conditions.push(`time < ${bind(filter.to)}`);
  if (filter.action !== undefined) {
    conditions.push(
      'exactly' in filter.action
        ? `action = ${bind(filter.action.exactly)}`
        : `action like ${bind(prefixPattern(filter.action.startingWith))}`,
    );
  }
  return conditions;
}

/** A pattern for LIKE that matches what begins so. */
export function prefixPattern(prefix: string): string {
  return `${prefix.replaceAll(/[\\%_]/g, '\\$&')}%`;
}

/** The position of the newest record, 0 when there is none. Every event has a record, so the trail has come this far. */
export async function trailPosition(sql: Sql): Promise<number> {
  const [row] = await sql.query<{ position: number }>('select coalesce(max(position), 0) as position from record');
  return row?.position ?? 0;
}
