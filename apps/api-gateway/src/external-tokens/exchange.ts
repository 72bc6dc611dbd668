import { FairleadError, newId, platformPath, type Role } from '@fairlead/contracts';
import { common, commonRoles, type ExternalTokens, type TokenSigner } from '@fairlead/auth';
import { appendInTransaction, type NewEvent } from '@fairlead/event-log';
import type { Database, Transaction } from '@fairlead/postgres';
import { grantsOfHeld, platformRoles, type HeldRole } from '../domain/held-roles.js';
import { refuseTooMany } from '../identity/given-roles.js';
import type { Passwords } from '../identity/passwords.js';
import type { RefusedSignIns } from '../identity/refused-sign-ins.js';
import { newSecret } from '../identity/secrets.js';
import { nameOf } from '../single-sign-on/admit.js';
import { findTokenUser, insertExternalIdentity, noteRolesAsOf, type ExternalUser } from '../store/external-identities.js';
import { deleteBinding, insertBinding } from '../store/role-bindings.js';
import { insertUser, lockUsers, touchUser } from '../store/users.js';
import { bearerOf, lackingIn, type Bearer } from './bearer.js';
import type { TokenIssuerSettings } from './settings.js';

/** Who gives the roles that an issuer's claims map to. */
const gateway = 'service:api-gateway';
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
  const user = await userOf(deps, bearer);
  if (user?.disabled === true) throw new FairleadError('unauthenticated', 'The user is disabled here');
  if (user === undefined) await deps.refusedSignIns.record({ cause: 'no_role', name: bearer.subject, issuer: bearer.issuerId });
  if (user === undefined || bearer.given.length === 0)
    throw new FairleadError('no_role', 'You are known there, but nothing that the access token says of you gives a role here');
  const { userId, email } = user;
  const leftSeconds = Math.ceil(bearer.expiresAt - Date.now() / 1_000);
  return deps.signer.signUser({ userId, email, ...rightsOf(bearer, user) }, Math.max(1, Math.min(exchangedSeconds, leftSeconds)));
}

/** What the user holds; of an older token no more than that token gives. */
function rightsOf(bearer: Bearer, user: ExternalUser) {
  const { held } = user;
  if (isSettled(bearer, user)) return { roles: platformRoles(held), grants: grantsOfHeld(held) };
  const told = [...lackingIn(held, user.given), ...bearer.given.map((one): HeldRole => ({ ...one, permissions: null }))];
  return { roles: commonRoles(platformRoles(told), platformRoles(held)), grants: common(grantsOfHeld(told), grantsOfHeld(held)) };
}

/** True when the user holds what the token gives, and nothing that it would have to give. */
function isSettled({ given }: Bearer, user: ExternalUser): boolean {
  return lackingIn(given, user.held).length === 0 && lackingIn(user.given, given).length === 0;
}

/** The user whom a token speaks for, with the roles of now; undefined for one who has none and gets none. */
async function userOf({ database, passwords }: ExternalExchangeDeps, bearer: Bearer): Promise<ExternalUser | undefined> {
  const known = await findTokenUser(database, bearer, gateway);
  if (known === undefined && bearer.given.length === 0) return undefined;
  if (known !== undefined && (known.disabled || !isNewer(bearer, known))) return known;
  if (known !== undefined && isSettled(bearer, known)) {
    await noteRolesAsOf(database, bearer, bearer.issuedAt);
    return known;
  }
  // Nobody knows it: the account is none that a password opens.
  const passwordHash = known === undefined ? await passwords.hash(newSecret()) : '';
  return database.transaction(async (tx) => {
    await lockUsers(tx);
    const present = await findTokenUser(tx, bearer, gateway);
    if (present === undefined && passwordHash === '') throw new FairleadError('unauthenticated', 'The user is gone');
    if (present !== undefined && (present.disabled || !isNewer(bearer, present))) return present;
    const [userId, events] = present === undefined ? await make(tx, bearer, passwordHash) : await renew(tx, bearer, present);
    await noteRolesAsOf(tx, bearer, bearer.issuedAt);
    await refuseTooMany(tx, `user:${userId}`);
    const meta = { principal: `user:${userId}` };
    if (events.length > 0) await appendInTransaction(tx, { events: events.map((event) => ({ ...event, meta })) });
    return findTokenUser(tx, bearer, gateway);
  });
}

/** Whether a token may change what its user holds. Of two of the same second the first one does. */
function isNewer({ issuedAt }: Bearer, { rolesAsOf }: ExternalUser): boolean {
  return rolesAsOf === null || issuedAt > rolesAsOf;
}

async function make(tx: Transaction, bearer: Bearer, passwordHash: string): Promise<[string, NewEvent[]]> {
  const userId = newId('user');
  const email = nameOf(bearer);
  if (!(await insertUser(tx, { userId, email, passwordHash, passwordIsInitial: false })))
    throw new FairleadError('unauthenticated', 'An account of this name is there already');
  await insertExternalIdentity(tx, bearer, userId);
  const bound = await change(tx, userId, [], bearer.given);
  const payload = { email, roles: platformRolesOf(bearer.given), issuer: bearer.issuerId };
  return [userId, [{ aggregateType: 'user', aggregateId: userId, expectedVersion: 0, type: 'user_created', payload }, ...bound]];
}

async function renew(tx: Transaction, bearer: Bearer, user: ExternalUser): Promise<[string, NewEvent[]]> {
  const { userId, given, held, disabled } = user;
  const [taken, added] = [lackingIn(given, bearer.given), lackingIn(bearer.given, held)];
  const bound = await change(tx, userId, taken, added);
  if (taken.length + added.length > 0) await touchUser(tx, { userId });
  const [before, after] = [platformRoles(held), platformRolesOf(bearer.given)];
  if (JSON.stringify(before) === JSON.stringify(after)) return [userId, bound];
  const payload = { before: { roles: before, disabled }, after: { roles: after, disabled } };
  return [userId, [{ aggregateType: 'user', aggregateId: userId, type: 'user_changed', payload }, ...bound]];
}

/** Takes bindings and gives others; answers the events of those that are on parts of the platform: the user's own tell of the rest. */
async function change(tx: Transaction, userId: string, taken: ExternalUser['given'], added: Bearer['given']): Promise<NewEvent[]> {
  const events: NewEvent[] = [];
  const principal = `user:${userId}`;
  const note = (type: 'role_binding_created' | 'role_binding_deleted', bindingId: string, role: string, scope: string) => {
    if (scope === platformPath) return;
    events.push({ aggregateType: 'role_binding', aggregateId: bindingId, type, payload: { principal, role, scope } });
  };
  for (const { bindingId, role, scope } of taken) {
    await deleteBinding(tx, bindingId);
    note('role_binding_deleted', bindingId, role, scope);
  }
  for (const { role, scope } of added) {
    // One that an admin gave already stays theirs.
    const inserted = await insertBinding(tx, { bindingId: newId('roleBinding'), principal, role, scope, createdBy: gateway });
    if (inserted !== undefined) note('role_binding_created', inserted.bindingId, role, scope);
  }
  return events;
}

function platformRolesOf(given: Bearer['given']): Role[] {
  return given.flatMap(({ role, scope }) => (scope === platformPath ? [role] : [])).sort();
}
