import { FairleadError, newId, platformPath } from '@fairlead/contracts';
import { appendInTransaction, type NewEvent } from '@fairlead/event-log';
import type { Transaction } from '@fairlead/postgres';
import type { HeldRole } from '../domain/held-roles.js';
import { refuseTooMany } from '../identity/given-roles.js';
import { bindNew, existingRoles, gateway, isSettled, renewBound } from '../identity/mapped-roles.js';
import { hashOfSecret, newSecret } from '../identity/secrets.js';
import type { Passwords } from '../identity/passwords.js';
import type { RefusedSignIns } from '../identity/refused-sign-ins.js';
import { endSessionsOf, openSession, type Access, type Client, type HeldSession, type SessionDeps } from '../identity/sessions.js';
import { findMappedUser, insertExternalIdentity, type ExternalUser } from '../store/external-identities.js';
import type { User } from '../store/user.js';
import { findUser, insertUser, lockUsers } from '../store/users.js';
import type { ExternalPerson } from './single-sign-on.js';

/** Somebody's user, and the roles that their groups give, of those that there are. */
interface Admitted {
  readonly user: User | undefined;
  readonly mapped: readonly HeldRole[];
}

export interface AdmitDeps extends SessionDeps {
  readonly refusedSignIns: RefusedSignIns;
  readonly passwords: Passwords;
}

/**
 * Opens a session for somebody whom an issuer knows, with the roles that their groups give now; their user is made the first time. Throws
 * `no_role` when their groups give none, and takes away what they gave before; `sign_in_failed` for a user who is disabled here.
 */
export async function admit(deps: AdmitDeps, person: ExternalPerson, client: Client): Promise<{ session: HeldSession; access: Access }> {
  const { user, mapped } = await userOf(deps, person);
  if (mapped.length === 0 && user === undefined) await deps.refusedSignIns.record({ ...refusal(person, client), cause: 'no_role' });
  if (mapped.length === 0) throw new FairleadError('no_role', 'You are known there, but none of your groups may do anything here');
  const opened = user === undefined ? undefined : await openSession(deps, user, client, undefined, person.issuerId);
  if (opened === undefined) throw new FairleadError('sign_in_failed', 'Your account here is disabled');
  return opened;
}

function refusal({ subject, issuerId }: ExternalPerson, { address }: Client) {
  return { name: subject, address, issuer: issuerId };
}

/** The user that belongs to an external identity, with the roles of now, and these; no user for one who has none and gets none. */
async function userOf({ database, passwords }: AdmitDeps, person: ExternalPerson): Promise<Admitted> {
  const given = person.roles.map((role) => ({ role, scope: platformPath }));
  const mapped = await existingRoles(database, given);
  const known = await findMappedUser(database, person, gateway);
  if (known === undefined && mapped.length === 0) return { user: undefined, mapped };
  if (known !== undefined && isSettled(mapped, known)) return { user: await findUser(database, known), mapped };
  // Nobody knows it: the account is none that a password opens.
  const passwordHash = await passwords.hash(newSecret());
  return database.transaction(async (tx) => {
    await lockUsers(tx);
    // While the users are locked, no role comes or goes.
    const now = await existingRoles(tx, given);
    const present = await findMappedUser(tx, person, gateway);
    if (present === undefined && now.length === 0) return { user: undefined, mapped: now };
    const userId = present?.userId ?? newId('user');
    const events = present === undefined ? await make(tx, userId, person, now, passwordHash) : await renew(tx, present, now);
    await refuseTooMany(tx, `user:${userId}`);
    const meta = { principal: `user:${userId}` };
    if (events.length > 0) await appendInTransaction(tx, { events: events.map((event) => ({ ...event, meta })) });
    return { user: await findUser(tx, { userId }), mapped: now };
  });
}

async function make(
  tx: Transaction,
  userId: string,
  person: ExternalPerson,
  mapped: readonly HeldRole[],
  passwordHash: string,
): Promise<NewEvent[]> {
  const email = nameOf(person);
  if (!(await insertUser(tx, { userId, email, passwordHash, passwordIsInitial: false })))
    throw new FairleadError('sign_in_failed', 'An account of this name is there already');
  await insertExternalIdentity(tx, person, userId);
  return bindNew(tx, { userId, email, issuerId: person.issuerId }, mapped);
}

async function renew(tx: Transaction, present: ExternalUser, mapped: readonly HeldRole[]): Promise<NewEvent[]> {
  const events = await renewBound(tx, present, mapped);
  const ended = mapped.length === 0 ? await endSessionsOf(tx, present.userId, 'no_role') : [];
  return [...events, ...ended];
}

/**
 * How the user is shown: with the issuer, so that it is never the e-mail address of a local user and no login matches it, and with a
 * part that is theirs, since an issuer may know two people by one address.
 */
export function nameOf({ email, subject, issuerId }: Pick<ExternalPerson, 'email' | 'subject' | 'issuerId'>): string {
  const mark = hashOfSecret(subject).toString('hex').slice(0, 6);
  return `${email?.toLowerCase() ?? 'somebody'} (${issuerId} ${mark})`;
}
