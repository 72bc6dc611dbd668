import type { Sql } from '@fairlead/postgres';
import type { HeldRole } from '../domain/held-roles.js';
import { heldBy } from './role-bindings.js';

/** SQL: whether a session can still be used, by the database's clock. */
export const live = 'revoked_at is null and expires_at > now() and last_used_at + idle_limit > now()';

/** How long the rows of ended sessions are kept, to recognise those who still present them. */
const keptAfterEnd = '30 days';

/** A session as its user sees it. */
export interface Session {
  readonly sessionId: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date;
  /** When it ends at the latest. */
  readonly expiresAt: Date;
  readonly address: string;
  readonly userAgent: string;
}

/** The user of a session, as the database knows them now. */
export interface SessionUser {
  readonly userId: string;
  readonly email: string;
  readonly held: readonly HeldRole[];
}

/** What proves that somebody holds a session. */
export interface SessionKey {
  readonly sessionId: string;
  readonly secretHash: Buffer;
}

export interface NewSession extends SessionKey {
  readonly userId: string;
  readonly idleSeconds: number;
  readonly maxSeconds: number;
  readonly address: string;
  readonly userAgent: string;
}

/**
 * Answers the user that a session is to be opened for, by the hash that the login checked the password against; undefined when
 * they were disabled or have got another password since. The user stays locked until the transaction ends: whoever disables
 * them waits, and then finds the session.
 */
export async function lockSessionUser(tx: Sql, user: { userId: string; passwordHash: string }): Promise<SessionUser | undefined> {
  const [found] = await tx.query<SessionUser>(
    `select user_id as "userId", email, ${heldBy("'user:' || user_id")} as held from users where user_id = $1 and password_hash = $2 and not disabled for share`,
    [user.userId, user.passwordHash],
  );
  return found;
}

/** Inserts a session of a user who is locked, and drops the rows of those that ended long ago. */
export async function insertSession(tx: Sql, session: NewSession): Promise<void> {
  await tx.query(
    `insert into session (session_id, user_id, secret_hash, expires_at, idle_limit, address, user_agent)
     values ($1, $2, $3, now() + make_interval(secs => $4), make_interval(secs => $5), $6, $7)`,
    [session.sessionId, session.userId, session.secretHash, session.maxSeconds, session.idleSeconds, session.address, session.userAgent],
  );
  await tx.query(`delete from session where user_id = $1 and expires_at < now() - interval '${keptAfterEnd}'`, [session.userId]);
}

/** How long an address that an account has signed in from is known as its own. */
const knownFor = '30 days';

/** The addresses that an account has signed in from lately, by its e-mail address; none when there is no such user. */
export async function addressesOf(sql: Sql, email: string): Promise<string[]> {
  const rows = await sql.query<{ address: string }>(
    `select distinct address from session join users using (user_id)
     where email = $1 and session.created_at > now() - interval '${knownFor}'`,
    [email],
  );
  return rows.map(({ address }) => address);
}

/** Notes that a session is used and answers its user; undefined when it has ended, or the secret is not its own. */
export async function useSession(sql: Sql, { sessionId, secretHash }: SessionKey): Promise<SessionUser | undefined> {
  const [user] = await sql.query<SessionUser>(
    `update session set last_used_at = now() from users
     where session_id = $1 and secret_hash = $2 and ${live} and users.user_id = session.user_id and not users.disabled
     returning users.user_id as "userId", users.email, ${heldBy("'user:' || users.user_id")} as held`,
    [sessionId, secretHash],
  );
  return user;
}

/**
 * Answers the user of a session that was revoked and is presented all the same, with its right secret, once a minute:
 * undefined otherwise. To be recorded in the same transaction.
 */
export async function noteRefusal(tx: Sql, { sessionId, secretHash }: SessionKey): Promise<string | undefined> {
  const [row] = await tx.query<{ userId: string }>(
    `update session set refusal_recorded_at = now()
     where session_id = $1 and secret_hash = $2 and revoked_at is not null
       and (refusal_recorded_at is null or refusal_recorded_at < now() - interval '1 minute')
     returning user_id as "userId"`,
    [sessionId, secretHash],
  );
  return row?.userId;
}

/** Revokes the session that a secret belongs to, also one that has expired; answers its user, undefined when there was nothing to revoke. */
export async function revokeHeldSession(tx: Sql, { sessionId, secretHash }: SessionKey): Promise<string | undefined> {
  const [row] = await tx.query<{ userId: string }>(
    `update session set revoked_at = now() where session_id = $1 and secret_hash = $2 and revoked_at is null returning user_id as "userId"`,
    [sessionId, secretHash],
  );
  return row?.userId;
}

/** Revokes one of a user's sessions; answers false when it was revoked already. Undefined when the user has no such session. */
export async function revokeOwnSession(tx: Sql, userId: string, sessionId: string): Promise<boolean | undefined> {
  const [row] = await tx.query<{ revoked: boolean }>(
    'select revoked_at is not null as revoked from session where session_id = $1 and user_id = $2 for update',
    [sessionId, userId],
  );
  if (row === undefined || row.revoked) return row === undefined ? undefined : false;
  await tx.query('update session set revoked_at = now() where session_id = $1', [sessionId]);
  return true;
}

/** Revokes a user's sessions, all or all but one; answers how many were live. */
export async function revokeSessionsOf(tx: Sql, userId: string, except?: string): Promise<number> {
  const rows = await tx.query<{ live: boolean }>(
    `with held as (
       select session_id, ${live} as live from session
       where user_id = $1 and revoked_at is null and session_id is distinct from $2 for update
     )
     update session set revoked_at = now() from held where session.session_id = held.session_id returning held.live`,
    [userId, except ?? null],
  );
  return rows.filter((row) => row.live).length;
}

/** A user's sessions that can still be used, the newest first, before an id, `limit` at most. */
export async function listSessions(sql: Sql, userId: string, page: { before: string | undefined; limit: number }): Promise<Session[]> {
  return sql.query<Session>(
    `select session_id as "sessionId", created_at as "createdAt", last_used_at as "lastUsedAt", expires_at as "expiresAt",
       address, user_agent as "userAgent"
     from session where user_id = $1 and ${live} and ($2::text is null or session_id < $2) order by session_id desc limit $3`,
    [userId, page.before ?? null, page.limit],
  );
}
