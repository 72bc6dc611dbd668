import { AsyncLocalStorage } from 'node:async_hooks';
import { contextHeaders, externalIdPattern, namePattern, newId, randomHex } from '@fairlead/contracts';

/** Whose work this is: carried through HTTP, gRPC and NATS, into every log line, event and audit row. */
export interface RequestContext {
  readonly requestId: string;
  readonly correlationId: string;
  /** W3C trace context. */
  readonly traceparent: string;
  /** No span of this trace exists yet: the next one is its first, and decides whether the trace is kept. Not carried on. */
  readonly startsTrace?: true | undefined;
  readonly tenantId?: string;
  readonly jobId?: string;
  readonly step?: string;
  /** Principal id, such as `user:usr_…`. */
  readonly principal?: string;
  /** The service acting for the principal, when one does, or the API token they use (`api-token:flt_…`). */
  readonly via?: string;
  /** The IP address that the request came to the edge from. Carried on by gRPC alone. */
  readonly sourceAddress?: string;
  /** The caller's token, to pass on; never logged, never in an event. */
  readonly bearer?: string;
}

const storage = new AsyncLocalStorage<RequestContext>();

const traceparentPattern = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Runs a function, and all it starts, within a context. */
export function runInContext<T>(context: RequestContext, work: () => T): T {
  return storage.run(context, work);
}

/** Runs a function, and all it starts, outside of any context. */
export function leaveContext<T>(work: () => T): T {
  return storage.exit(work);
}

/** The context of the work at hand, or undefined outside of any. */
export function currentContext(): RequestContext | undefined {
  return storage.getStore();
}

/**
 * A context with fresh ids for what is missing. A fresh trace is not marked as sampled: that says that somebody keeps
 * its spans, which its first span knows.
 */
export function newContext(partial: Partial<RequestContext> = {}): RequestContext {
  const { traceparent } = partial;
  const fresh = () => ({ traceparent: traceparentOf(randomHex(16), randomHex(8), false), startsTrace: true as const });
  return {
    ...partial,
    requestId: partial.requestId ?? newId('request'),
    correlationId: partial.correlationId ?? newId('correlation'),
    ...(traceparent === undefined ? fresh() : { traceparent }),
  };
}

/** Builds a context from headers or metadata: valid ids are taken, missing or malformed ones made. */
export function contextFromHeaders(get: (name: string) => string | undefined): RequestContext {
  const valid = (name: string, pattern: RegExp) => {
    const value = get(name);
    return value !== undefined && pattern.test(value) ? value : undefined;
  };
  const optional = {
    tenantId: valid(contextHeaders.tenantId, namePattern),
    jobId: valid(contextHeaders.jobId, externalIdPattern),
    step: valid(contextHeaders.step, externalIdPattern),
  };
  return newContext({
    requestId: valid(contextHeaders.requestId, externalIdPattern),
    correlationId: valid(contextHeaders.correlationId, externalIdPattern),
    traceparent: valid(contextHeaders.traceparent, traceparentPattern),
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  });
}

/** The headers that carry a context on; without the principal's token, which HTTP and gRPC add themselves. */
export function headersOfContext(context: RequestContext): Record<string, string> {
  const headers: Record<string, string> = {
    [contextHeaders.requestId]: context.requestId,
    [contextHeaders.correlationId]: context.correlationId,
    [contextHeaders.traceparent]: context.traceparent,
  };
  if (context.tenantId !== undefined) headers[contextHeaders.tenantId] = context.tenantId;
  if (context.jobId !== undefined) headers[contextHeaders.jobId] = context.jobId;
  if (context.step !== undefined) headers[contextHeaders.step] = context.step;
  return headers;
}

/** The trace id (32 hex digits) of a context. */
export function traceIdOf(context: RequestContext): string {
  return context.traceparent.slice(3, 35);
}

/** The span id (16 hex digits) of a context. */
export function spanIdOf(context: RequestContext): string {
  return context.traceparent.slice(36, 52);
}

/** Whether the spans of a context's trace are kept, as whoever began it decided. */
export function isSampled(context: RequestContext): boolean {
  return (Number.parseInt(context.traceparent.slice(53, 55), 16) & 1) === 1;
}

/** The traceparent of a span. Ids are hex digits, 32 and 16; one of zeros only would be invalid, and does not happen by chance. */
export function traceparentOf(traceId: string, spanId: string, sampled: boolean): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
}
