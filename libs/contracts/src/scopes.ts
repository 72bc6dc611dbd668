/** The whole platform, as a scope path. */
export const platformPath = '/';

/**
 * A scope path: the part of the platform that a grant holds for. `/` is all of it; whatever is below a path belongs to it.
 * The pattern takes these forms: `/`, `/orgs/{org}`, `/orgs/{org}/projects/{project}`, `/tenants/{tenant}`.
 */
export const scopePathPattern =
  /^\/(?:orgs\/[A-Za-z0-9_-]{1,64}(?:\/projects\/[A-Za-z0-9_-]{1,64})?|tenants\/[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)?$/;

/** The scope path of a tenant. */
export function tenantPath(tenantId: string): string {
  return `/tenants/${tenantId}`;
}

/** The tenant whose scope path this is; undefined for any other path. */
export function tenantOfPath(path: string): string | undefined {
  return path.startsWith('/tenants/') ? path.slice('/tenants/'.length) : undefined;
}
