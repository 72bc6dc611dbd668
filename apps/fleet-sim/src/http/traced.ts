import { contextFromHeaders, runInContext, type SpanAttributes, type Tracing } from '@fairlead/telemetry';
import { Problem, type HttpAnswer, type HttpRequest, type Route } from './server.js';

/**
 * Administrative routes that go on the trace they are asked in, each with a server span; what they log carries the
 * ids of the request. Requests without a trace, such as load and probes, leave no span.
 */
export function traced(routes: readonly Route[], tracing: Tracing, attributes: SpanAttributes): Route[] {
  return routes.map((route) => (route.path.startsWith('/admin/') ? tracedRoute(route, tracing, attributes) : route));
}

function tracedRoute(route: Route, tracing: Tracing, attributes: SpanAttributes): Route {
  const name = `${route.method} ${route.path}`;
  return {
    ...route,
    async handle(request) {
      const context = contextFromHeaders((header) => headerOf(request, header));
      if (context.startsTrace === true) return runInContext(context, () => route.handle(request));
      const http = { 'http.request.method': route.method, 'http.route': route.path, 'url.scheme': 'http' };
      const isFailure = (error: unknown) => statusOf(error) >= 500;
      return tracing.span(name, { kind: 'server', context, attributes: { ...http, ...attributes }, isFailure }, async (span) => {
        try {
          const answer: HttpAnswer = await route.handle(request);
          span.set({ 'http.response.status_code': answer.status });
          return answer;
        } catch (error) {
          span.set({ 'http.response.status_code': statusOf(error) });
          throw error;
        }
      });
    },
  };
}

function statusOf(error: unknown): number {
  return error instanceof Problem ? error.status : 500;
}

function headerOf({ headers }: HttpRequest, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}
