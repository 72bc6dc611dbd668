import type { FastifyRequest } from 'fastify';
import { contextHeaders } from '@fairlead/contracts';
import { contextFromHeaders, type RequestContext } from '@fairlead/telemetry';
import { clientAddress } from './client-address.js';

const contexts = new WeakMap<FastifyRequest, RequestContext>();

/** Callers may name these; a job, a step or a tenant they may not claim by a header of this edge. */
const acceptedHeaders: readonly string[] = [contextHeaders.requestId, contextHeaders.correlationId, contextHeaders.traceparent];

/** The ids of a request: its own headers' where they are valid, else made at the first question. */
export function contextOf(request: FastifyRequest): RequestContext {
  const bound = contexts.get(request);
  if (bound !== undefined) return bound;
  const context = contextFromHeaders((name) => {
    const value = acceptedHeaders.includes(name) ? request.headers[name] : undefined;
    return typeof value === 'string' ? value : undefined;
  });
  const known = { ...context, sourceAddress: clientAddress(request) };
  contexts.set(request, known);
  return known;
}

/** Replaces a request's context, once its caller is known. */
export function bindContext(request: FastifyRequest, context: RequestContext): void {
  contexts.set(request, context);
}
