import type { EndpointHealth, Shard } from './api/types.js';

export interface Health {
  readonly type: 'success' | 'warning' | 'error' | 'info';
  readonly text: string;
}

/** What can be said of a shard by its endpoints. */
export function healthOf(endpoints: readonly Pick<EndpointHealth, 'reachable' | 'healthy' | 'ready'>[]): Health {
  if (endpoints.length === 0) return { type: 'info', text: 'Not probed yet' };
  const ready = endpoints.filter((endpoint) => endpoint.reachable && endpoint.healthy && endpoint.ready).length;
  if (ready === endpoints.length) return { type: 'success', text: 'Healthy' };
  if (ready > 0) return { type: 'warning', text: `${ready} of ${endpoints.length} ready` };
  const [what, type] = endpoints.some(({ reachable }) => reachable)
    ? (['Not ready', 'warning'] as const)
    : (['Unreachable', 'error'] as const);
  return { type, text: what };
}

/** Shards whose every endpoint is ready. */
export function countHealthy(shards: readonly Shard[], endpoints: readonly EndpointHealth[]): number {
  return shards.filter(({ kind, shard_id: id }) => {
    const own = endpoints.filter((endpoint) => endpoint.kind === kind && endpoint.shard_id === id);
    return healthOf(own).type === 'success';
  }).length;
}
