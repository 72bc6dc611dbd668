import { placedKinds, type PlacedKind, type ServiceKind } from '@fairlead/contracts';
import type { PlacementSource } from '@fairlead/placement-map/files';

type Shard = PlacementSource['shards'][number];

/** A shard to be put, and what of it differs; `new` when there is none yet. */
export interface ShardChange {
  readonly shard: Shard;
  readonly differs: readonly string[];
  /** It is cordoned only once the tenants are there that are new on it. */
  readonly cordonAfter: boolean;
}

export interface NewTenant {
  readonly tenantId: string;
  readonly placement: Readonly<Record<PlacedKind, string>>;
}

/** A tenant that is elsewhere than the documents say. `from` is undefined when it is placed nowhere for the kind. */
export interface WantedMove {
  readonly tenantId: string;
  readonly kind: PlacedKind;
  readonly from: string | undefined;
  readonly to: string;
}

/** What lies between an installation's placement and that of documents. */
export interface PlacementChanges {
  readonly shards: readonly ShardChange[];
  readonly tenants: readonly NewTenant[];
  /** Not made by an import: moves are plans. */
  readonly moves: readonly WantedMove[];
  /** What only the installation has; it stays. */
  readonly kept: { readonly shards: readonly string[]; readonly tenants: readonly string[] };
  /** Why the documents can't be brought in; empty when they can. */
  readonly problems: readonly string[];
}

/** Compares the placement that documents want with that of an installation. Pure. */
export function placementChanges(wanted: PlacementSource, present: PlacementSource): PlacementChanges {
  const nameOf = ({ kind, shardId }: { kind: ServiceKind; shardId: string }) => `${kind} ${shardId}`;
  const there = new Map(present.shards.map((shard) => [nameOf(shard), shard]));
  const named = new Set(wanted.shards.map(nameOf));
  const wantedTenants = tenantsOf(wanted);
  const presentTenants = tenantsOf(present);

  const problems: string[] = [];
  const tenants: NewTenant[] = [];
  const moves: WantedMove[] = [];
  for (const tenantId of wantedTenants) {
    const seats = placedKinds.map((kind) => ({ kind, to: wanted.maps[kind].get(tenantId), from: present.maps[kind].get(tenantId) }));
    const missing = seats.filter(({ to }) => to === undefined).map(({ kind }) => kind);
    if (missing.length > 0) problems.push(`the tenant ${tenantId} is placed for no ${missing.join(', no ')}`);
    else if (!presentTenants.has(tenantId))
      tenants.push({ tenantId, placement: Object.fromEntries(seats.map(({ kind, to }) => [kind, to])) as NewTenant['placement'] });
    else moves.push(...seats.flatMap(({ kind, to = '', from }) => (to === from ? [] : [{ tenantId, kind, from, to }])));
  }

  const filled = new Set(tenants.flatMap(({ placement }) => placedKinds.map((kind) => nameOf({ kind, shardId: placement[kind] }))));
  const shards: ShardChange[] = [];
  for (const shard of wanted.shards) {
    const before = there.get(nameOf(shard));
    const differs = before === undefined ? ['new'] : differences(before, shard);
    const isFilled = filled.has(nameOf(shard)) && shard.state === 'cordoned';
    if (isFilled && before?.state === 'cordoned')
      problems.push(`${nameOf(shard)} is cordoned and takes no tenants, and is to get some: make it active first`);
    if (differs.length > 0) shards.push({ shard, differs, cordonAfter: isFilled });
  }
  const kept = {
    shards: [...there.keys()].filter((name) => !named.has(name)),
    tenants: [...presentTenants].filter((tenantId) => !wantedTenants.has(tenantId)),
  };
  return { shards, tenants, moves, kept, problems };
}

function tenantsOf({ maps }: PlacementSource): Set<string> {
  return new Set(placedKinds.flatMap((kind) => [...maps[kind].keys()]).sort());
}

function differences(before: Shard, after: Shard): string[] {
  const parts: [name: string, of: (shard: Shard) => unknown][] = [
    ['endpoints', ({ endpoints }) => endpoints.map(({ endpointId, url }) => [endpointId, url])],
    ['weight', ({ weight }) => weight],
    ['labels', ({ labels }) => Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))],
    ['state', ({ state }) => state],
  ];
  return parts.filter(([, of]) => JSON.stringify(of(before)) !== JSON.stringify(of(after))).map(([name]) => name);
}
