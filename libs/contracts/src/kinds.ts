/** Kinds of managed service. Tenants are placed on all but the gateway. */
export const serviceKinds = ['gateway', 'aggregate', 'projection', 'runner'] as const;
export type ServiceKind = (typeof serviceKinds)[number];

export const placedKinds = ['aggregate', 'projection', 'runner'] as const;
export type PlacedKind = (typeof placedKinds)[number];

/** True for a kind that tenants are placed on. */
export function isPlacedKind(value: string): value is PlacedKind {
  return (placedKinds as readonly string[]).includes(value);
}

/** A tenant's state on one shard, as the fleet contract names it (docs/fleet-contract.md). */
export const tenantStates = ['absent', 'active', 'draining', 'drained', 'sealed', 'imported', 'moved'] as const;
export type TenantStateName = (typeof tenantStates)[number];
