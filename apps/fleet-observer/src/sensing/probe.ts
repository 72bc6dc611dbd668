import { describeError } from '@fairlead/contracts';
import type { Outbound } from '@fairlead/outbound';
import { normalise, type Endpoint, type EndpointHealth, type RouteAnswer } from '../domain/health.js';

export interface ProbeOptions {
  readonly outbound: Outbound;
  /** Per route. */
  readonly timeoutMs: number;
}

const maxStateBytes = 65_536;
const maxMetricsBytes = 4_194_304;

/** What to ask an endpoint for besides health and readiness, and what is known of it. */
export interface ProbeRequest {
  readonly metrics: boolean;
  readonly before: EndpointHealth | undefined;
}

/**
 * Asks an endpoint's routes at once. Metrics are asked of one that was away, too: it may be another process since. Never throws:
 * what went wrong is part of the answer.
 */
export async function probeEndpoint(
  { outbound, timeoutMs }: ProbeOptions,
  endpoint: Endpoint,
  { metrics: wanted, before }: ProbeRequest,
): Promise<EndpointHealth> {
  const takenAt = new Date();
  const ask = async (route: string, maxResponseBytes: number): Promise<RouteAnswer> => {
    try {
      const { status, body, durationMs } = await outbound.request({
        method: 'GET',
        url: routeUrl(endpoint, route),
        timeoutMs,
        maxResponseBytes,
      });
      return { status, body: body.toString('utf8'), durationMs };
    } catch (error) {
      return { problem: error instanceof Error ? error.message : describeError(error) };
    }
  };
  const [health, ready, metrics] = await Promise.all([
    ask('/health', maxStateBytes),
    ask('/ready', maxStateBytes),
    wanted || before?.reachable !== true ? ask('/metrics', maxMetricsBytes) : undefined,
  ]);
  return normalise(endpoint, { health, ready, metrics }, takenAt, before);
}

/** An endpoint's address with one of its routes. */
export function routeUrl(endpoint: Endpoint, route: string): string {
  return endpoint.url.replace(/\/$/, '') + route;
}
