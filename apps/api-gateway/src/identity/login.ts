import { FairleadError } from '@fairlead/contracts';
import type { Appender, NewEvent } from '@fairlead/event-log';
import type { LoginLimits, Wrong } from '../domain/login-limits.js';
import { networkOf } from '../domain/network.js';
import { addressesOf } from '../store/sessions.js';
import type { User } from '../store/user.js';
import { findUser } from '../store/users.js';
import { refuseElsewhere, type Elsewhere } from './elsewhere.js';
import type { Passwords } from './passwords.js';
import type { Sealer } from './sealing.js';
import type { RefusedSignIns } from './refused-sign-ins.js';
import { judgeCode } from './second-factor.js';
import { openSession, type Access, type Client, type HeldSession, type SessionDeps } from './sessions.js';

export interface LoginDeps extends SessionDeps {
  readonly appender: Appender;
  readonly passwords: Passwords;
  readonly sealer: Sealer | undefined;
  readonly loginLimits: LoginLimits;
  readonly elsewhere: Elsewhere | undefined;
  readonly refusedSignIns: RefusedSignIns;
}

export interface LoginAttempt {
  /** In lower case. */
  readonly email: string;
  readonly password: string;
  /** The second factor: a code of the user's app, or a recovery code. */
  readonly code?: string;
  readonly client: Client;
}

/**
 * Checks a user's password, and their second factor when they have one, and opens a session with its first access token. The
 * attempt is recorded before it is answered. Throws `login_failed` (the same for an unknown or disabled user, a wrong
 * password and a wrong code), `second_factor_required` to whoever knows the password, `rate_limited` with `retry_after_seconds`, and
 * `sign_in_elsewhere` where access tokens come from an issuer.
 */
export async function login(deps: LoginDeps, attempt: LoginAttempt): Promise<{ session: HeldSession; access: Access }> {
  const { email, password, client } = attempt;
  refuseElsewhere(deps.elsewhere, email);
  // Checked again when the password's turn comes: many attempts at once must not slip past the limit.
  const mayTry = () => refuseWhoeverWaits(deps, attempt);
  await mayTry();
  const user = await findUser(deps.database, { email });
  const matches = await deps.passwords.matches(user?.passwordHash, password, { address: networkOf(client.address), before: mayTry });
  if (user === undefined || !matches || user.disabled) throw await failed(deps, user, attempt, 'password');
  const verdict = await judgeCode(deps, user.userId, attempt.code);
  if (verdict === 'required') {
    if (deps.loginLimits.tellsOfMissingCode({ email, address: client.address }, Date.now()))
      await append(deps.appender, { ...about(user), type: 'second_factor_requested', payload: { email, address: client.address } });
    throw new FairleadError('second_factor_required', 'The code of the second factor is needed');
  }
  if (verdict === 'wrong') throw await failed(deps, user, attempt, 'code');
  const opened = await openSession(deps, user, client, verdict === 'none' ? undefined : verdict);
  if (opened === undefined) throw await failed(deps, user, attempt, verdict === 'none' ? 'password' : 'code');
  deps.loginLimits.succeeded({ email, address: client.address });
  return opened;
}

/** Throws `rate_limited` when somebody has to wait so long. */
export function refuseTooMany(waitMs: number): void {
  if (waitMs > 0) {
    const seconds = Math.ceil(waitMs / 1_000);
    throw new FairleadError('rate_limited', `Too many failed attempts; try again in ${seconds} s`, {
      details: { retry_after_seconds: seconds },
    });
  }
}

/** Throws `rate_limited` while the address has to wait, or the account where it has not signed in from that address lately. */
async function refuseWhoeverWaits({ loginLimits, database }: LoginDeps, { email, client }: LoginAttempt): Promise<void> {
  const tried = { email, address: client.address };
  refuseTooMany(loginLimits.addressWaitMs(tried, Date.now()));
  const waitMs = loginLimits.accountWaitMs(tried, Date.now());
  if (waitMs === 0) return;
  const known = await addressesOf(database, email);
  if (!known.some((address) => networkOf(address) === networkOf(client.address))) refuseTooMany(waitMs);
}

/** Counts and records a failed login; answers the error that says no more than that it failed. */
async function failed(deps: LoginDeps, user: User | undefined, attempt: LoginAttempt, wrong: Wrong): Promise<FairleadError> {
  const { email, client } = attempt;
  deps.loginLimits.failed({ email, address: client.address }, wrong, Date.now());
  const where = { email, address: client.address };
  if (user === undefined) await deps.refusedSignIns.record({ cause: 'unknown_user', name: email, address: client.address });
  else if (wrong === 'code') await append(deps.appender, { ...about(user), type: 'second_factor_failed', payload: where });
  else
    await append(deps.appender, {
      ...about(user),
      type: 'login_failed',
      payload: { ...where, cause: user.disabled ? 'disabled' : 'wrong_password' },
    });
  const detail = attempt.code === undefined ? 'The e-mail address or the password is' : 'The e-mail address, the password or the code is';
  return new FairleadError('login_failed', `${detail} not right`);
}

/** An event about somebody who has not shown yet who they are. */
function about(user: User) {
  return { aggregateType: 'user', aggregateId: user.userId, meta: { principal: 'anonymous' } } as const;
}

/** Records an event by itself. */
export async function append(appender: Appender, event: NewEvent): Promise<void> {
  const outcome = await appender.append({ events: [event] });
  if (outcome.status !== 'ok') throw new FairleadError('version_conflict', 'The login could not be recorded');
}
