/** What a principal may do, and where: permissions on scope paths. Pure. */
import {
  FairleadError,
  orgOfPath,
  orgPath,
  permissions,
  platformPath,
  projectOfPath,
  roles,
  scopePathPattern,
  tenantOfPath,
  type Permission,
  type Role,
} from '@fairlead/contracts';

/** Permissions by the scope path that they are given on. */
export type Grants = ReadonlyMap<string, ReadonlySet<Permission>>;

/** What decides: the permissions on the whole platform, and the paths on which each of the others is given. */
export interface Granted {
  readonly grants: ReadonlySet<Permission>;
  /** Never `/`, nor a permission that is given there. */
  readonly grantsOn?: ReadonlyMap<Permission, ReadonlySet<string>>;
}

/** How an access token tells grants: built-in roles and permissions by name, and the paths on which all of them are given. */
export interface GrantClaim {
  readonly may: readonly string[];
  readonly on: readonly string[];
}

/** How many scope paths besides `/` one principal may have grants on: an access token goes with every request, and holds them all. */
export const maxScopePaths = 50;
/** How many characters of an access token its grants may take up. */
const maxClaimLength = 5_000;

/**
 * Whether a permission is given on a scope path: by a grant on it, or on any path above it. Denies what nothing gives. It runs for every
 * request and every item of a list, so it makes nothing but the paths above.
 */
export function may({ grants, grantsOn }: Granted, permission: Permission, path: string = platformPath): boolean {
  if (grants.has(permission)) return true;
  const paths = grantsOn?.get(permission);
  if (paths === undefined) return false;
  for (let above = path; above.length > 1; above = above.slice(0, above.lastIndexOf('/'))) if (paths.has(above)) return true;
  return false;
}

/** Whether a permission is given anywhere at all. */
export function mayAnywhere({ grants, grantsOn }: Granted, permission: Permission): boolean {
  return grants.has(permission) || grantsOn?.has(permission) === true;
}

/** The tenants that a permission is given on, to narrow a list by; undefined for one that is given on the whole platform. */
export function tenantsWith(granted: Granted, permission: Permission): string[] | undefined {
  return namesWith(granted, permission, platformPath, tenantOfPath);
}

/** The same of orgs. */
export function orgsWith(granted: Granted, permission: Permission): string[] | undefined {
  return namesWith(granted, permission, platformPath, orgOfPath);
}

/** The same of an org's projects; undefined for a permission that is given on the whole org. */
export function projectsWith(granted: Granted, permission: Permission, org: string): string[] | undefined {
  return namesWith(granted, permission, orgPath(org), (path) => {
    const found = projectOfPath(path);
    return found?.org === org ? found.project : undefined;
  });
}

/** What is named by the paths that a permission is given on, sorted; undefined when it is given on what all of it belongs to. */
function namesWith(
  granted: Granted,
  permission: Permission,
  whole: string,
  nameOf: (path: string) => string | undefined,
): string[] | undefined {
  if (may(granted, permission, whole)) return undefined;
  return [...(granted.grantsOn?.get(permission) ?? [])].flatMap((path) => nameOf(path) ?? []).sort();
}

/** All permissions that are given on a scope path, sorted. */
export function permissionsAt(granted: Granted, path: string): Permission[] {
  return [...permissions].filter((permission) => may(granted, permission, path)).sort();
}

/** Whether one has, on a path, all permissions of a list; else the first that they lack. */
export function lackingAt(granted: Granted, wanted: Iterable<Permission>, path: string): Permission | undefined {
  for (const permission of wanted) if (!may(granted, permission, path)) return permission;
  return undefined;
}

/** The permissions of a set of roles. */
export function grantsOfRoles(names: readonly Role[]): Set<Permission> {
  return new Set(names.flatMap((name) => [...roles[name]]));
}

/**
 * Grants in the form that decides. Whoever may do anything anywhere may see to their own account, so `self` holds everywhere for them.
 */
export function granted(grants: Grants): Required<Granted> {
  const everywhere = new Set(grants.get(platformPath));
  const grantsOn = new Map<Permission, Set<string>>();
  for (const [path, given] of grants) {
    if (given.size > 0) everywhere.add('self');
    for (const permission of given) {
      if (everywhere.has(permission)) continue;
      const paths = grantsOn.get(permission);
      if (paths === undefined) grantsOn.set(permission, new Set([path]));
      else paths.add(path);
    }
  }
  return { grants: everywhere, grantsOn };
}

/** Grants by path, of the form that decides. */
export function grantsByPath({ grants, grantsOn = new Map<Permission, ReadonlySet<string>>() }: Granted): Grants {
  const byPath = new Map<string, Set<Permission>>([[platformPath, new Set(grants)]]);
  for (const [permission, paths] of grantsOn)
    for (const path of paths) byPath.set(path, new Set([...(byPath.get(path) ?? []), permission]));
  return byPath;
}

/** Whether grants give the same on each path that either names. */
export function sameGrants(one: Granted, other: Granted): boolean {
  const paths = new Set([...grantsByPath(one).keys(), ...grantsByPath(other).keys()]);
  return [...paths].every((path) => permissionsAt(one, path).join() === permissionsAt(other, path).join());
}

/** Grants that give what both give: each path's permissions, where the other gives them too. */
export function common(one: Grants, other: Grants): Grants {
  const [first, second] = [granted(one), granted(other)];
  const paths = new Set([...one.keys(), ...other.keys()]);
  return new Map(
    [...paths].flatMap((path) => {
      const given = permissionsAt(first, path).filter((permission) => may(second, permission, path));
      return given.length === 0 ? [] : [[path, new Set(given)] as const];
    }),
  );
}

/**
 * Grants as an access token tells them: paths with the same permissions stand together, and a built-in role stands for what it gives.
 * Throws `too_many_grants` for more than a token holds.
 */
export function claimOf(grants: Grants): GrantClaim[] {
  const everywhere = grants.get(platformPath) ?? new Set();
  const bySame = new Map<string, { may: string[]; on: string[] }>();
  for (const [path, given] of [...grants].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const own = path === platformPath ? given : new Set([...given].filter((permission) => !everywhere.has(permission)));
    if (own.size === 0) continue;
    const named = namesOf(own);
    const same = bySame.get(named.join(' '));
    if (same === undefined) bySame.set(named.join(' '), { may: named, on: [path] });
    else same.on.push(path);
  }
  const claim = [...bySame.values()];
  const paths = claim.flatMap(({ on }) => on).filter((path) => path !== platformPath).length;
  if (paths > maxScopePaths || JSON.stringify(claim).length > maxClaimLength)
    throw new FairleadError(
      'too_many_grants',
      `These are more grants than an access token holds: ${String(maxScopePaths)} scopes, ${String(maxClaimLength)} characters. Bind on a scope above instead.`,
      { details: { scopes: paths, max_scopes: maxScopePaths } },
    );
  return claim;
}

/** Grants as a token told them. A name that this release does not know gives nothing; anything that is no claim at all throws. */
export function grantsOfClaim(claim: unknown): Grants {
  if (!Array.isArray(claim)) throw new Error('the grants are no list');
  const grants = new Map<string, Set<Permission>>();
  for (const { may: names, on } of claim.map(claimed)) {
    const given = [...permissionsNamed(names)];
    for (const path of on.filter((one) => scopePathPattern.test(one))) grants.set(path, new Set([...(grants.get(path) ?? []), ...given]));
  }
  return grants;
}

function claimed(entry: unknown): GrantClaim {
  const { may: names, on } = (entry ?? {}) as Partial<Record<keyof GrantClaim, unknown>>;
  if (!isTexts(names) || !isTexts(on)) throw new Error('the grants name no permissions, or no scopes');
  return { may: names, on };
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

/** The largest built-in role that is whole among permissions, and the other permissions by themselves. */
function namesOf(given: ReadonlySet<Permission>): string[] {
  const whole = (Object.keys(roles) as Role[]).filter((role) => roles[role].every((permission) => given.has(permission)));
  const [largest] = whole.sort((a, b) => roles[b].length - roles[a].length);
  const told: ReadonlySet<Permission> = new Set(largest === undefined ? [] : roles[largest]);
  return [...(largest === undefined ? [] : [largest]), ...[...given].filter((permission) => !told.has(permission)).sort()];
}

const known: ReadonlySet<string> = new Set(permissions);

function permissionsNamed(names: readonly string[]): Set<Permission> {
  return new Set(
    names.flatMap((name) => (Object.hasOwn(roles, name) ? [...roles[name as Role]] : known.has(name) ? [name as Permission] : [])),
  );
}
