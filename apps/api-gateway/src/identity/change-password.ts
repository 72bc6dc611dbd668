import { FairleadError } from '@fairlead/contracts';
import type { Principal } from '@fairlead/auth';
import { appendInTransaction } from '@fairlead/event-log';
import { invalidFields } from '../domain/invalid.js';
import { passwordProblems, type PasswordOwner } from '../domain/password-policy.js';
import { replacePassword } from '../store/users.js';
import { presentCaller } from './callers.js';
import { removeFirstAdminFile } from './first-admin-file.js';
import { checkOwnPassword, type OwnPasswordDeps } from './own-password.js';
import { endSessionsOf } from './sessions.js';

export interface ChangePasswordDeps extends OwnPasswordDeps {
  readonly firstAdminFile: string | undefined;
}

/**
 * Sets the caller's own password, ends their other sessions and records both; answers the event's position. The file with the first
 * admin's login goes once its password is no longer the one. Throws `invalid_argument` when the current password
 * is wrong or the new one may not be taken, `rate_limited` after many wrong ones, `unauthenticated` when the session that
 * asks has ended.
 */
export async function changePassword(
  deps: ChangePasswordDeps,
  caller: Principal,
  input: { currentPassword: string; newPassword: string },
): Promise<number> {
  const user = await checkOwnPassword(deps, caller, input.currentPassword);
  const { userId, email } = user;
  refuseWeakPassword('new_password', input.newPassword, { email, current: input.currentPassword });
  const newHash = await deps.passwords.hash(input.newPassword);
  const position = await deps.database.transaction(async (tx) => {
    const replaced = await replacePassword(tx, { userId, oldHash: user.passwordHash, newHash });
    if (!replaced) throw new FairleadError('version_conflict', 'The password was changed by another request meanwhile');
    await presentCaller(tx, caller);
    const ended = await endSessionsOf(tx, userId, 'password_changed', caller.sessionId);
    const changed = { aggregateType: 'user', aggregateId: userId, type: 'password_changed', payload: { email } } as const;
    const appended = await appendInTransaction(tx, { events: [changed, ...ended] });
    return appended.lastPosition;
  });
  if (user.passwordIsInitial) await removeFirstAdminFile(deps.firstAdminFile);
  return position;
}

/** Throws `invalid_argument` that names every rule which a new password breaks. */
export function refuseWeakPassword(field: string, password: string, owner: PasswordOwner): void {
  const problems = passwordProblems(password, owner);
  if (problems.length > 0) throw invalidFields(problems.map((detail) => ({ pointer: `/${field}`, detail })));
}
