import { defineProjection } from '@fairlead/event-log';
import type { Sql } from '@fairlead/postgres';
import { recordOf } from './evolve.js';
import { tables, type TrailRecord } from './type.js';

/** The trail: one record of each event that is not in a sealed segment. It takes events as they are stored: what went wrong in one must not keep others out. */
export const auditRecord = defineProjection({
  name: 'audit_record',
  // 2: the tenant is what the catalogue says, before what the request was for.
  version: 2,
  tables,
  reads: 'raw',
  apply: (tx, events, { record }) => insertRecords(tx, record, events.map(recordOf)),
});

/** Stores records, in one statement: a rebuild passes over what is sealed. Fails when one of the positions has a record already. */
async function insertRecords(sql: Sql, table: string, records: readonly TrailRecord[]): Promise<void> {
  const rows = records.map((record) => ({
    position: record.position,
    time: record.time,
    action: record.action,
    principal: record.principal,
    via: record.via,
    tenant_id: record.tenantId,
    resource_type: record.resourceType,
    resource_id: record.resourceId,
    request_id: record.requestId,
    correlation_id: record.correlationId,
    trace_id: record.traceId,
    job_id: record.jobId,
    step: record.step,
    reason: record.reason,
    source_address: record.sourceAddress,
    outcome: record.outcome,
    details: record.details,
  }));
  await sql.query(
    `insert into ${table} select * from jsonb_populate_recordset(null::${table}, $1) where position > (select sealed_until from sealing)`,
    [JSON.stringify(rows)],
  );
}
