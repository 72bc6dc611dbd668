import type { Role } from '@fairlead/contracts';

/** Which roles the members of a group get. */
export type GroupRoles = Readonly<Record<string, readonly Role[]>>;

/** What somebody's groups are mapped to; nothing for groups that nobody has named, and for a claim that is no list of names. */
export function mappedOf<T>(claim: unknown, mapping: Readonly<Record<string, readonly T[]>>): T[] {
  const groups = typeof claim === 'string' ? [claim] : Array.isArray(claim) ? claim : [];
  return groups.flatMap((group) => (typeof group === 'string' && Object.hasOwn(mapping, group) ? (mapping[group] ?? []) : []));
}

/** The roles that somebody's groups give, each once. */
export function rolesOfGroups(claim: unknown, mapping: GroupRoles): Role[] {
  return [...new Set(mappedOf(claim, mapping))].sort();
}
