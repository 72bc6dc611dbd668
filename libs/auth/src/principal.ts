import { FairleadError, roles, serviceGrants, type Permission, type Role, type ServiceName } from '@fairlead/contracts';

/** Who acts, and what they may do. */
export interface Principal {
  /** `user:usr_…` or `service:<name>`. */
  readonly id: string;
  /** For people to read: an e-mail address or a service's name. */
  readonly name: string;
  readonly kind: 'user' | 'service';
  readonly roles: readonly Role[];
  readonly grants: ReadonlySet<Permission>;
  /** The principal a service acts for, when it does. */
  readonly onBehalfOf?: string;
  /** `ses_…`: the login session that a user's token was given to. */
  readonly sessionId?: string;
}

/** The permissions of a set of roles. */
export function grantsOfRoles(names: readonly Role[]): Set<Permission> {
  return new Set(names.flatMap((name) => [...roles[name]]));
}

/** The permissions a service has as itself. */
export function grantsOfService(name: ServiceName): Set<Permission> {
  return new Set<Permission>(serviceGrants[name]);
}

/** Throws `permission_denied` unless the principal has the permission. */
export function requirePermission(principal: Principal, permission: Permission): void {
  if (!principal.grants.has(permission)) {
    throw new FairleadError('permission_denied', `${principal.name} may not do this: it needs the permission ${permission}`, {
      details: { permission },
    });
  }
}
