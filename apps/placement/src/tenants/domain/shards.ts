import type { ServiceKind } from '@fairlead/contracts';

export const shardStates = ['active', 'cordoned'] as const;
export type ShardState = (typeof shardStates)[number];

export interface ShardEndpoint {
  readonly endpointId: string;
  /** Canonical, as the endpoint policy answers it. */
  readonly url: string;
}

/** What an operator says of a shard. */
export interface ShardSpec {
  readonly kind: ServiceKind;
  readonly shardId: string;
  readonly endpoints: readonly ShardEndpoint[];
  /** Share of tenants relative to the other shards of the kind, at least 1. */
  readonly weight: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: ShardState;
  /** The load that balancing lets it have at most; null for no bound. */
  readonly maxLoad: number | null;
}

/** Whether tenants may come to a shard: it is active, and has an endpoint that would serve them. The one place where that is decided. */
export const takesTenants = ({ state, endpoints }: { readonly state: string; readonly endpoints: number }): boolean =>
  state === 'active' && endpoints > 0;

/** A shard as it is asked for: weight, state and highest load may be left to what stands. */
export type ShardRequest = Omit<ShardSpec, 'weight' | 'state' | 'maxLoad'> & {
  readonly weight?: number;
  readonly state?: ShardState;
  readonly maxLoad?: number | null;
};

/**
 * The shard as it will stand. A weight, state or highest load left out stays as it is (1, active and none for a new shard), so that
 * registering endpoints anew undoes no operator's cordon. Endpoints come in id order.
 */
export function mergeShard(request: ShardRequest, current: ShardSpec | undefined): ShardSpec {
  return {
    kind: request.kind,
    shardId: request.shardId,
    endpoints: [...request.endpoints].sort((a, b) => (a.endpointId < b.endpointId ? -1 : 1)),
    weight: request.weight ?? current?.weight ?? 1,
    labels: request.labels,
    state: request.state ?? current?.state ?? 'active',
    maxLoad: request.maxLoad === undefined ? (current?.maxLoad ?? null) : request.maxLoad,
  };
}

/** True when two specifications of one shard say the same. */
export function sameShard(a: ShardSpec, b: ShardSpec): boolean {
  return canonical(a) === canonical(b);
}

function canonical(shard: ShardSpec): string {
  const labels = Object.entries(shard.labels).sort(([a], [b]) => (a < b ? -1 : 1));
  const endpoints = shard.endpoints.map(({ endpointId, url }) => [endpointId, url]);
  return JSON.stringify([shard.kind, shard.shardId, endpoints, shard.weight, labels, shard.state, shard.maxLoad]);
}
