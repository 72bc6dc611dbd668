/**
 * The keys of projects: API tokens with which a program acts as the project. A key's role is bound to the project on its own path, and the key
 * gives that role there and nothing else, and no more of a custom one than that gave when the key was made. Two secrets of a project are valid at a time at most: the present one and, for a while, the one before.
 */
import { FairleadError, newId, projectPath } from '@fairlead/contracts';
import { principalOfAccount, type Principal } from '@fairlead/auth';
import { appendInTransaction, type NewEvent } from '@fairlead/event-log';
import type { Answering, Database, Transaction } from '@fairlead/postgres';
import { customPermissions, type HeldRole } from '../domain/held-roles.js';
import { refuseTokens } from '../identity/api-tokens.js';
import { lockedCaller } from '../identity/callers.js';
import { refuseMore, roleToGive } from '../identity/given-roles.js';
import { eventOf } from '../identity/role-bindings.js';
import { hashOfSecret, newSecret } from '../identity/secrets.js';
import {
  countSecretsOf,
  countTokensWith,
  findUsableToken,
  insertApiToken,
  revokeAllTokensOf,
  revokeApiTokenRow,
  rolesOfToken,
  rotateApiTokenRow,
  type ApiToken,
} from '../store/api-tokens.js';
import type { Project } from '../store/projects.js';
import { deleteBindingsOf, insertBinding } from '../store/role-bindings.js';
import { touchUser } from '../store/users.js';
import { mustFindProject, type ProjectName } from './find.js';

const mostSecrets = 2;

/** What a key is to be. */
export interface NewKey {
  readonly name: string;
  /** Built in or custom. */
  readonly role: string;
  readonly expiresInDays: number;
}

/** A key with the secret that no other answer holds, and the position of the event that tells of it. */
export interface NewSecretKey {
  readonly key: ApiToken;
  readonly secretKey: string;
  readonly position: number;
}

/**
 * Makes a key of a project and records it; answers it once. Throws `project_not_found`, `invalid_argument` for a role that there is not,
 * `too_many_keys` while two secrets are valid, and `permission_denied` for a role that gives more than the caller may do on the project, when
 * they may not manage it, or have an API token themselves.
 */
export async function createKey<Answer>(
  caller: Principal,
  of: ProjectName,
  { name, role, expiresInDays }: NewKey,
  answering: Answering<NewSecretKey, Answer>,
): Promise<Answer> {
  refuseTokens(caller, 'Keys of projects are made in a login session, not with an API token or a key');
  return answering(async (tx) => {
    const present = await lockedCaller(tx, caller, 'project.manage', pathOf(of));
    const project = await mustFindProject(tx, of);
    const { projectId: userId } = project;
    const given = await roleToGive(tx, role, pathOf(of));
    refuseMore(present, given);
    refuseThird((await countSecretsOf(tx, userId)) + 1);
    const [keyId, secret] = [newId('apiToken'), newSecret()];
    const token = { tokenId: keyId, userId, name, given: [given], scope: undefined, secretHash: hashOfSecret(secret), expiresInDays };
    const key = await insertApiToken(tx, token);
    const held = { principal: principalOfAccount(userId), role, scope: pathOf(of) };
    const bound = await insertBinding(tx, { ...held, bindingId: newId('roleBinding'), createdBy: caller.id });
    await touchUser(tx, { userId });
    const payload = { ...about(project, key), ...saidOf(given), expires_at: key.expiresAt.toISOString() };
    const position = await record(tx, [
      ...(bound === undefined ? [] : [eventOf('role_binding_created', bound)]),
      { ...aggregateOf(project), type: 'project_key_created', payload },
    ]);
    return { key, secretKey: `${keyId}_${secret}`, position };
  });
}

/**
 * Gives a key a new secret and records it; answers it once. The one before works until the overlap ends, any earlier one no more. Throws
 * `project_not_found`, `project_key_not_found` for one that has ended, and as `createKey` for a new one.
 */
export async function rotateKey<Answer>(
  caller: Principal,
  of: ProjectName,
  { keyId, overlapHours }: { keyId: string; overlapHours: number },
  answering: Answering<NewSecretKey, Answer>,
): Promise<Answer> {
  refuseTokens(caller, 'Keys of projects are rotated in a login session, not with an API token or a key');
  return answering(async (tx) => {
    const present = await lockedCaller(tx, caller, 'project.manage', pathOf(of));
    const project = await mustFindProject(tx, of);
    const { projectId: userId } = project;
    if ((await findUsableToken(tx, keyId, userId)) === undefined) throw noSuchKey(keyId);
    for (const role of await rolesOfToken(tx, keyId)) refuseMore(present, { ...role, scope: pathOf(of) });
    refuseThird((await countSecretsOf(tx, userId, keyId)) + (overlapHours > 0 ? 2 : 1));
    const secret = newSecret();
    const key = await rotateApiTokenRow(tx, { tokenId: keyId, userId, secretHash: hashOfSecret(secret), overlapHours });
    if (key === undefined) throw noSuchKey(keyId);
    const until = key.previousUntil === null ? {} : { previous_until: key.previousUntil.toISOString() };
    const payload = { ...about(project, key), ...until };
    const position = await record(tx, [{ ...aggregateOf(project), type: 'project_key_rotated', payload }]);
    return { key, secretKey: `${keyId}_${secret}`, position };
  });
}

/**
 * Ends a key, with all its secrets, and takes its role from the project unless another key has it; records it. Answers the position, undefined
 * for a repeat. Throws `project_not_found`, `project_key_not_found`, and `permission_denied` when the caller may not manage the project.
 */
export async function revokeKey(database: Database, caller: Principal, of: ProjectName, keyId: string): Promise<number | undefined> {
  return database.transaction(async (tx) => {
    await lockedCaller(tx, caller, 'project.manage', pathOf(of));
    const project = await mustFindProject(tx, of);
    const { projectId: userId } = project;
    const before = await revokeApiTokenRow(tx, keyId, userId);
    if (before === undefined) throw noSuchKey(keyId);
    if (before.revokedAt !== null) return undefined;
    const roles = await rolesOfNoKey(tx, userId, before.roles);
    const taken = await deleteBindingsOf(tx, { principal: principalOfAccount(userId), roles, scope: pathOf(of) });
    await touchUser(tx, { userId });
    const events = taken.map((binding) => eventOf('role_binding_deleted', binding));
    return record(tx, [...events, revoked(project, before)]);
  });
}

/** Ends all keys of a project; answers the events that tell of it. The transaction has locked the users. */
export async function endKeysOf(tx: Transaction, project: Project): Promise<NewEvent[]> {
  const ended = await revokeAllTokensOf(tx, project.projectId);
  return ended.map((key) => revoked(project, key));
}

function pathOf({ org, name }: ProjectName): string {
  return projectPath(org, name);
}

function refuseThird(secrets: number): void {
  if (secrets <= mostSecrets) return;
  throw new FairleadError(
    'too_many_keys',
    'Two keys of a project are valid at a time at most, each one before a rotation among them: revoke one, or rotate without an overlap',
  );
}

/** Which of some roles no key that can be used has. */
async function rolesOfNoKey(tx: Transaction, userId: string, roles: readonly string[]): Promise<string[]> {
  const left: string[] = [];
  for (const role of roles) if ((await countTokensWith(tx, userId, role)) === 0) left.push(role);
  return left;
}

function noSuchKey(keyId: string): FairleadError {
  return new FairleadError('project_key_not_found', `The project has no key ${keyId} that can still be used`);
}

function about({ org, name }: Project, key: ApiToken) {
  return { org, name, key_id: key.tokenId, key_name: key.name };
}

/** A key's role as its event tells it, with what a custom one gives it at the most. */
function saidOf(given: HeldRole) {
  const permissions = customPermissions([given])?.[given.role];
  return { role: given.role, ...(permissions === undefined ? {} : { permissions }) };
}

function aggregateOf({ projectId }: Project) {
  return { aggregateType: 'project', aggregateId: projectId } as const;
}

function revoked(project: Project, key: ApiToken): NewEvent {
  return { ...aggregateOf(project), type: 'project_key_revoked', payload: about(project, key) };
}

async function record(tx: Transaction, events: readonly NewEvent[]): Promise<number> {
  return (await appendInTransaction(tx, { events })).lastPosition;
}
