import { randomBytes } from 'node:crypto';
import { FairleadError } from '@fairlead/contracts';
import { requirePermission, type Principal } from '@fairlead/auth';
import { appendInTransaction, type Appender, type NewEvent } from '@fairlead/event-log';
import type { Database, Transaction } from '@fairlead/postgres';
import { invalidField } from '../domain/invalid.js';
import type { Throttle } from '../domain/throttle.js';
import { base32, otpauthUri, readCode, stepOfCode } from '../domain/totp.js';
import { confirmTotp, enrolTotp, findTotp, removeTotp, replaceRecoveryCodes } from '../store/totp.js';
import type { User } from '../store/user.js';
import { findUser } from '../store/users.js';
import { presentCaller, userIdOf } from './callers.js';
import { append, refuseTooMany } from './login.js';
import { checkOwnPassword, type OwnPasswordDeps } from './own-password.js';
import type { Sealer } from './sealing.js';
import { judgeCode, mustSeal, newRecoveryCodes, openSecret, useProof } from './second-factor.js';

export interface TotpDeps extends OwnPasswordDeps {
  readonly sealer: Sealer | undefined;
  readonly appender: Appender;
  /** Of wrong codes: as few as at a login. */
  readonly codeThrottle: Throttle;
}

/** What shows that it is the user who asks, and from where. */
export interface BothFactors {
  readonly password: string;
  readonly code: string;
  readonly address: string;
}

/** As long as SHA-1's result, as RFC 4226 recommends. */
const secretBytes = 20;

/**
 * Makes a secret for the caller's second factor and records it; answers it this once. It asks for no code until it is
 * confirmed, and another call replaces it until then. Throws `already_exists` when one is active, `invalid_argument` for a
 * wrong password, `unavailable` when the gateway has no key to store it under.
 */
export async function enrolSecondFactor(
  deps: TotpDeps,
  caller: Principal,
  password: string,
): Promise<{ secret: string; uri: string; position: number }> {
  const sealer = mustSeal(deps.sealer);
  const user = await ownerOf(deps, caller, password);
  const { userId, email } = user;
  const secret = randomBytes(secretBytes);
  const position = await deps.database.transaction(async (tx) => {
    await presentCaller(tx, caller);
    if (!(await enrolTotp(tx, userId, sealer.seal(userId, secret))))
      throw new FairleadError('already_exists', 'A second factor is active; disable it first');
    return record(tx, [{ aggregateType: 'user', aggregateId: userId, type: 'totp_enrolled', payload: { email } }]);
  });
  return { secret: base32(secret), uri: otpauthUri(secret, email), position };
}

/**
 * Makes the caller's second factor active with a first code and records it; answers their recovery codes this once. Throws
 * `not_found` when there is none to confirm, `invalid_argument` for a wrong code, `rate_limited` after many.
 */
export async function confirmSecondFactor(
  deps: TotpDeps,
  caller: Principal,
  code: string,
): Promise<{ recoveryCodes: string[]; position: number }> {
  refuseTokens(caller);
  const userId = userIdOf(caller);
  const key = codeKey(userId);
  refuseTooMany(deps.codeThrottle.waitMs(key, Date.now()));
  const totp = await findTotp(deps.database, userId);
  if (totp === undefined || totp.confirmedAt !== null)
    throw new FairleadError('not_found', 'There is no second factor that waits to be confirmed');
  const step = stepOfCode(openSecret(deps.sealer, totp), readCode(code).code, Date.now());
  if (step === undefined) throw wrongCode(deps, key);
  const codes = newRecoveryCodes();
  const position = await deps.database.transaction(async (tx) => {
    await presentCaller(tx, caller);
    const user = await findUser(tx, { userId });
    if (user === undefined || !(await confirmTotp(tx, totp, step)))
      throw new FairleadError('version_conflict', 'The second factor was changed by another request meanwhile');
    await replaceRecoveryCodes(tx, userId, codes.hashes);
    return record(tx, [{ aggregateType: 'user', aggregateId: userId, type: 'totp_confirmed', payload: { email: user.email } }]);
  });
  return { recoveryCodes: codes.shown, position };
}

/** Replaces the caller's recovery codes and records it; answers the new ones this once. Throws as `disableSecondFactor` does. */
export async function renewRecoveryCodes(
  deps: TotpDeps,
  caller: Principal,
  given: BothFactors,
): Promise<{ recoveryCodes: string[]; position: number }> {
  const codes = newRecoveryCodes();
  const position = await withBothFactors(deps, caller, given, async (tx, { userId, email }) => {
    await replaceRecoveryCodes(tx, userId, codes.hashes);
    return { aggregateType: 'user', aggregateId: userId, type: 'recovery_codes_replaced', payload: { email } };
  });
  return { recoveryCodes: codes.shown, position };
}

/**
 * Takes the caller's second factor away and records it; answers the event's position. Throws `not_found` when none is active,
 * `invalid_argument` for a wrong password or code, `rate_limited` after many.
 */
export async function disableSecondFactor(deps: TotpDeps, caller: Principal, given: BothFactors): Promise<number> {
  return withBothFactors(deps, caller, given, async (tx, { userId, email }) => {
    await removeTotp(tx, userId);
    return { aggregateType: 'user', aggregateId: userId, type: 'totp_disabled', payload: { email } };
  });
}

/**
 * Takes another user's second factor away, for whoever lost theirs, and records it; answers the user and the event's position,
 * none when there was nothing to take. Throws `not_found`, and `permission_denied` for the caller's own and when they may
 * not manage identity any more.
 */
export async function resetSecondFactor(
  database: Database,
  caller: Principal,
  userId: string,
  reason: string,
): Promise<{ user: User; position: number | undefined }> {
  if (userId === userIdOf(caller))
    throw new FairleadError('permission_denied', 'Your own second factor is disabled with your password and a code, not reset');
  return database.transaction(async (tx) => {
    requirePermission(await presentCaller(tx, caller), 'identity.manage');
    const user = await findUser(tx, { userId });
    if (user === undefined) throw new FairleadError('not_found', `There is no user ${userId}`);
    if (!(await removeTotp(tx, userId))) return { user, position: undefined };
    const { email } = user;
    const position = await record(tx, [
      { aggregateType: 'user', aggregateId: userId, type: 'totp_reset', payload: { email }, meta: { reason } },
    ]);
    return { user, position };
  });
}

/** Makes a change in one transaction with what the caller's password and code are used up by, and with the events of both. */
async function withBothFactors(
  deps: TotpDeps,
  caller: Principal,
  { password, code, address }: BothFactors,
  change: (tx: Transaction, user: User) => Promise<NewEvent>,
): Promise<number> {
  const user = await ownerOf(deps, caller, password);
  const key = codeKey(user.userId);
  refuseTooMany(deps.codeThrottle.waitMs(key, Date.now()));
  const wrong = async () => {
    const payload = { email: user.email, address };
    await append(deps.appender, { aggregateType: 'user', aggregateId: user.userId, type: 'second_factor_failed', payload });
    return wrongCode(deps, key);
  };
  const verdict = await judgeCode(deps, user.userId, code);
  if (verdict === 'none' || verdict === 'required') throw new FairleadError('not_found', 'There is no active second factor');
  if (verdict === 'wrong') throw await wrong();
  const position = await deps.database.transaction(async (tx) => {
    await presentCaller(tx, caller);
    const used = await useProof(tx, user, verdict);
    return used === undefined ? undefined : record(tx, [...used, await change(tx, user)]);
  });
  if (position === undefined) throw await wrong();
  deps.codeThrottle.succeeded(key);
  return position;
}

/** The caller, once they have given their password in a login session. */
function ownerOf(deps: TotpDeps, caller: Principal, password: string): Promise<User> {
  refuseTokens(caller);
  return checkOwnPassword(deps, caller, password);
}

function refuseTokens(caller: Principal): void {
  if (caller.apiTokenId !== undefined)
    throw new FairleadError('permission_denied', 'A second factor is set up in a login session, not with an API token');
}

const codeKey = (userId: string) => JSON.stringify(['code', userId]);

/** Counts a wrong code. */
function wrongCode({ codeThrottle }: TotpDeps, key: string): FairleadError {
  codeThrottle.failed(key, Date.now());
  return invalidField('code', 'is not right, or was used already');
}

async function record(tx: Transaction, events: NewEvent[]): Promise<number> {
  return (await appendInTransaction(tx, { events })).lastPosition;
}
