import type { PlacedKind, ServiceKind } from '@fairlead/contracts';
import { supersedes, type PlacementOrigin } from '@fairlead/placement-map';

/** A shard and where its endpoints listen. */
export interface PlacedShard {
  readonly kind: ServiceKind;
  readonly shardId: string;
  readonly endpoints: readonly { readonly endpointId: string; readonly url: string }[];
}

/** What the fleet needs of a placement: a whole, immutable snapshot (libs/placement-map has one). */
export interface PlacementView {
  readonly epoch: number;
  readonly revision: number;
  readonly origin: PlacementOrigin;
  shardOf(kind: PlacedKind, tenantId: string): string | undefined;
  shard(kind: ServiceKind, shardId: string): PlacedShard | undefined;
  readonly shards: readonly PlacedShard[];
  /** Every tenant placed for a kind, with its shard. */
  assignments(kind: PlacedKind): Iterable<readonly [tenantId: string, shardId: string]>;
}

/** Tells of the newest placement; a subscriber is called at each newer one. */
export interface PlacementFeed {
  current(): PlacementView | undefined;
  subscribe(listener: (view: PlacementView) => void): () => void;
}

/** A feed that is told the placement: what a watcher of KV and files writes to, and what specs use in its place. */
export class PlacementBoard implements PlacementFeed {
  private view: PlacementView | undefined;
  private readonly listeners = new Set<(view: PlacementView) => void>();

  current(): PlacementView | undefined {
    return this.view;
  }

  /** Shows a placement unless the one shown is to stay. */
  show(view: PlacementView): void {
    if (this.view !== undefined && !supersedes(view, this.view)) return;
    this.view = view;
    for (const listener of this.listeners) listener(view);
  }

  subscribe(listener: (view: PlacementView) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

/** Makes a placement of plain values: what was read from a file, or what a spec wants. */
export function placementOf(options: {
  epoch: number;
  revision: number;
  /** KV unless told otherwise. */
  origin?: PlacementOrigin;
  shards: readonly PlacedShard[];
  maps: Readonly<Record<PlacedKind, ReadonlyMap<string, string>>>;
}): PlacementView {
  const byId = new Map(options.shards.map((shard) => [`${shard.kind}/${shard.shardId}`, shard]));
  return {
    epoch: options.epoch,
    revision: options.revision,
    origin: options.origin ?? 'kv',
    shards: options.shards,
    shardOf: (kind, tenantId) => options.maps[kind].get(tenantId),
    shard: (kind, shardId) => byId.get(`${kind}/${shardId}`),
    assignments: (kind) => options.maps[kind],
  };
}
