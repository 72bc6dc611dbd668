/** The whole platform, as a scope path. */
export const platformPath = '/';

/** What orgs, projects and tenants are called in a scope path: a DNS label. */
const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';

/**
 * A scope path: the part of the platform that a grant holds for. `/` is all of it; whatever is below a path belongs to it.
 * The pattern takes these forms: `/`, `/orgs/{org}`, `/orgs/{org}/projects/{project}`, `/tenants/{tenant}`.
 */
export const scopePathPattern = new RegExp(`^/(?:orgs/${label}(?:/projects/${label})?|tenants/${label})?$`);

/** The scope path of a tenant. */
export function tenantPath(tenantId: string): string {
  return `/tenants/${tenantId}`;
}

/** The tenant whose scope path this is; undefined for any other path. */
export function tenantOfPath(path: string): string | undefined {
  return path.startsWith('/tenants/') ? path.slice('/tenants/'.length) : undefined;
}

/** The scope path of an org: of its projects, too. */
export function orgPath(org: string): string {
  return `/orgs/${org}`;
}

/** The org whose scope path this is; undefined for any other path, also of a project. */
export function orgOfPath(path: string): string | undefined {
  return /^\/orgs\/([^/]+)$/.exec(path)?.[1];
}

/** The scope path of a project. */
export function projectPath(org: string, project: string): string {
  return `${orgPath(org)}/projects/${project}`;
}

/** The project whose scope path this is, with its org; undefined for any other path. */
export function projectOfPath(path: string): { org: string; project: string } | undefined {
  const [, org, project] = /^\/orgs\/([^/]+)\/projects\/([^/]+)$/.exec(path) ?? [];
  return org === undefined || project === undefined ? undefined : { org, project };
}
