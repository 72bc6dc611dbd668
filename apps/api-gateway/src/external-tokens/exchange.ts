import { FairleadError, newId } from '@fairlead/contracts';
import { common, commonRoles, type ExternalTokens, type TokenSigner } from '@fairlead/auth';
import { appendInTransaction, type NewEvent } from '@fairlead/event-log';
import type { Database, Transaction } from '@fairlead/postgres';
import { lackingIn } from '../domain/group-roles.js';
import { grantsOfHeld, platformRoles, type HeldRole } from '../domain/held-roles.js';
import { refuseTooMany } from '../identity/given-roles.js';
import { bindNew, existingRoles, gateway, isSettled, renewBound } from '../identity/mapped-roles.js';
import type { Passwords } from '../identity/passwords.js';
import type { RefusedSignIns } from '../identity/refused-sign-ins.js';
import { newSecret } from '../identity/secrets.js';
import { nameOf } from '../single-sign-on/admit.js';
import { findMappedUser, insertExternalIdentity, noteRolesAsOf, type ExternalUser } from '../store/external-identities.js';
import { insertUser, lockUsers } from '../store/users.js';
import { bearerOf, type Bearer } from './bearer.js';
import type { TokenIssuerSettings } from './settings.js';

/** How long the access token lives at most that stands for an external one within one request; a stream of events ends with it. */
const exchangedSeconds = 60;

export interface ExternalExchangeDeps {
  readonly settings: TokenIssuerSettings;
  readonly tokens: ExternalTokens;
  readonly database: Database;
  readonly signer: TokenSigner;
  readonly passwords: Passwords;
  readonly refusedSignIns: RefusedSignIns;
}

/**
 * Answers a short-lived access token for a token of the external issuer, with the roles that its claims map to. The user is made the first
 * time, and their roles are those of the newest token that was seen: an older one gives no more than that. Asks the database each time, so that
 * a user who is disabled here is refused at once. Throws `unauthenticated`, `no_role` when the claims give none, `too_many_grants`,
 * and `service_unreachable` when the issuer's keys can't be had.
 */
export async function exchangeExternalToken(deps: ExternalExchangeDeps, token: string): Promise<string> {
  const bearer = bearerOf(deps.settings, await deps.tokens.verify(token));
  const mapped = await existingRoles(deps.database, bearer.given);
  const user = await userOf(deps, bearer, mapped);
  if (user?.disabled === true) throw new FairleadError('unauthenticated', 'The user is disabled here');
  if (user === undefined) await deps.refusedSignIns.record({ cause: 'no_role', name: bearer.subject, issuer: bearer.issuerId });
  if (user === undefined || mapped.length === 0)
    throw new FairleadError('no_role', 'You are known there, but nothing that the access token says of you gives a role here');
  const { userId, email } = user;
  const leftSeconds = Math.ceil(bearer.expiresAt - Date.now() / 1_000);
  return deps.signer.signUser({ userId, email, ...rightsOf(mapped, user) }, Math.max(1, Math.min(exchangedSeconds, leftSeconds)));
}

/** What the user holds; of an older token no more than that token gives. */
function rightsOf(mapped: readonly HeldRole[], user: ExternalUser) {
  const { held } = user;
  if (isSettled(mapped, user)) return { roles: platformRoles(held), grants: grantsOfHeld(held) };
  const told = [...lackingIn(held, user.given), ...mapped];
  return { roles: commonRoles(platformRoles(told), platformRoles(held)), grants: common(grantsOfHeld(told), grantsOfHeld(held)) };
}

/** The user whom a token speaks for, with the roles of now; undefined for one who has none and gets none. */
async function userOf(
  { database, passwords }: ExternalExchangeDeps,
  bearer: Bearer,
  mapped: readonly HeldRole[],
): Promise<ExternalUser | undefined> {
  const known = await findMappedUser(database, bearer, gateway);
  if (known === undefined && mapped.length === 0) return undefined;
  if (known !== undefined && (known.disabled || !isNewer(bearer, known))) return known;
  if (known !== undefined && isSettled(mapped, known)) {
    await noteRolesAsOf(database, bearer, bearer.issuedAt);
    return known;
  }
  // Nobody knows it: the account is none that a password opens.
  const passwordHash = known === undefined ? await passwords.hash(newSecret()) : '';
  return database.transaction(async (tx) => {
    await lockUsers(tx);
    const present = await findMappedUser(tx, bearer, gateway);
    // While the users are locked, no role comes or goes.
    const now = await existingRoles(tx, bearer.given);
    if (present === undefined && now.length === 0) return undefined;
    if (present === undefined && passwordHash === '') throw new FairleadError('unauthenticated', 'The user is gone');
    if (present !== undefined && (present.disabled || !isNewer(bearer, present))) return present;
    const [userId, events] =
      present === undefined ? await make(tx, bearer, now, passwordHash) : [present.userId, await renewBound(tx, present, now)];
    await noteRolesAsOf(tx, bearer, bearer.issuedAt);
    await refuseTooMany(tx, `user:${userId}`);
    const meta = { principal: `user:${userId}` };
    if (events.length > 0) await appendInTransaction(tx, { events: events.map((event) => ({ ...event, meta })) });
    return findMappedUser(tx, bearer, gateway);
  });
}

/** Whether a token may change what its user holds. Of two of the same second the first one does. */
function isNewer({ issuedAt }: Bearer, { rolesAsOf }: ExternalUser): boolean {
  return rolesAsOf === null || issuedAt > rolesAsOf;
}

async function make(tx: Transaction, bearer: Bearer, mapped: readonly HeldRole[], passwordHash: string): Promise<[string, NewEvent[]]> {
  const userId = newId('user');
  const email = nameOf(bearer);
  if (!(await insertUser(tx, { userId, email, passwordHash, passwordIsInitial: false })))
    throw new FairleadError('unauthenticated', 'An account of this name is there already');
  await insertExternalIdentity(tx, bearer, userId);
  return [userId, await bindNew(tx, { userId, email, issuerId: bearer.issuerId }, mapped)];
}
