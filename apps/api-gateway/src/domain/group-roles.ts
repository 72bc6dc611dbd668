/** A role that an issuer's claims are mapped to, and the part of the platform that it is given on. There may be none of its name. */
export interface MappedRole {
  readonly role: string;
  readonly scope: string;
}

/** Which roles the members of a group get. */
export type GroupRoles = Readonly<Record<string, readonly string[]>>;

/** What somebody's groups are mapped to; nothing for groups that nobody has named, and for a claim that is no list of names. */
export function mappedOf<T>(claim: unknown, mapping: Readonly<Record<string, readonly T[]>>): T[] {
  const groups = typeof claim === 'string' ? [claim] : Array.isArray(claim) ? claim : [];
  return groups.flatMap((group) => (typeof group === 'string' && Object.hasOwn(mapping, group) ? (mapping[group] ?? []) : []));
}

/** The roles that somebody's groups give, each once. */
export function rolesOfGroups(claim: unknown, mapping: GroupRoles): string[] {
  return [...new Set(mappedOf(claim, mapping))].sort();
}

/** Those of one list that the other has not. */
export function lackingIn<T extends MappedRole>(one: readonly T[], other: readonly MappedRole[]): T[] {
  const there = new Set(other.map(keyOf));
  return one.filter((each) => !there.has(keyOf(each)));
}

/** The same for the same role on the same part. */
export function keyOf({ role, scope }: MappedRole): string {
  return `${role}@${scope}`;
}
