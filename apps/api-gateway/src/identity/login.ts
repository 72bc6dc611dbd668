import { FairleadError } from '@fairlead/contracts';
import type { Appender, NewEvent } from '@fairlead/event-log';
import type { Throttle } from '../domain/throttle.js';
import type { User } from '../store/user.js';
import { findUser } from '../store/users.js';
import type { Passwords } from './passwords.js';
import { openSession, type Access, type Client, type HeldSession, type SessionDeps } from './sessions.js';

export interface LoginDeps extends SessionDeps {
  readonly appender: Appender;
  readonly passwords: Passwords;
  readonly throttle: Throttle;
  /** By address alone: who tries ever new e-mail addresses is stopped too. */
  readonly addressThrottle: Throttle;
}

export interface LoginAttempt {
  /** In lower case. */
  readonly email: string;
  readonly password: string;
  readonly client: Client;
}

/**
 * Checks a user's password and opens a session, with its first access token. The attempt is recorded before
 * it is answered. Throws `login_failed` (the same for an unknown or disabled user and a wrong password) and
 * `rate_limited` with `retry_after_seconds`.
 */
export async function login(deps: LoginDeps, attempt: LoginAttempt): Promise<{ session: HeldSession; access: Access }> {
  const { email, password, client } = attempt;
  const key = JSON.stringify([email, client.address]);
  // Checked again when the password's turn comes: many attempts at once must not slip past the limit.
  const mayTry = () => {
    refuseTooMany(deps.addressThrottle, client.address);
    refuseTooMany(deps.throttle, key);
  };
  mayTry();
  const user = await findUser(deps.database.dataSource.manager, { email });
  const matches = await deps.passwords.matches(user?.passwordHash, password, { address: client.address, before: mayTry });
  const opened = user === undefined || !matches || user.disabled ? undefined : await openSession(deps, user, client);
  if (opened === undefined) {
    deps.throttle.failed(key, Date.now());
    deps.addressThrottle.failed(client.address, Date.now());
    await recordFailure(deps.appender, user, attempt);
    throw new FairleadError('login_failed', 'The e-mail address or the password is not right');
  }
  deps.throttle.succeeded(key);
  return opened;
}

/** Throws `rate_limited` while a key has to wait. */
export function refuseTooMany(throttle: Throttle, key: string): void {
  const waitMs = throttle.waitMs(key, Date.now());
  if (waitMs > 0) {
    const seconds = Math.ceil(waitMs / 1_000);
    throw new FairleadError('rate_limited', `Too many failed attempts; try again in ${seconds} s`, {
      details: { retry_after_seconds: seconds },
    });
  }
}

async function recordFailure(appender: Appender, user: User | undefined, { email, client }: LoginAttempt): Promise<void> {
  const cause = user === undefined ? 'unknown_user' : user.disabled ? 'disabled' : 'wrong_password';
  const event: NewEvent = {
    aggregateType: 'user',
    aggregateId: user?.userId ?? 'unknown',
    type: 'login_failed',
    payload: { email, address: client.address, cause },
    meta: { principal: 'anonymous' },
  };
  const outcome = await appender.append({ events: [event] });
  if (outcome.status !== 'ok') throw new FairleadError('version_conflict', 'The login could not be recorded');
}
