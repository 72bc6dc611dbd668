/** What travels with every request: as HTTP headers, gRPC metadata and NATS headers, under the same names. */
export const contextHeaders = {
  requestId: 'x-request-id',
  correlationId: 'x-correlation-id',
  traceparent: 'traceparent',
  tenantId: 'x-tenant-id',
  jobId: 'x-job-id',
  step: 'x-job-step',
} as const;

/** The principal's token, in HTTP and gRPC metadata; never over NATS. */
export const authorizationHeader = 'authorization';
