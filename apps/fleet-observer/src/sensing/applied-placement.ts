import { z } from 'zod';
import type { fleetV1 } from '@fairlead/contracts';
import type { Outbound } from '@fairlead/outbound';
import type { Endpoint } from '../domain/health.js';
import { askGateway } from './ask-gateway.js';
import { mapBounded } from './bounded.js';

const maxAtOnce = 256;

const count = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
const stateAnswer = z.object({ epoch: count, revision: count });

/** Asks gateways, all at once, which placement each has applied. One that does not say is not alive; `problem` tells why. */
export async function appliedPlacement(outbound: Outbound, gateways: readonly Endpoint[]): Promise<fleetV1.GatewayPlacement[]> {
  return mapBounded(gateways, maxAtOnce, async (gateway) => {
    const { shardId, endpointId } = gateway;
    try {
      return { shardId, endpointId, alive: true, ...(await askState(outbound, gateway)), problem: '' };
    } catch (error) {
      return { shardId, endpointId, alive: false, epoch: 0, revision: 0, problem: error instanceof Error ? error.message : 'it failed' };
    }
  });
}

async function askState(outbound: Outbound, gateway: Endpoint): Promise<{ epoch: number; revision: number }> {
  const { status, body } = await askGateway(outbound, gateway, '/admin/state');
  if (status !== 200) throw new Error(`status ${status}`);
  const parsed = stateAnswer.safeParse(body);
  if (!parsed.success) throw new Error('it does not say which placement it applied');
  return parsed.data;
}
