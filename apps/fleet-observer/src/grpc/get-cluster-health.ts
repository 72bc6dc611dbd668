import type { fleetV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { clusterHealth, type RegisteredShard, type ServiceState } from '../domain/cluster-health.js';
import type { FleetObservation } from '../tasks/observe-fleet.js';

const mostReasons = 200;

/** How all is and why, by what is known now; the services, and placement for its shards, are asked. */
export const getClusterHealth = (given: {
  readonly observation: FleetObservation;
  readonly services: () => Promise<readonly ServiceState[]>;
  /** As placement has them. */
  readonly registered: () => Promise<readonly RegisteredShard[]>;
  readonly oldAfterMs: number;
}): Rpc<fleetV1.GetClusterHealthRequest, fleetV1.GetClusterHealthResponse> =>
  rpc('fleet.read', async () => {
    const [services, registered] = await Promise.all([given.services(), given.registered()]);
    const { endpoints, takenAt } = await given.observation.snapshot(0);
    const sorted = [...endpoints].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, health]) => health);
    const now = new Date();
    const { reasons, ...health } = clusterHealth({ registered, endpoints: sorted, takenAt, services, now, oldAfterMs: given.oldAfterMs });
    return {
      ...health,
      reasons: reasons.slice(0, mostReasons),
      moreReasons: Math.max(0, reasons.length - mostReasons),
      endpointsTakenAt: takenAt?.toISOString() ?? '',
      services: [...services],
      at: now.toISOString(),
    };
  });
