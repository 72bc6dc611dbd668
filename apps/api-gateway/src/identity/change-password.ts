import { FairleadError } from '@fairlead/contracts';
import type { Principal } from '@fairlead/auth';
import { appendInTransaction } from '@fairlead/event-log';
import type { Database } from '@fairlead/postgres';
import type { Throttle } from '../domain/throttle.js';
import { invalidField } from '../domain/invalid.js';
import { findUser, replacePassword } from '../store/users.js';
import { presentCaller, userIdOf } from './callers.js';
import { removeFirstAdminFile } from './first-admin-file.js';
import { refuseTooMany } from './login.js';
import type { Passwords } from './passwords.js';
import { endSessionsOf } from './sessions.js';

export interface ChangePasswordDeps {
  readonly database: Database;
  readonly passwords: Passwords;
  readonly throttle: Throttle;
  readonly firstAdminFile: string | undefined;
}

/**
 * Sets the caller's own password, ends their other sessions and records both; answers the event's position. The file with the first
 * admin's login goes once its password is no longer the one. Throws `invalid_argument` when the current password
 * is wrong or the new one is the same, `rate_limited` after many wrong ones, `unauthenticated` when the session that
 * asks has ended.
 */
export async function changePassword(
  deps: ChangePasswordDeps,
  caller: Principal,
  input: { currentPassword: string; newPassword: string },
): Promise<number> {
  const userId = userIdOf(caller);
  const key = JSON.stringify(['password', userId]);
  const mayTry = () => {
    refuseTooMany(deps.throttle, key);
  };
  mayTry();
  const user = await findUser(deps.database.dataSource.manager, { userId });
  const matches = await deps.passwords.matches(user?.passwordHash, input.currentPassword, { address: '', before: mayTry });
  if (user === undefined || user.disabled) throw new FairleadError('unauthenticated', 'The user is gone or disabled');
  if (!matches) {
    deps.throttle.failed(key, Date.now());
    throw invalidField('current_password', 'is not the current password');
  }
  deps.throttle.succeeded(key);
  if (input.newPassword === input.currentPassword) throw invalidField('new_password', 'is the current password');
  const newHash = await deps.passwords.hash(input.newPassword);
  const position = await deps.database.transaction(async (tx) => {
    const replaced = await replacePassword(tx, { userId, oldHash: user.passwordHash, newHash });
    if (!replaced) throw new FairleadError('version_conflict', 'The password was changed by another request meanwhile');
    await presentCaller(tx, caller);
    const ended = await endSessionsOf(tx, userId, 'password_changed', caller.sessionId);
    const changed = { aggregateType: 'user', aggregateId: userId, type: 'password_changed', payload: { email: user.email } } as const;
    const appended = await appendInTransaction(tx, { events: [changed, ...ended] });
    return appended.lastPosition;
  });
  if (user.passwordIsInitial) await removeFirstAdminFile(deps.firstAdminFile);
  return position;
}
