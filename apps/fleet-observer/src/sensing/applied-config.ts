import { z } from 'zod';
import type { fleetV1 } from '@fairlead/contracts';
import type { Outbound } from '@fairlead/outbound';
import type { Endpoint } from '../domain/health.js';
import { askGateway } from './ask-gateway.js';
import { mapBounded } from './bounded.js';

const maxAtOnce = 256;

const count = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
const stateAnswer = z.object({
  config: z.record(z.string(), z.object({ epoch: count, revision: count, sha256: z.string().max(128) })).optional(),
});
const routeAnswer = z.object({ route: z.string().min(1).max(128), revision: count });

/** Asks gateways, all at once, which revision of a document each goes by. One that does not answer is not alive; `problem` tells why. */
export async function appliedConfig(outbound: Outbound, gateways: readonly Endpoint[], document: string): Promise<fleetV1.GatewayConfig[]> {
  return mapBounded(gateways, maxAtOnce, async (gateway) => {
    const { shardId, endpointId } = gateway;
    const nothing = { shardId, endpointId, epoch: 0, revision: 0, sha256: '' };
    try {
      const { status, body } = await askGateway(outbound, gateway, '/admin/state');
      if (status !== 200) throw new Error(`status ${String(status)}`);
      const { config } = stateAnswer.parse(body);
      const applied = config !== undefined && Object.hasOwn(config, document) ? config[document] : undefined;
      return { ...nothing, ...applied, alive: true, follows: config !== undefined, problem: '' };
    } catch (error) {
      return { ...nothing, alive: false, follows: false, problem: messageOf(error) };
    }
  });
}

/** Asks each gateway for each request's route. */
export async function resolvedRoutes(
  outbound: Outbound,
  gateways: readonly Endpoint[],
  requests: readonly fleetV1.RouteRequest[],
): Promise<fleetV1.ResolvedRoute[]> {
  const asked = gateways.flatMap((gateway) => requests.map((request) => ({ gateway, request })));
  return mapBounded(asked, maxAtOnce, async ({ gateway, request }) => {
    const told = { shardId: gateway.shardId, endpointId: gateway.endpointId, request };
    try {
      const query = new URLSearchParams({ host: request.host, path: request.path }).toString();
      const { status, body } = await askGateway(outbound, gateway, `/admin/resolve?${query}`);
      if (status === 404) return { ...told, route: '', revision: 0, problem: 'it finds no route' };
      if (status !== 200) throw new Error(`status ${String(status)}`);
      return { ...told, ...routeAnswer.parse(body), problem: '' };
    } catch (error) {
      return { ...told, route: '', revision: 0, problem: messageOf(error) };
    }
  });
}

function messageOf(error: unknown): string {
  if (error instanceof z.ZodError) return 'its answer is not as the contract says';
  return error instanceof Error ? error.message : 'it failed';
}
