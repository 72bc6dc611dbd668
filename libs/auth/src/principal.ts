import {
  FairleadError,
  namePattern,
  platformPath,
  roles,
  serviceGrants,
  tenantPath,
  type Permission,
  type Role,
  type ServiceName,
} from '@fairlead/contracts';
import { grantsOfRoles, may, mayAnywhere, type Granted } from './grants.js';

/** The part of the platform that a principal is kept to: what belongs to one of these tenants or nodes, and nothing else. */
export interface Scope {
  readonly tenants?: readonly string[];
  readonly nodes?: readonly string[];
}

/** Who acts, and what they may do. */
export interface Principal extends Granted {
  /** `user:usr_…`, `project:prj_…` or `service:<name>`. */
  readonly id: string;
  /** For people to read: an e-mail address or a service's name. */
  readonly name: string;
  readonly kind: 'user' | 'project' | 'service';
  /** The built-in roles on the whole platform, for people to read; grants decide. */
  readonly roles: readonly Role[];
  /** The principal a service acts for, when it does. */
  readonly onBehalfOf?: string;
  /** `ses_…`: the login session that a user's token was given to. */
  readonly sessionId?: string;
  /** `flt_…`: the API token that a user's program called with. */
  readonly apiTokenId?: string;
  /** What the principal is kept to; the whole platform without it. */
  readonly scope?: Scope;
  /** When the token that said all this ends, in ms since 1970. */
  readonly expiresAtMs: number;
}

/** Through what a principal acts, as context, log lines and events tell it: a service, or `api-token:flt_…`; undefined for a user alone. */
export function viaOf(principal: Principal): string | undefined {
  if (principal.kind === 'service') return principal.name;
  return principal.apiTokenId === undefined ? undefined : `api-token:${principal.apiTokenId}`;
}

/** The roles whose permissions two sets of roles both give; none that another one of them includes. */
export function commonRoles(one: readonly Role[], other: readonly Role[]): Role[] {
  const [first, second] = [grantsOfRoles(one), grantsOfRoles(other)];
  const common = (Object.keys(roles) as Role[]).filter((role) => roles[role].every((grant) => first.has(grant) && second.has(grant)));
  const includes = (larger: Role, smaller: Role) =>
    roles[larger].length > roles[smaller].length && roles[smaller].every((grant) => roles[larger].includes(grant));
  return common.filter((role) => !common.some((larger) => includes(larger, role)));
}

/** Whether a principal is a program's, a service account or a project: it holds roles as people do, and is nobody's second person. */
export function isProgram({ id }: Pick<Principal, 'id'>): boolean {
  return id.startsWith('user:sva_') || id.startsWith('project:');
}

/** Who acts with an account's credentials, by its id: `user:usr_…`, `user:sva_…`, or a project, `project:prj_…`. The database's `users.principal` says the same. */
export function principalOfAccount(accountId: string): string {
  return `${accountId.startsWith('prj_') ? 'project' : 'user'}:${accountId}`;
}

/** The id of the account whose principal this is; undefined for any other text. */
export function accountOf(principal: string): string | undefined {
  const id = /^[a-z]+:(.+)$/.exec(principal)?.[1];
  return id !== undefined && principalOfAccount(id) === principal ? id : undefined;
}

/** Throws `permission_denied` for a principal that is kept to other tenants. */
export function requireTenant(principal: Principal, tenantId: string): void {
  if (principal.scope === undefined || principal.scope.tenants?.includes(tenantId) === true) return;
  throw new FairleadError('permission_denied', `${principal.name} is kept to other tenants`, { details: { tenant_id: tenantId } });
}

/** The permissions a service has as itself. */
export function grantsOfService(name: ServiceName): Set<Permission> {
  return new Set<Permission>(serviceGrants[name]);
}

/** Where a permission is asked for; on the whole platform, and of callers without a scope, when nothing is said. */
export interface Asked {
  /** What asks heeds the scope that its caller may be kept to. */
  readonly scoped?: boolean;
  /** The tenant that it is about: a grant on it is enough. */
  readonly tenant?: string;
  /** It is enough to have the permission anywhere: what asks looks itself at where, and answers no more than that. */
  readonly anywhere?: boolean;
}

/**
 * Throws `permission_denied` unless the principal has the permission there. One that is kept to a scope is refused even then,
 * except by what says (`scoped`) that it heeds scopes.
 */
export function requirePermission(
  principal: Principal,
  permission: Permission,
  { scoped = false, tenant, anywhere = false }: Asked = {},
): void {
  const path = scopeOf(tenant);
  if (!(anywhere ? mayAnywhere(principal, permission) : may(principal, permission, path))) refuse(principal, permission, path);
  if (principal.scope !== undefined && !scoped)
    throw new FairleadError(
      'permission_denied',
      'A token that is kept to some tenants or nodes may not do this: it reads what is theirs alone',
    );
}

/**
 * The scope path of a tenant; the whole platform's where there is none. What is no tenant's name may come from outside: it is nobody's
 * path, and takes the platform too.
 */
export function scopeOf(tenant: string | undefined): string {
  return tenant !== undefined && namePattern.test(tenant) ? tenantPath(tenant) : platformPath;
}

/** Throws `permission_denied` unless the principal has the permission on a scope path. */
export function requireOn(principal: Principal, permission: Permission, path: string): void {
  if (!may(principal, permission, path)) refuse(principal, permission, path);
}

function refuse({ name }: Principal, permission: Permission, path: string): never {
  const where = path === platformPath ? '' : ` on ${path}`;
  throw new FairleadError('permission_denied', `${name} may not do this: it needs the permission ${permission}${where}`, {
    details: { permission, ...(path === platformPath ? {} : { scope: path }) },
  });
}
