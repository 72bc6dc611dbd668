import { Controller, Get, Inject, Query } from '@nestjs/common';
import { z } from 'zod';
import type { auditV1 } from '@fairlead/contracts';
import { RequirePermission } from '../edge/access.js';
import { Answers, page, time } from '../edge/answers.js';
import { asCaller, auditClient, orNull, type AuditClient } from '../edge/clients.js';
import { pageOf, pageQuery, startNumberOf } from '../edge/paging.js';
import { action, externalId, opaqueId, position, principalId, target, tenantId, timestamp } from '../edge/parse.js';

export const listQuery = z.strictObject({
  ...pageQuery,
  from: timestamp.optional(),
  to: timestamp.optional(),
  principal: principalId.optional(),
  tenant: tenantId.optional(),
  action: action.optional(),
  request_id: externalId.optional(),
  correlation_id: externalId.optional(),
  trace_id: externalId.optional(),
  job_id: opaqueId.optional(),
  /** What it was done to, such as `tenant:acme`. */
  resource: target.optional(),
  /** Answer when the trail has reached this position, which a write told in `x-fairlead-position`. */
  wait_for: position.optional(),
});

const recordSchema = z
  .object({
    position: z.int(),
    time,
    action: z.string(),
    outcome: z.string(),
    principal: z.string(),
    via: z.string().nullable(),
    tenant_id: z.string().nullable(),
    resource_type: z.string(),
    resource_id: z.string(),
    reason: z.string().nullable(),
    /** The IP address that the principal's request came from; null for what no request made. */
    source_address: z.string().nullable(),
    request_id: z.string().nullable(),
    correlation_id: z.string().nullable(),
    trace_id: z.string().nullable(),
    job_id: z.string().nullable(),
    step: z.string().nullable(),
    details: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'AuditRecord' });

export const auditPage = page(recordSchema).extend({ position: z.int(), sealed_until: z.int() });

@Controller('admin/v1/audit')
export class AuditController {
  constructor(@Inject(auditClient) private readonly audit: AuditClient) {}

  /** Newest first; `position` tells how far the trail has come, `sealed_until` up to which position it is in sealed segments and not asked. */
  @Get()
  @RequirePermission('audit.read', { anywhere: true })
  @Answers('Lists the trail of who did what, as far as the caller may read it, the newest first.', auditPage)
  list(@Query({ schema: listQuery }) query: z.output<typeof listQuery>) {
    return recordsPage(this.audit, query);
  }
}

/** A page of the trail, as its reader may see it. */
export async function recordsPage(audit: AuditClient, query: z.output<typeof listQuery>) {
  const response = await audit.listRecords(
    {
      limit: query.limit,
      before: startNumberOf('audit', query.cursor) ?? 0,
      fromTime: query.from ?? '',
      toTime: query.to ?? '',
      principal: query.principal ?? '',
      tenantId: query.tenant ?? '',
      action: query.action ?? '',
      requestId: query.request_id ?? '',
      correlationId: query.correlation_id ?? '',
      traceId: query.trace_id ?? '',
      jobId: query.job_id ?? '',
      resource: query.resource ?? '',
      waitForPosition: query.wait_for ?? 0,
    },
    asCaller(),
  );
  return {
    ...pageOf('audit', response.records.map(recordView), response.nextBefore),
    position: response.position,
    sealed_until: response.sealedUntil,
  };
}

function recordView(record: auditV1.AuditRecord) {
  return {
    position: record.position,
    time: record.time,
    action: record.action,
    outcome: record.outcome,
    principal: record.principal,
    via: orNull(record.via),
    tenant_id: orNull(record.tenantId),
    resource_type: record.resourceType,
    resource_id: record.resourceId,
    reason: orNull(record.reason),
    source_address: orNull(record.sourceAddress),
    request_id: orNull(record.requestId),
    correlation_id: orNull(record.correlationId),
    trace_id: orNull(record.traceId),
    job_id: orNull(record.jobId),
    step: orNull(record.step),
    details: record.details ?? {},
  };
}
