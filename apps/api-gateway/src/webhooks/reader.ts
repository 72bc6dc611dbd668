import { platformPath, type Permission } from '@fairlead/contracts';
import { claimOf, common, granted, grantsOfClaim, grantsOfRoles, type GrantClaim, type Grants, type Principal } from '@fairlead/auth';
import type { Reader } from '../domain/audience.js';
import type { Ownership } from '../store/webhooks.js';

/** What a webhook may read: what both its maker could when they last set it, and its user may now. */
export function readerOf({ grants, userRoles }: Ownership): Reader {
  return granted(common(grantsOfClaim(grants), new Map([[platformPath, grantsOfRoles(userRoles)]])));
}

/** What a principal may do, as it is kept with a webhook. */
export function claimOfPrincipal({ grants, grantsOn }: Principal): GrantClaim[] {
  const byPath = new Map<string, Set<Permission>>([[platformPath, new Set(grants)]]);
  for (const [permission, paths] of grantsOn ?? [])
    for (const path of paths) byPath.set(path, new Set([...(byPath.get(path) ?? []), permission]));
  return claimOf(byPath satisfies Grants);
}
