import { FairleadError, newId } from '@fairlead/contracts';
import { appendInTransaction, type NewEvent } from '@fairlead/event-log';
import type { Transaction } from '@fairlead/postgres';
import { giveRoles, replaceRoles } from '../identity/given-roles.js';
import { hashOfSecret, newSecret } from '../identity/secrets.js';
import type { Passwords } from '../identity/passwords.js';
import type { RefusedSignIns } from '../identity/refused-sign-ins.js';
import { endSessionsOf, openSession, type Access, type Client, type HeldSession, type SessionDeps } from '../identity/sessions.js';
import { findExternalUser, insertExternalIdentity } from '../store/external-identities.js';
import type { User } from '../store/user.js';
import { findUser, insertUser, lockUsers, touchUser } from '../store/users.js';
import type { ExternalPerson } from './single-sign-on.js';

/** Who gives the roles that groups map to. */
const gateway = 'service:api-gateway';

export interface AdmitDeps extends SessionDeps {
  readonly refusedSignIns: RefusedSignIns;
  readonly passwords: Passwords;
}

/**
 * Opens a session for somebody whom an issuer knows, with the roles that their groups give now; their user is made the first time. Throws
 * `no_role` when their groups give none, and takes away what they gave before; `sign_in_failed` for a user who is disabled here.
 */
export async function admit(deps: AdmitDeps, person: ExternalPerson, client: Client): Promise<{ session: HeldSession; access: Access }> {
  const user = await userOf(deps, person);
  if (person.roles.length === 0 && user === undefined) await deps.refusedSignIns.record({ ...refusal(person, client), cause: 'no_role' });
  if (person.roles.length === 0) throw new FairleadError('no_role', 'You are known there, but none of your groups may do anything here');
  const opened = user === undefined ? undefined : await openSession(deps, user, client, undefined, person.issuerId);
  if (opened === undefined) throw new FairleadError('sign_in_failed', 'Your account here is disabled');
  return opened;
}

function refusal({ subject, issuerId }: ExternalPerson, { address }: Client) {
  return { name: subject, address, issuer: issuerId };
}

/** The user that belongs to an external identity, with the roles of now; undefined for one who has none and gets none. */
async function userOf({ database, passwords }: AdmitDeps, person: ExternalPerson): Promise<User | undefined> {
  const known = await findExternalUser(database, person);
  const before = known === undefined ? undefined : await findUser(database, { userId: known });
  if (before === undefined && person.roles.length === 0) return undefined;
  if (before !== undefined && sameRoles(before.roles, person.roles)) return before;
  // Nobody knows it: the account is none that a password opens.
  const passwordHash = await passwords.hash(newSecret());
  const userId = await database.transaction(async (tx) => {
    await lockUsers(tx);
    const present = await findExternalUser(tx, person);
    const [id, events] = present === undefined ? await make(tx, person, passwordHash) : await renew(tx, person, present);
    const meta = { principal: `user:${id}` };
    if (events.length > 0) await appendInTransaction(tx, { events: events.map((event) => ({ ...event, meta })) });
    return id;
  });
  return findUser(database, { userId });
}

async function make(tx: Transaction, person: ExternalPerson, passwordHash: string): Promise<[string, NewEvent[]]> {
  const userId = newId('user');
  const { roles, issuerId } = person;
  const email = nameOf(person);
  if (!(await insertUser(tx, { userId, email, passwordHash, passwordIsInitial: false })))
    throw new FairleadError('sign_in_failed', 'An account of this name is there already');
  await insertExternalIdentity(tx, person, userId);
  await giveRoles(tx, { userId, roles, by: gateway });
  const payload = { email, roles: [...roles], issuer: issuerId };
  return [userId, [{ aggregateType: 'user', aggregateId: userId, expectedVersion: 0, type: 'user_created', payload }]];
}

async function renew(tx: Transaction, { roles }: ExternalPerson, userId: string): Promise<[string, NewEvent[]]> {
  const user = await findUser(tx, { userId });
  if (user === undefined || sameRoles(user.roles, roles)) return [userId, []];
  const { disabled } = user;
  await replaceRoles(tx, { userId, before: user.roles, roles, by: gateway });
  await touchUser(tx, { userId });
  const ended = roles.length === 0 ? await endSessionsOf(tx, userId, 'no_role') : [];
  const payload = { before: { roles: user.roles, disabled }, after: { roles: [...roles], disabled } };
  return [userId, [{ aggregateType: 'user', aggregateId: userId, type: 'user_changed', payload }, ...ended]];
}

/**
 * How the user is shown: with the issuer, so that it is never the e-mail address of a local user and no login matches it, and with a
 * part that is theirs, since an issuer may know two people by one address.
 */
export function nameOf({ email, subject, issuerId }: Pick<ExternalPerson, 'email' | 'subject' | 'issuerId'>): string {
  const mark = hashOfSecret(subject).toString('hex').slice(0, 6);
  return `${email?.toLowerCase() ?? 'somebody'} (${issuerId} ${mark})`;
}

function sameRoles(a: readonly string[], b: readonly string[]): boolean {
  return JSON.stringify([...a].sort()) === JSON.stringify([...b].sort());
}
