import { FairleadError, type fleetV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import type { FleetObservation } from '../tasks/observe-fleet.js';

/** The snapshot of all endpoints, in the order of kind, shard and endpoint. */
export const getSnapshot = (observation: FleetObservation): Rpc<fleetV1.GetSnapshotRequest, fleetV1.GetSnapshotResponse> =>
  rpc('fleet.read', async ({ maxAgeMs }) => {
    if (!Number.isSafeInteger(maxAgeMs) || maxAgeMs < 0)
      throw new FairleadError('invalid_argument', 'max_age_ms: a number from 0 on is needed');
    const { endpoints, takenAt } = await observation.snapshot(maxAgeMs);
    const sorted = [...endpoints].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, health]) => health);
    return { endpoints: sorted, takenAt: takenAt?.toISOString() ?? '', unreachable: sorted.filter(({ reachable }) => !reachable).length };
  });
