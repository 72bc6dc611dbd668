import { status as grpcStatus } from '@grpc/grpc-js';
import type { RequestContext, Tracing } from '@fairlead/telemetry';
import { toGrpcError } from './status.js';

/** What is the server's own fault; the other codes answer the caller's. */
const serverFaults: readonly string[] = ['UNKNOWN', 'DEADLINE_EXCEEDED', 'UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS'];

/** Runs one side of a call in a span. `path` is the method's, such as `/fairlead.jobs.v1.JobOrchestratorService/StartJob`. */
export function traceRpc<T>(
  tracing: Tracing,
  call: { kind: 'client' | 'server'; path: string; context?: RequestContext },
  work: () => Promise<T>,
): Promise<T> {
  const method = call.path.slice(1);
  const options = {
    kind: call.kind,
    context: call.context,
    attributes: { 'rpc.system.name': 'grpc', 'rpc.method': method },
    isFailure: (error: unknown) => call.kind === 'client' || serverFaults.includes(statusOf(error)),
  };
  return tracing.span(method, options, async (span) => {
    try {
      const answer = await work();
      span.set({ 'rpc.status_code': 'OK' });
      return answer;
    } catch (error) {
      span.set({ 'rpc.status_code': statusOf(error) });
      throw error;
    }
  });
}

/** gRPC's name for what an error is answered with. */
function statusOf(error: unknown): string {
  return grpcStatus[toGrpcError(error).code] ?? 'UNKNOWN';
}
