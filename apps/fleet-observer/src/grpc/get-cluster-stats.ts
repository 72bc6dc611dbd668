import type { fleetV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import type { ClusterStats } from '../sensing/cluster-stats.js';

/** What is measured of each kind and service. That it could not be asked is part of the answer. */
export const getClusterStats = (given: {
  /** Of the server that is asked, as it may be shown. */
  readonly url: string;
  readonly stats: () => Promise<ClusterStats>;
}): Rpc<fleetV1.GetClusterStatsRequest, fleetV1.GetClusterStatsResponse> =>
  rpc('fleet.read', async () => {
    const { at, available, problem, pillars } = await given.stats();
    return { at: at.toISOString(), available, url: given.url, problem, pillars: [...pillars] };
  });
