/** What the roles that a principal holds come to. Pure. */
import { permissions, platformPath, roles, type Permission, type Role } from '@fairlead/contracts';
import type { Grants } from '@fairlead/auth';

/** A role that a principal holds on a scope path. */
export interface HeldRole {
  readonly role: string;
  readonly scope: string;
  /** Of a custom role; null for a built-in one, whose permissions this release knows. */
  readonly permissions: readonly string[] | null;
}

const known: ReadonlySet<string> = new Set(permissions);

/** True for a role that is part of the product. */
export function isBuiltIn(role: string): role is Role {
  return Object.hasOwn(roles, role);
}

/** The permissions of a role; one that this release does not know gives nothing. */
export function permissionsOf({ role, permissions: custom }: Pick<HeldRole, 'role' | 'permissions'>): Permission[] {
  if (isBuiltIn(role)) return [...roles[role]];
  return (custom ?? []).filter((name): name is Permission => known.has(name));
}

/**
 * What the custom ones among roles give, by role; undefined when there is none. A secret that is made with roles keeps it: whoever has the
 * secret gets no further when somebody widens one of them.
 */
export function customPermissions(given: readonly HeldRole[]): Record<string, Permission[]> | undefined {
  const custom = given.filter(({ permissions: own }) => own !== null);
  return custom.length === 0 ? undefined : Object.fromEntries(custom.map((one) => [one.role, permissionsOf(one).sort()]));
}

/** The permissions of roles by the scope path that they are held on. */
export function grantsOfHeld(held: readonly HeldRole[]): Grants {
  const grants = new Map<string, Set<Permission>>();
  for (const one of held) grants.set(one.scope, new Set([...(grants.get(one.scope) ?? []), ...permissionsOf(one)]));
  return grants;
}

/** The built-in roles that are held on the whole platform, sorted. */
export function platformRoles(held: readonly HeldRole[]): Role[] {
  return held.flatMap(({ role, scope }) => (scope === platformPath && isBuiltIn(role) ? [role] : [])).sort();
}
