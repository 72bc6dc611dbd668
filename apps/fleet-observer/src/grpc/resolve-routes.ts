import { FairleadError, type fleetV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { resolvedRoutes } from '../sensing/applied-config.js';
import type { Deps } from './get-applied-placement.js';

const maxRequests = 100;

/** Which route each of some gateways would send each request by, asked now; endpoints that are no gateway are left out. */
export const resolveRoutes = ({ source, outbound }: Deps): Rpc<fleetV1.ResolveRoutesRequest, fleetV1.ResolveRoutesResponse> =>
  rpc('fleet.read', async ({ gateways: named, requests }) => {
    if (
      requests.length > maxRequests ||
      requests.some(({ host, path }) => host.length > 253 || path.length > 2_048 || !path.startsWith('/'))
    )
      throw new FairleadError(
        'invalid_argument',
        `requests: ${String(maxRequests)} at most, each with a host and a path that begins with /`,
      );
    const wanted = new Set(named);
    const gateways = (await source.all()).endpoints.filter(
      ({ kind, shardId, endpointId }) => kind === 'gateway' && wanted.has(`${shardId}/${endpointId}`),
    );
    return { resolved: await resolvedRoutes(outbound, gateways, requests) };
  });
