import { placedKinds, type PlacedKind } from '@fairlead/contracts';

/** What balancing heeds of a tenant: its load, the kinds that it does not move of, and the group that it is kept apart from. */
export interface TenantBalance {
  readonly load: number;
  readonly pinned: readonly PlacedKind[];
  readonly antiAffinity: string | null;
}

/** Of a tenant that nobody has said anything of. */
export const plainBalance: TenantBalance = { load: 1, pinned: [], antiAffinity: null };

/** The same with each kind once, in the order of kinds. */
export function canonicalBalance(balance: TenantBalance): TenantBalance {
  return { ...balance, pinned: placedKinds.filter((kind) => balance.pinned.includes(kind)) };
}

/** True when two, both canonical, say the same. */
export function sameBalance(a: TenantBalance, b: TenantBalance): boolean {
  return a.load === b.load && a.antiAffinity === b.antiAffinity && a.pinned.join() === b.pinned.join();
}
