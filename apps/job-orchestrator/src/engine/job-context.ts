import { newContext, type RequestContext } from '@fairlead/telemetry';
import type { JobRow } from '../store/rows.js';

/** The context of the request that started the job. */
export function contextOf(
  job: Pick<JobRow, 'request_id' | 'correlation_id' | 'traceparent' | 'job_id' | 'principal'> & { tenant_id?: string | null | undefined },
): RequestContext {
  return newContext({
    requestId: job.request_id,
    correlationId: job.correlation_id,
    traceparent: job.traceparent,
    jobId: job.job_id,
    principal: job.principal.id,
    via: 'job-orchestrator',
    ...(job.tenant_id == null ? {} : { tenantId: job.tenant_id }),
  });
}
