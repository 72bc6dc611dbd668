import { FairleadError } from '@fairlead/contracts';
import type { Principal } from '@fairlead/auth';
import type { Database } from '@fairlead/postgres';
import { invalidField } from '../domain/invalid.js';
import type { Throttle } from '../domain/throttle.js';
import type { User } from '../store/user.js';
import { findUser } from '../store/users.js';
import { userIdOf } from './callers.js';
import { refuseTooMany } from './login.js';
import type { Passwords } from './passwords.js';

export interface OwnPasswordDeps {
  readonly database: Database;
  readonly passwords: Passwords;
  /** Of callers who are known, by what they try. */
  readonly throttle: Throttle;
}

/**
 * Answers the calling user when they know their password: whoever found an open session changes no credentials. Throws
 * `invalid_argument` when it is wrong, `rate_limited` after many wrong ones, `unauthenticated` when the user is gone or disabled.
 */
export async function checkOwnPassword(deps: OwnPasswordDeps, caller: Principal, password: string): Promise<User> {
  const userId = userIdOf(caller);
  const key = JSON.stringify(['password', userId]);
  const mayTry = () => {
    refuseTooMany(deps.throttle.waitMs(key, Date.now()));
  };
  mayTry();
  const user = await findUser(deps.database, { userId });
  const matches = await deps.passwords.matches(user?.passwordHash, password, { address: '', before: mayTry });
  if (user === undefined || user.disabled) throw new FairleadError('unauthenticated', 'The user is gone or disabled');
  if (!matches) {
    deps.throttle.failed(key, Date.now());
    throw invalidField('current_password', 'is not the current password');
  }
  deps.throttle.succeeded(key);
  return user;
}
