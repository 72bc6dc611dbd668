import type { Role } from '@fairlead/contracts';

/** Which roles the members of a group get. */
export type GroupRoles = Readonly<Record<string, readonly Role[]>>;

/** The roles that somebody's groups give, each once; none for groups that nobody has named, and for a claim that is no list of names. */
export function rolesOfGroups(claim: unknown, mapping: GroupRoles): Role[] {
  const groups = typeof claim === 'string' ? [claim] : Array.isArray(claim) ? claim : [];
  const found = groups.flatMap((group) => (typeof group === 'string' && Object.hasOwn(mapping, group) ? (mapping[group] ?? []) : []));
  return [...new Set(found)].sort();
}
