import { FairleadError, newId } from '@fairlead/contracts';
import type { Principal, TokenSigner } from '@fairlead/auth';
import { appendInTransaction, type NewEvent } from '@fairlead/event-log';
import type { Database, Transaction } from '@fairlead/postgres';
import { grantsOfHeld, platformRoles } from '../domain/held-roles.js';
import {
  insertSession,
  lockSessionUser,
  noteRefusal,
  revokeHeldSession,
  revokeOwnSession,
  revokeSessionsOf,
  useSession,
} from '../store/sessions.js';
import type { SessionUser } from '../store/sessions.js';
import { presentCaller, userIdOf } from './callers.js';
import { refuseElsewhere, type Elsewhere } from './elsewhere.js';
import { hashOfSecret, newSecret } from './secrets.js';
import { useProof, type Proof } from './second-factor.js';

/** A session ends when it was not used for so long, */
const idleSeconds = 12 * 3_600;
/** and when it is so old. */
export const maxSessionSeconds = 7 * 24 * 3_600;

const maxUserAgentLength = 256;

/** Where a request comes from. */
export interface Client {
  readonly address: string;
  /** What its program calls itself; any text. */
  readonly userAgent: string;
}

/** A session in the hands of whoever logged in: the id names it, the secret proves it. */
export interface HeldSession {
  readonly sessionId: string;
  readonly secret: string;
}

/** An access token and its life in seconds. */
export interface Access {
  readonly accessToken: string;
  readonly expiresInSeconds: number;
}

export interface SessionDeps {
  readonly database: Database;
  readonly signer: TokenSigner;
  readonly tokenTtlSeconds: number;
  readonly elsewhere: Elsewhere | undefined;
}

/**
 * Opens a session for a user whose password was right, uses up the proof of their second factor and records the login, all
 * or nothing; undefined when they were disabled or got another password meanwhile, or the proof does not hold. `issuer`: where they have signed in, when that
 * was not here.
 */
export async function openSession(
  deps: SessionDeps,
  user: { userId: string; passwordHash: string },
  client: Client,
  proof?: Proof,
  issuer?: string,
): Promise<{ session: HeldSession; access: Access } | undefined> {
  const session = { sessionId: newId('session'), secret: newSecret() };
  const userAgent = client.userAgent.slice(0, maxUserAgentLength);
  const known = await deps.database.transaction(async (tx) => {
    const { userId, passwordHash } = user;
    const owner = await lockSessionUser(tx, { userId, passwordHash });
    const used = owner === undefined ? undefined : await useProof(tx, owner, proof);
    if (owner === undefined || used === undefined) return undefined;
    const limits = { idleSeconds, maxSeconds: maxSessionSeconds };
    await insertSession(tx, { ...keyOf(session), userId, ...limits, address: client.address, userAgent });
    const payload = { email: owner.email, address: client.address, session_id: session.sessionId };
    const factor = { ...(proof === undefined ? {} : { second_factor: proof.kind }), ...(issuer === undefined ? {} : { issuer }) };
    const events: NewEvent[] = [
      ...used,
      { aggregateType: 'user', aggregateId: userId, type: 'login_succeeded', payload: { ...payload, ...factor } },
    ];
    await appendInTransaction(tx, { events: events.map((event) => ({ ...event, meta: ofUser(userId).meta })) });
    return owner;
  });
  return known === undefined ? undefined : { session, access: await accessOf(deps, known, session.sessionId) };
}

/**
 * Answers a new access token for a session, with the roles its user has now. The secret stays the same: a reply that
 * is lost, or two refreshes at once, end no session. Throws `session_expired` when the session has ended or is not
 * known; that a revoked one was presented is recorded. Throws `sign_in_elsewhere` where access tokens come from an issuer.
 */
export async function refresh(deps: SessionDeps, session: HeldSession | undefined, client: Client): Promise<Access> {
  const expired = new FairleadError('session_expired', 'The session has ended; log in again');
  if (session === undefined) throw expired;
  const user = await useSession(deps.database, keyOf(session));
  if (user !== undefined) {
    refuseElsewhere(deps.elsewhere, user.email);
    return accessOf(deps, user, session.sessionId);
  }
  await deps.database.transaction(async (tx) => {
    const userId = await noteRefusal(tx, keyOf(session));
    if (userId === undefined) return;
    const payload = { session_id: session.sessionId, cause: 'revoked', address: client.address } as const;
    await record(tx, { ...ofUser(userId), type: 'session_refresh_refused', payload, meta: { principal: 'anonymous' } });
  });
  throw expired;
}

/** Ends a session and records it. A session that is not known, or has been revoked, is left as it is. */
export async function logout(database: Database, session: HeldSession | undefined, client: Client): Promise<void> {
  if (session === undefined) return;
  await database.transaction(async (tx) => {
    const userId = await revokeHeldSession(tx, keyOf(session));
    if (userId === undefined) return;
    await record(tx, { ...ofUser(userId), type: 'logged_out', payload: { session_id: session.sessionId, address: client.address } });
  });
}

/**
 * Revokes one of the caller's own sessions and records it; answers the event's position, undefined for a repeat.
 * Throws `not_found`, and `unauthenticated` when the session that asks has ended itself.
 */
export async function revokeSession(database: Database, caller: Principal, sessionId: string): Promise<number | undefined> {
  const userId = userIdOf(caller);
  return database.transaction(async (tx) => {
    await presentCaller(tx, caller);
    const revoked = await revokeOwnSession(tx, userId, sessionId);
    if (revoked === undefined) throw new FairleadError('not_found', `You have no session ${sessionId}`);
    if (!revoked) return undefined;
    return record(tx, { aggregateType: 'user', aggregateId: userId, type: 'session_revoked', payload: { session_id: sessionId } });
  });
}

/**
 * Revokes a user's sessions, all or all but one, and answers the event that says so, to be appended with the cause's
 * own; none when there was no session.
 */
export async function endSessionsOf(tx: Transaction, userId: string, cause: string, except?: string): Promise<NewEvent[]> {
  const count = await revokeSessionsOf(tx, userId, except);
  return count === 0 ? [] : [{ aggregateType: 'user', aggregateId: userId, type: 'sessions_revoked', payload: { count, cause } }];
}

function keyOf({ sessionId, secret }: HeldSession) {
  return { sessionId, secretHash: hashOfSecret(secret) };
}

/** An event about a user that they cause themselves, before any token says who they are. */
function ofUser(userId: string) {
  return { aggregateType: 'user', aggregateId: userId, meta: { principal: `user:${userId}` } } as const;
}

async function record(tx: Transaction, event: NewEvent): Promise<number> {
  return (await appendInTransaction(tx, { events: [event] })).lastPosition;
}

async function accessOf(deps: SessionDeps, user: SessionUser, sessionId: string): Promise<Access> {
  const { userId, email, held } = user;
  const given = { roles: platformRoles(held), grants: grantsOfHeld(held) };
  const accessToken = await deps.signer.signUser({ userId, email, ...given, sessionId }, deps.tokenTtlSeconds);
  return { accessToken, expiresInSeconds: deps.tokenTtlSeconds };
}
