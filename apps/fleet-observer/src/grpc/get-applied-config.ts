import { FairleadError, type fleetV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { appliedConfig } from '../sensing/applied-config.js';
import type { Deps } from './get-applied-placement.js';

/** Which revision of a configuration document each gateway goes by, asked now. */
export const getAppliedConfig = ({ source, outbound }: Deps): Rpc<fleetV1.GetAppliedConfigRequest, fleetV1.GetAppliedConfigResponse> =>
  rpc('fleet.read', async ({ document }) => {
    if (!/^[a-z0-9/-]{1,255}$/.test(document)) throw new FairleadError('invalid_argument', 'document: such as routing/platform/default');
    const gateways = (await source.all()).endpoints.filter(({ kind }) => kind === 'gateway');
    return { gateways: await appliedConfig(outbound, gateways, document) };
  });
