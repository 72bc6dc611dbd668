import { FairleadError, newId } from '@fairlead/contracts';
import type { TokenSigner } from '@fairlead/auth';
import type { Appender, NewEvent } from '@fairlead/event-log';
import type { Database } from '@fairlead/postgres';
import type { Throttle } from '../domain/throttle.js';
import type { User } from '../store/user.js';
import { findUser } from '../store/users.js';
import type { Passwords } from './passwords.js';

export interface LoginDeps {
  readonly database: Database;
  readonly appender: Appender;
  readonly signer: TokenSigner;
  readonly passwords: Passwords;
  readonly throttle: Throttle;
  readonly tokenTtlSeconds: number;
}

export interface LoginAttempt {
  /** In lower case. */
  readonly email: string;
  readonly password: string;
  /** Where the attempt comes from. */
  readonly address: string;
}

/**
 * Checks a user's password and answers an access token and its life in seconds. The attempt is recorded before
 * it is answered. Throws `login_failed` (the same for an unknown or disabled user and a wrong password) and
 * `rate_limited` with `retry_after_seconds`.
 */
export async function login(deps: LoginDeps, attempt: LoginAttempt): Promise<{ accessToken: string; expiresInSeconds: number }> {
  const { email, password, address } = attempt;
  const key = JSON.stringify([email, address]);
  // Checked again when the password's turn comes: many attempts at once must not slip past the limit.
  const mayTry = () => {
    refuseTooMany(deps.throttle, key);
  };
  mayTry();
  const user = await findUser(deps.database.dataSource.manager, { email });
  const matches = await deps.passwords.matches(user?.passwordHash, password, mayTry);
  if (user === undefined || !matches || user.disabled) {
    deps.throttle.failed(key, Date.now());
    await record(deps.appender, failed(user, attempt));
    throw new FairleadError('login_failed', 'The e-mail address or the password is not right');
  }
  deps.throttle.succeeded(key);
  await record(deps.appender, {
    aggregateType: 'user',
    aggregateId: user.userId,
    type: 'login_succeeded',
    payload: { email, address },
    meta: { principal: `user:${user.userId}` },
  });
  const accessToken = await deps.signer.signUser({ userId: user.userId, email, roles: user.roles }, deps.tokenTtlSeconds);
  return { accessToken, expiresInSeconds: deps.tokenTtlSeconds };
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

function failed(user: User | undefined, { email, address }: LoginAttempt): NewEvent {
  return {
    aggregateType: 'user',
    aggregateId: user?.userId ?? 'unknown',
    type: 'login_failed',
    payload: { email, address, cause: user === undefined ? 'unknown_user' : user.disabled ? 'disabled' : 'wrong_password' },
    meta: { principal: 'anonymous' },
  };
}

async function record(appender: Appender, event: NewEvent): Promise<void> {
  const outcome = await appender.append({ commandId: newId('command'), events: [event] });
  if (outcome.status !== 'ok') throw new FairleadError('version_conflict', 'The login could not be recorded');
}
