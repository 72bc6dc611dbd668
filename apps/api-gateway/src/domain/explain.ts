/** Why a principal may do something somewhere, or what would let them. Pure. */
import { platformPath, roles, type Permission, type Role } from '@fairlead/contracts';
import { granted, may } from '@fairlead/auth';
import { grantsOfHeld, permissionsOf, type HeldRole } from './held-roles.js';

export interface Explanation<Held extends HeldRole> {
  readonly allowed: boolean;
  /** What gives the permission there, each by itself. */
  readonly by: readonly Held[];
  /** Nothing gives it: any of these roles on any of these scopes would. */
  readonly would: { readonly roles: readonly string[]; readonly scopes: readonly string[] } | undefined;
}

/** Explains whether roles that are held give a permission on a scope path. `custom`: the custom roles that give it. */
export function explain<Held extends HeldRole>(
  held: readonly Held[],
  permission: Permission,
  path: string,
  custom: readonly string[] = [],
): Explanation<Held> {
  const by = held.filter((one) => may(granted(grantsOfHeld([one])), permission, path));
  if (by.length > 0) return { allowed: true, by, would: undefined };
  const giving = (Object.keys(roles) as Role[]).filter((role) => permissionsOf({ role, permissions: null }).includes(permission));
  return { allowed: false, by, would: { roles: [...giving, ...custom], scopes: pathsTo(path) } };
}

/** A scope path and those above it, from the platform on. */
function pathsTo(path: string): string[] {
  const [, org, project] = /^(\/orgs\/[^/]+)(\/projects\/.+)?$/.exec(path) ?? [];
  if (org !== undefined && project !== undefined) return [platformPath, org, path];
  return path === platformPath ? [path] : [platformPath, path];
}
