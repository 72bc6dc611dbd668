import type { Outbound } from '@fairlead/outbound';
import { currentContext, headersOfContext } from '@fairlead/telemetry';
import type { Endpoint } from '../domain/health.js';
import { routeUrl } from './probe.js';

const timeoutMs = 1_000;

/** Asks a gateway something that changes nothing; the body is undefined when it is not JSON. Throws when it does not answer. */
export async function askGateway(outbound: Outbound, gateway: Endpoint, route: string): Promise<{ status: number; body: unknown }> {
  const context = currentContext();
  const { status, body } = await outbound.request({
    method: 'GET',
    url: routeUrl(gateway, route),
    headers: context === undefined ? {} : headersOfContext(context),
    timeoutMs,
    maxResponseBytes: 1_048_576,
  });
  return { status, body: jsonOf(body) };
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}
