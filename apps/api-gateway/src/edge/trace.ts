import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Tracing } from '@fairlead/telemetry';
import { bindContext, contextOf } from './context.js';

/**
 * Makes a request's server span, which ends with its response; its context becomes the span's. Never tells the path
 * or query that was asked for: like the log, only the route. Reads that anybody may make leave none: probes and
 * scrapes would drown the rest.
 */
export function traceRequest(tracing: Tracing, request: FastifyRequest, reply: FastifyReply): void {
  const { method, routeOptions } = request;
  if (routeOptions.config.access === 'public' && method === 'GET') return;
  const route = routeOptions.url;
  const span = tracing.start(route === undefined ? method : `${method} ${route}`, {
    kind: 'server',
    context: contextOf(request),
    attributes: { 'http.request.method': method, 'http.route': route, 'url.scheme': request.protocol },
  });
  if (span.context !== undefined) bindContext(request, span.context);
  // Also called for a response that was cut off.
  reply.raw.once('close', () => {
    const status = reply.statusCode;
    span.set({ 'http.response.status_code': status });
    if (status >= 500) span.fail(String(status));
    else if (!reply.raw.writableFinished) span.set({ 'fairlead.response.aborted': true });
    span.end();
  });
}
