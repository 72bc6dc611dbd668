/** Accounts of programs: they hold roles as users do and call with API tokens. Nobody signs in as one: none has a password that anybody knows. */
import { FairleadError, newId } from '@fairlead/contracts';
import { requirePermission, type Principal } from '@fairlead/auth';
import { appendInTransaction, type NewEvent } from '@fairlead/event-log';
import type { Answering, Database, Transaction } from '@fairlead/postgres';
import { revokeAllTokensOf, rolesOfToken } from '../store/api-tokens.js';
import { deleteAllBindingsOf } from '../store/role-bindings.js';
import { deleteServiceAccount, findServiceAccount, insertServiceAccount, type ServiceAccount } from '../store/service-accounts.js';
import { lockUsers, touchUser } from '../store/users.js';
import { giveToken, refuseTokens, renewToken, type NewSecretToken, type NewToken, type Rotation } from './api-tokens.js';
import { presentCaller } from './callers.js';
import { refuseMore, rolesToGive } from './given-roles.js';
import type { Passwords } from './passwords.js';
import { eventOf } from './role-bindings.js';
import { newSecret } from './secrets.js';

/** A service account and the position of the event that tells of it; undefined when nothing changed. */
export interface ToldAccount {
  readonly account: ServiceAccount;
  readonly position: number | undefined;
}

/**
 * Makes a service account, which holds no role yet, and records it. Throws `already_exists`, and `permission_denied` or `unauthenticated`
 * when the caller may not manage identity any more.
 */
export async function createServiceAccount<Answer>(
  { passwords }: { passwords: Passwords },
  caller: Principal,
  { name }: { name: string },
  answering: Answering<ToldAccount, Answer>,
): Promise<Answer> {
  const serviceAccountId = newId('serviceAccount');
  const passwordHash = await passwords.hash(newSecret());
  return answering(async (tx) => {
    await lockFor(tx, caller);
    // No e-mail address looks like this, so no login ever names it.
    const shownAs = `${name} (service account)`;
    const account = await insertServiceAccount(tx, { serviceAccountId, name, shownAs, passwordHash });
    if (account === undefined) throw new FairleadError('already_exists', `There is a service account ${name} already`);
    const payload = { email: shownAs, roles: [], service_account: name };
    const event: NewEvent = { aggregateType: 'user', aggregateId: serviceAccountId, expectedVersion: 0, type: 'user_created', payload };
    return { account, position: await record(tx, event) };
  });
}

/**
 * Disables or enables a service account and records it. The tokens of one that is disabled are refused at once, until it is enabled. Throws
 * `service_account_not_found`, `revision_mismatch`, and as `createServiceAccount`.
 */
export async function changeServiceAccount(
  database: Database,
  caller: Principal,
  serviceAccountId: string,
  { disabled, revision }: { disabled: boolean; revision: number | undefined },
): Promise<ToldAccount> {
  return database.transaction(async (tx) => {
    await lockFor(tx, caller);
    const before = await mustFind(tx, serviceAccountId, revision);
    if (before.disabled === disabled) return { account: before, position: undefined };
    await touchUser(tx, { userId: serviceAccountId, disabled });
    const account = await mustFind(tx, serviceAccountId);
    return { account, position: await record(tx, changed(before, disabled)) };
  });
}

/**
 * Deletes a service account for good, with its roles and tokens, and records it; answers the position. Throws
 * `service_account_not_found`, `revision_mismatch`, and as `createServiceAccount`.
 */
export async function removeServiceAccount(
  database: Database,
  caller: Principal,
  serviceAccountId: string,
  revision: number | undefined,
): Promise<number> {
  return database.transaction(async (tx) => {
    await lockFor(tx, caller);
    const account = await mustFind(tx, serviceAccountId, revision);
    const tokens = await revokeAllTokensOf(tx, serviceAccountId);
    const bindings = await deleteAllBindingsOf(tx, `user:${serviceAccountId}`);
    await deleteServiceAccount(tx, serviceAccountId);
    const ofAccount = { aggregateType: 'user', aggregateId: serviceAccountId } as const;
    return record(
      tx,
      ...tokens.map(({ tokenId, name }): NewEvent => ({ ...ofAccount, type: 'api_token_revoked', payload: { token_id: tokenId, name } })),
      ...bindings.map((binding) => eventOf('role_binding_deleted', binding)),
      ...(account.disabled ? [] : [changed(account, true)]),
      { ...ofAccount, type: 'user_deleted', payload: { email: serviceAccountId, service_account: account.name } },
    );
  });
}

/**
 * Gives a service account an API token and records it; answers it once. It does what its roles and those that the account holds both
 * allow. Throws `service_account_not_found`, `invalid_argument` for a role that there is not, and `permission_denied` for one that gives more
 * than the caller may do on the whole platform: whoever has made it may hold it, whatever the account comes to hold later. Also for a caller
 * with an API token.
 */
export async function createTokenOf<Answer>(
  caller: Principal,
  { serviceAccountId, ...input }: NewToken & { serviceAccountId: string },
  answering: Answering<NewSecretToken, Answer>,
): Promise<Answer> {
  refuseTokens(caller, 'API tokens are made in a login session, not with another API token');
  return answering(async (tx) => {
    const present = await lockFor(tx, caller);
    await mustFind(tx, serviceAccountId);
    const given = await rolesToGive(tx, input.roles);
    for (const role of given) refuseMore(present, role);
    return giveToken(tx, serviceAccountId, input, given);
  });
}

/**
 * Gives a token of a service account a new secret, as `rotateApiToken` does, to whom `createTokenOf` would give such a one: who may do all that
 * its roles gave when it was made, for a role that is narrowed now may be widened again.
 */
export async function rotateTokenOf<Answer>(
  caller: Principal,
  { serviceAccountId, ...rotation }: Rotation & { serviceAccountId: string },
  answering: Answering<NewSecretToken, Answer>,
): Promise<Answer> {
  refuseTokens(caller, 'API tokens are rotated in a login session, not with an API token');
  return answering(async (tx) => {
    const present = await lockFor(tx, caller);
    await mustFind(tx, serviceAccountId);
    for (const role of await rolesOfToken(tx, rotation.tokenId)) refuseMore(present, role);
    return renewToken(tx, serviceAccountId, rotation);
  });
}

/** What is thrown for a service account that is not there, or no longer. */
export function noSuchAccount(serviceAccountId: string): FairleadError {
  return new FairleadError('service_account_not_found', `There is no service account ${serviceAccountId}`);
}

/** Locks all users for one who may manage identity on the whole platform; answers them as they are now. */
async function lockFor(tx: Transaction, caller: Principal): Promise<Principal> {
  await lockUsers(tx);
  const present = await presentCaller(tx, caller);
  requirePermission(present, 'identity.manage');
  return present;
}

async function mustFind(tx: Transaction, serviceAccountId: string, revision?: number): Promise<ServiceAccount> {
  const account = await findServiceAccount(tx, serviceAccountId);
  if (account === undefined) throw noSuchAccount(serviceAccountId);
  if (revision !== undefined && revision !== account.revision)
    throw new FairleadError('revision_mismatch', `The service account has been changed since: the revision is ${account.revision} now`, {
      details: { revision: account.revision },
    });
  return account;
}

/** Roles on the whole platform stand in events of bindings. */
function changed({ serviceAccountId, disabled: before }: ServiceAccount, disabled: boolean): NewEvent {
  const payload = { before: { roles: [], disabled: before }, after: { roles: [], disabled } };
  return { aggregateType: 'user', aggregateId: serviceAccountId, type: 'user_changed', payload };
}

async function record(tx: Transaction, ...events: NewEvent[]): Promise<number> {
  return (await appendInTransaction(tx, { events })).lastPosition;
}
