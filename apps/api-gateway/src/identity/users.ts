import { FairleadError, newId, type Role } from '@fairlead/contracts';
import { requirePermission, type Principal } from '@fairlead/auth';
import { appendInTransaction } from '@fairlead/event-log';
import type { Answering, Database, Transaction } from '@fairlead/postgres';
import type { User } from '../store/user.js';
import { findUser, insertUser, lockUsers, touchUser } from '../store/users.js';
import { presentCaller } from './callers.js';
import { refuseWeakPassword } from './change-password.js';
import type { Passwords } from './passwords.js';
import { giveRoles, refuseMoreRoles, refuseNoAdmin, replaceRoles } from './given-roles.js';
import { endSessionsOf } from './sessions.js';

/**
 * Creates a user and records it; answers what is made of the user and the event's position. Throws `already_exists`, `invalid_argument` for
 * a password that may not be taken, `permission_denied` for a role that gives
 * more than the caller has, and `permission_denied` or `unauthenticated` when they may not manage identity any more.
 */
export async function createUser<Answer>(
  { passwords }: { passwords: Passwords },
  caller: Principal,
  input: { email: string; password: string; roles: readonly Role[] },
  answering: Answering<{ user: User; position: number }, Answer>,
): Promise<Answer> {
  const { email, roles } = input;
  refuseWeakPassword('password', input.password, { email });
  const passwordHash = await passwords.hash(input.password);
  const userId = newId('user');
  return answering(async (tx) => {
    refuseMoreRoles(await lockUsersFor(tx, caller), roles);
    const inserted = await insertUser(tx, { userId, email, passwordHash, passwordIsInitial: false });
    if (!inserted) throw new FairleadError('already_exists', `There is a user ${email} already`);
    await giveRoles(tx, { userId, roles, by: caller.id });
    const user = await mustFind(tx, userId);
    const { lastPosition } = await appendInTransaction(tx, {
      events: [{ aggregateType: 'user', aggregateId: userId, expectedVersion: 0, type: 'user_created', payload: { email, roles } }],
    });
    return { user, position: lastPosition };
  });
}

/**
 * Changes a user's roles, or disables or enables them, and records it. Disabling ends their sessions; access tokens
 * that are out keep their roles until they expire, but change nobody's. Throws `not_found`, `revision_mismatch` when the change is for another revision, `invalid_argument` when nobody
 * would be left to administer users, and `permission_denied` or `unauthenticated` when the caller may not any more.
 */
export async function changeUser(
  database: Database,
  caller: Principal,
  userId: string,
  change: { roles?: readonly Role[]; disabled?: boolean; revision?: number },
): Promise<{ user: User; position: number | undefined }> {
  return database.transaction(async (tx) => {
    const present = await lockUsersFor(tx, caller);
    const before = await mustFind(tx, userId);
    if (change.revision !== undefined && change.revision !== before.revision)
      throw new FairleadError('revision_mismatch', `The user has been changed since: the revision is ${before.revision} now`, {
        details: { revision: before.revision },
      });
    const roles = change.roles ?? before.roles;
    const disabled = change.disabled ?? before.disabled;
    if (disabled === before.disabled && sameRoles(roles, before.roles)) return { user: before, position: undefined };
    refuseMoreRoles(
      present,
      roles.filter((role) => !before.roles.includes(role)),
    );
    await replaceRoles(tx, { userId, before: before.roles, roles, by: caller.id });
    await touchUser(tx, { userId, disabled });
    await refuseNoAdmin(tx);
    const user = await mustFind(tx, userId);
    const ended = disabled ? await endSessionsOf(tx, userId, 'user_disabled') : [];
    const { lastPosition } = await appendInTransaction(tx, {
      events: [
        {
          aggregateType: 'user',
          aggregateId: userId,
          type: 'user_changed',
          payload: { before: { roles: before.roles, disabled: before.disabled }, after: { roles, disabled } },
        },
        ...ended,
      ],
    });
    return { user, position: lastPosition };
  });
}

/** Locks all users for one who may manage them, now and until the transaction ends; answers them as they are now. */
async function lockUsersFor(tx: Transaction, caller: Principal): Promise<Principal> {
  await lockUsers(tx);
  const present = await presentCaller(tx, caller);
  requirePermission(present, 'identity.manage');
  return present;
}

function sameRoles(a: readonly Role[], b: readonly Role[]): boolean {
  return JSON.stringify([...a].sort()) === JSON.stringify([...b].sort());
}

async function mustFind(tx: Transaction, userId: string): Promise<User> {
  const user = await findUser(tx, { userId });
  if (user?.serviceAccount !== null) throw new FairleadError('not_found', `There is no user ${userId}`);
  return user;
}
