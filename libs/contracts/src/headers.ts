/** What travels with every request: as HTTP headers, gRPC metadata and NATS headers, under the same names. */
export const contextHeaders = {
  requestId: 'x-request-id',
  correlationId: 'x-correlation-id',
  traceparent: 'traceparent',
  tenantId: 'x-tenant-id',
  jobId: 'x-job-id',
  step: 'x-job-step',
} as const;

/** The IP address that a request came to the edge from, in gRPC metadata between services; never over HTTP or NATS. */
export const sourceAddressHeader = 'x-source-address';

/** The principal's token, in HTTP and gRPC metadata; never over NATS. */
export const authorizationHeader = 'authorization';
