import type { ActiveSpan, SpanAttributes, Tracing } from '@fairlead/telemetry';
import type { Endpoint } from './directory.js';

/** Runs one HTTP call to a managed service in a client span. `template` is the path with its parameters' names. */
export function traceCall<T>(
  tracing: Tracing,
  endpoint: Endpoint,
  call: { method: string; url: string; template: string },
  work: (span: ActiveSpan) => Promise<T>,
): Promise<T> {
  const attributes = {
    'http.request.method': call.method,
    'url.template': call.template,
    'fairlead.fleet.kind': endpoint.kind,
    'fairlead.fleet.shard': endpoint.shardId,
    'fairlead.fleet.endpoint': endpoint.endpointId,
    ...addressOf(call.url),
  };
  return tracing.span(`${call.method} ${call.template}`, { kind: 'client', attributes }, work);
}

/** Without what may be secret in a URL: a login, a query. */
function addressOf(text: string): SpanAttributes {
  if (!URL.canParse(text)) return {};
  const { protocol, origin, hostname, port, pathname } = new URL(text);
  const standardPort = protocol === 'https:' ? 443 : 80;
  return { 'url.full': origin + pathname, 'server.address': hostname, 'server.port': port === '' ? standardPort : Number(port) };
}
