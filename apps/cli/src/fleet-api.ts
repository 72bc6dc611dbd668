/** The gateway's operations on the managed services, and on the platform as a whole. */
import type { Schema } from '@fairlead/api-client';
import type { Having, Loose } from './http/answer.js';
import type { Caller, PageRequest } from './http/caller.js';

export type ClusterHealth = Having<Schema<'ClusterHealth'>, (typeof healthFields)[number]>;
export type ClusterStats = Loose<Schema<'ClusterStats'>>;
export type EndpointHappening = Loose<Schema<'EndpointHappening'>>;

/** The exit code hangs on it. */
const healthFields = ['state', 'reasons'] as const;

/** Binds these operations to a client. */
export function createFleetApi({ one, list }: Caller) {
  return {
    clusterHealth: () => one('cluster.health', {}, healthFields),
    clusterStats: () => one('cluster.stats', {}),
    endpointHistory: (id: string, page: PageRequest) => list('fleetHistory.history', {}, page, { id }),
  };
}
