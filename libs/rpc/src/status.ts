import { Metadata, status as grpcStatus, type ServiceError } from '@grpc/grpc-js';
import { errorKinds, FairleadError, isErrorCode } from '@fairlead/contracts';

/** Carries the stable code and details beside gRPC's own status. */
const errorMetadataKey = 'fairlead-error-bin';
const maxDetailsBytes = 6_000;

/** What the transport answers for an error: a declared one as it is, anything else as `internal` without its message. */
export function toGrpcError(error: unknown): { code: number; details: string; metadata: Metadata } {
  const known =
    error instanceof FairleadError ? error : new FairleadError('internal', 'Something went wrong inside the service; its log tells more');
  const metadata = new Metadata();
  const full = JSON.stringify({ code: known.code, message: known.message, details: known.details });
  const text =
    full.length <= maxDetailsBytes ? full : JSON.stringify({ code: known.code, message: known.message.slice(0, 1_000), details: {} });
  metadata.set(errorMetadataKey, Buffer.from(text));
  // The status text travels as an HTTP/2 header: keep it short and plain.
  return { code: errorKinds[known.kind].grpc, details: known.message.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 500), metadata };
}

/** The call itself failed: nothing is known of what the service would have answered. */
export class CallFailed extends FairleadError {}

/** Makes our error again from what a call was answered with; `service` says who was asked. */
export function fromGrpcError(error: ServiceError, service: string): FairleadError {
  const [carried] = error.metadata.get(errorMetadataKey);
  if (carried !== undefined) {
    const { code, message, details } = JSON.parse(carried.toString()) as {
      code: unknown;
      message: string;
      details: Record<string, unknown>;
    };
    if (isErrorCode(code)) return new FairleadError(code, message, { details });
  }
  switch (error.code) {
    case grpcStatus.DEADLINE_EXCEEDED:
      return new CallFailed('deadline_exceeded', `${service} did not answer in time`, { cause: error });
    case grpcStatus.CANCELLED:
      return new CallFailed('deadline_exceeded', `the call to ${service} was given up`, { cause: error });
    case grpcStatus.UNAVAILABLE:
      return new CallFailed('service_unreachable', `${service} can't be reached`, { cause: error });
    case grpcStatus.RESOURCE_EXHAUSTED:
      return new FairleadError('too_large', `a message to or from ${service} is too large`, { cause: error });
    default:
      return new FairleadError('internal', `${service} failed`, { cause: error });
  }
}
