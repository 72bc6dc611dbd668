import type { fleetV1 } from '@fairlead/contracts';
import type { Outbound } from '@fairlead/outbound';
import { rpc, type Rpc } from '@fairlead/rpc';
import { appliedPlacement } from '../sensing/applied-placement.js';
import type { EndpointSource } from '../sensing/endpoints.js';

export interface Deps {
  readonly source: EndpointSource;
  readonly outbound: Outbound;
}

/** Which placement each gateway has applied, asked now. */
export const getAppliedPlacement = ({
  source,
  outbound,
}: Deps): Rpc<fleetV1.GetAppliedPlacementRequest, fleetV1.GetAppliedPlacementResponse> =>
  rpc('fleet.read', async () => {
    const gateways = (await source.all()).endpoints.filter(({ kind }) => kind === 'gateway');
    return { gateways: await appliedPlacement(outbound, gateways) };
  });
