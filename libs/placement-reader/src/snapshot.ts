import type { PlacedKind, ServiceKind } from '@fairlead/contracts';
import { compareShards, compareVersions, type PlacementSource, type PlacementVersion, type ShardEntry } from './format/index.js';

/** Where a placement was read: KV is what Fairlead decided, files are the development fallback. */
export type PlacementOrigin = 'kv' | 'files';

/** One complete state of placement; never changes. */
export interface PlacementSnapshot extends PlacementVersion {
  readonly origin: PlacementOrigin;
  /** The shard that a tenant is placed on. */
  shardOf(kind: PlacedKind, tenantId: string): string | undefined;
  /** How many tenants are placed for a kind. */
  tenants(kind: PlacedKind): number;
  /** Every tenant placed for a kind, with its shard. */
  assignments(kind: PlacedKind): Iterable<readonly [tenantId: string, shardId: string]>;
  /** All shards, by kind and id. */
  readonly shards: readonly ShardEntry[];
  shard(kind: ServiceKind, shardId: string): ShardEntry | undefined;
}

/**
 * Whether a placement is to be applied over another: when its version is higher; and at the same version, which in KV
 * always means the same, over one that came from files, where people edit.
 */
export function supersedes(next: PlacementVersion, current: PlacementVersion & { readonly origin: PlacementOrigin }): boolean {
  const order = compareVersions(next, current);
  return order > 0 || (order === 0 && current.origin === 'files');
}

/** The snapshot of a source that does not change any more. */
export function snapshotOf(source: PlacementSource, origin: PlacementOrigin): PlacementSnapshot {
  const { epoch, revision, maps } = source;
  const directory = shardDirectory(source.shards);
  return {
    epoch,
    revision,
    origin,
    shardOf: (kind, tenantId) => maps[kind].get(tenantId),
    tenants: (kind) => maps[kind].size,
    assignments: (kind) => maps[kind],
    ...directory,
  };
}

/** The shards of a snapshot, sorted and by name. */
export function shardDirectory(entries: readonly ShardEntry[]): Pick<PlacementSnapshot, 'shards' | 'shard'> {
  const shards = [...entries].sort(compareShards);
  const byId = new Map(shards.map((shard) => [`${shard.kind}/${shard.shardId}`, shard]));
  return { shards, shard: (kind, shardId) => byId.get(`${kind}/${shardId}`) };
}
