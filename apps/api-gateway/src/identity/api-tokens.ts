import { FairleadError, newId, type Role } from '@fairlead/contracts';
import {
  common,
  commonRoles,
  mayAnywhere,
  principalOfAccount,
  type Grants,
  type Principal,
  type Scope,
  type TokenSigner,
} from '@fairlead/auth';
import { appendInTransaction } from '@fairlead/event-log';
import type { Answering, Database, Transaction } from '@fairlead/postgres';
import { customPermissions, grantsOfHeld, permissionsOf, platformRoles, type HeldRole } from '../domain/held-roles.js';
import {
  insertApiToken,
  revokeApiTokenRow,
  rotateApiTokenRow,
  useApiToken,
  type ApiToken,
  type UsableApiToken,
} from '../store/api-tokens.js';
import { presentCaller, userIdOf } from './callers.js';
import { refuseElsewhere, type Elsewhere } from './elsewhere.js';
import { rolesToGive } from './given-roles.js';
import { hashOfSecret, newSecret, secretPattern } from './secrets.js';

/** `<token id>_<secret>`: the id is how the token begins, and may be shown. */
const form = new RegExp(`^(flt_[0-9a-f]{32})_(${secretPattern})$`);

/** How long the access token lives that stands for an API token within one request; a stream of events ends with it. */
const exchangedSeconds = 60;

/** True for what was meant as an API token, valid or not; access tokens never begin like this. */
export function isApiToken(bearer: string): boolean {
  return bearer.startsWith('flt_');
}

/** What a token is to be. */
export interface NewToken {
  readonly name: string;
  /** Built in or custom; of a custom one the token keeps what it gives now. */
  readonly roles: readonly string[];
  readonly expiresInDays: number;
  readonly scope?: Scope;
}

/** A token with the secret that no other answer holds, and the position of the event that tells of it. */
export interface NewSecretToken {
  readonly apiToken: ApiToken;
  readonly secretToken: string;
  readonly position: number;
}

/**
 * Makes an API token for the caller and records it; answers it once, with the event's position. Throws `permission_denied`
 * when the caller has an API token themselves, and for a role that gives more than they may do now, `invalid_argument` for a
 * role that there is not, `unauthenticated` when they are disabled or their session has ended: an access token that is still out must not become one for a year.
 */
export async function createApiToken<Answer>(
  caller: Principal,
  input: NewToken,
  answering: Answering<NewSecretToken, Answer>,
): Promise<Answer> {
  // One that is lost must end when it expires, or is revoked, and not go on in others.
  refuseTokens(caller, 'API tokens are made in a login session, not with another API token');
  const userId = userIdOf(caller);
  return answering(async (tx) => {
    const present = await presentCaller(tx, caller);
    const given = await rolesToGive(tx, input.roles);
    refuseMoreThan(present, given);
    return giveToken(tx, userId, input, given);
  });
}

/** Gives somebody a token with what its roles give now, and records it; whoever asks for it has been judged by that. */
export async function giveToken(tx: Transaction, userId: string, input: NewToken, given: readonly HeldRole[]): Promise<NewSecretToken> {
  const [tokenId, secret] = [newId('apiToken'), newSecret()];
  const apiToken = await insertApiToken(tx, { ...input, scope: input.scope, given, tokenId, userId, secretHash: hashOfSecret(secret) });
  const { name, roles, expiresAt, scope } = apiToken;
  const permissions = customPermissions(given);
  const payload = {
    token_id: tokenId,
    name,
    roles,
    expires_at: expiresAt.toISOString(),
    ...(scope === null ? {} : { scope }),
    ...(permissions === undefined ? {} : { permissions }),
  };
  const { lastPosition } = await appendInTransaction(tx, {
    events: [{ aggregateType: 'user', aggregateId: userId, type: 'api_token_created', payload }],
  });
  return { apiToken, secretToken: `${tokenId}_${secret}`, position: lastPosition };
}

function refuseMoreThan(caller: Principal, given: readonly HeldRole[]): void {
  for (const role of given) {
    const lacking = permissionsOf(role).find((grant) => !mayAnywhere(caller, grant));
    if (lacking === undefined) continue;
    throw new FairleadError('permission_denied', `A token with the role ${role.role} could do more than you: you lack ${lacking}`, {
      details: { role: role.role, permission: lacking },
    });
  }
}

/**
 * Gives one of the caller's own tokens a new secret and records it; answers the token with it once, with the event's position. The
 * secret before works until the overlap ends. Throws `permission_denied` with an API token, which whoever found it must
 * not take over, and `not_found` for one that the caller has not, or that has ended.
 */
export async function rotateApiToken<Answer>(
  caller: Principal,
  rotation: Rotation,
  answering: Answering<NewSecretToken, Answer>,
): Promise<Answer> {
  refuseTokens(caller, 'API tokens are rotated in a login session, not with an API token');
  const userId = userIdOf(caller);
  return answering(async (tx) => {
    await presentCaller(tx, caller);
    return renewToken(tx, userId, rotation);
  });
}

/** Which token gets a new secret, and how long the one before works beside it. */
export interface Rotation {
  readonly tokenId: string;
  readonly overlapHours: number;
}

/** Gives somebody's token a new secret and records it; whoever asks for it has been judged. Throws `not_found`. */
export async function renewToken(tx: Transaction, userId: string, { tokenId, overlapHours }: Rotation): Promise<NewSecretToken> {
  const secret = newSecret();
  const apiToken = await rotateApiTokenRow(tx, { tokenId, userId, secretHash: hashOfSecret(secret), overlapHours });
  if (apiToken === undefined) throw new FairleadError('not_found', `There is no API token ${tokenId} that can still be used`);
  const { name, previousUntil } = apiToken;
  const payload = { token_id: tokenId, name, ...(previousUntil === null ? {} : { previous_until: previousUntil.toISOString() }) };
  const { lastPosition } = await appendInTransaction(tx, {
    events: [{ aggregateType: 'user', aggregateId: userId, type: 'api_token_rotated', payload }],
  });
  return { apiToken, secretToken: `${tokenId}_${secret}`, position: lastPosition };
}

/** Throws `permission_denied` for a caller with an API token. */
export function refuseTokens(caller: Principal, why: string): void {
  if (caller.apiTokenId !== undefined) throw new FairleadError('permission_denied', why);
}

/**
 * Revokes a token of the caller, or of anybody when they manage identity, and records it; answers the event's position,
 * undefined for a repeat. Throws `not_found`, and `unauthenticated` when the caller may do nothing any more.
 */
export async function revokeApiToken(database: Database, caller: Principal, tokenId: string): Promise<number | undefined> {
  return database.transaction(async (tx) => {
    const { grants } = await presentCaller(tx, caller);
    const before = await revokeApiTokenRow(tx, tokenId, grants.has('identity.manage') ? undefined : userIdOf(caller));
    if (before === undefined) throw new FairleadError('not_found', `There is no API token ${tokenId}`);
    if (before.revokedAt !== null) return undefined;
    const payload = { token_id: tokenId, name: before.name };
    const { lastPosition } = await appendInTransaction(tx, {
      events: [{ aggregateType: 'user', aggregateId: before.userId, type: 'api_token_revoked', payload }],
    });
    return lastPosition;
  });
}

/**
 * Answers a short-lived access token for an API token, with what the token's roles and those its user has now both
 * allow, within the token's scope. Asks the database each time, so that a revoked token is refused at once. Throws `unauthenticated`, and
 * `sign_in_elsewhere` where access tokens come from an issuer.
 */
export async function exchangeApiToken(
  deps: { database: Database; signer: TokenSigner; elsewhere: Elsewhere | undefined },
  bearer: string,
): Promise<string> {
  const [, tokenId, secret] = form.exec(bearer) ?? [];
  const found = tokenId === undefined || secret === undefined ? undefined : await useApiToken(deps.database, tokenId, hashOfSecret(secret));
  if (found === undefined) throw new FairleadError('unauthenticated', 'The API token is not valid, has expired or was revoked');
  const { userId, email } = found;
  refuseElsewhere(deps.elsewhere, email);
  const allowed = allowedTo(found);
  return deps.signer.signUser({ userId, email, ...allowed, apiTokenId: tokenId, scope: found.scope ?? undefined }, exchangedSeconds);
}

/** What a token lets its bearer do. A project holds the roles of all its keys, and each key gives its own. */
function allowedTo({ userId, given, held: all }: UsableApiToken): { roles: Role[]; grants: Grants } {
  const isProject = principalOfAccount(userId).startsWith('project:');
  const held = isProject ? all.filter(({ role }) => given.some((one) => one.role === role)) : all;
  return { roles: commonRoles(platformRoles(given), platformRoles(held)), grants: common(grantsOfHeld(given), grantsOfHeld(held)) };
}
