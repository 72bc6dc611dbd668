import { FairleadError, type Permission } from '@fairlead/contracts';
import { accountOf, common, granted, grantsByPath, requireOn, type Principal } from '@fairlead/auth';
import type { Transaction } from '@fairlead/postgres';
import { grantsOfHeld } from '../domain/held-roles.js';
import { lockCaller, type TokenOrigin } from '../store/callers.js';
import { lockUsers } from '../store/users.js';

/** The user who calls; throws `permission_denied` for a service. */
export function userIdOf(caller: Principal): string {
  if (caller.kind !== 'user') throw new FairleadError('permission_denied', 'Only users have a login');
  return caller.id.slice('user:'.length);
}

/**
 * Answers the caller with no more than what their token and their present roles both give, and keeps it so until the
 * transaction ends. An access token outlives a change of roles by minutes; whatever changes who may do what asks
 * here, so that nobody takes back what they have just lost. Throws `unauthenticated` when the caller is disabled,
 * or their session or API token has ended.
 *
 * A transaction that changes users asks after it has locked them, or two of them would wait for each other.
 */
export async function presentCaller(tx: Transaction, caller: Principal): Promise<Principal> {
  const held = await lockCaller(tx, originOf(caller));
  if (held === undefined) throw ended();
  return { ...caller, ...granted(common(grantsByPath(caller), grantsOfHeld(held))) };
}

/**
 * Locks all users for one who has a permission on a scope path, and answers them as they are now: changes of who may do what, and of what
 * there is to have roles on, take turns. Throws `permission_denied`, and as `presentCaller`.
 */
export async function lockedCaller(tx: Transaction, caller: Principal, permission: Permission, path: string): Promise<Principal> {
  await lockUsers(tx);
  const present = await presentCaller(tx, caller);
  requireOn(present, permission, path);
  return present;
}

/** What a caller's access token comes from. */
export function originOf(caller: Principal): TokenOrigin {
  return { userId: accountIdOf(caller), sessionId: caller.sessionId, apiTokenId: caller.apiTokenId };
}

/** The account that calls: a user's, a service account's or a project's; throws `permission_denied` for a service. */
export function accountIdOf(caller: Principal): string {
  const id = accountOf(caller.id);
  if (id === undefined) throw new FairleadError('permission_denied', 'Only users, service accounts and projects have an account');
  return id;
}

export function ended(): FairleadError {
  return new FairleadError('unauthenticated', 'The user is gone or disabled, or the session or API token has ended');
}
