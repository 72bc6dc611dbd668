import type { Sql } from '@fairlead/postgres';
import type { HeldRole } from '../domain/held-roles.js';
import { usable } from './api-tokens.js';
import { heldBy } from './role-bindings.js';
import { live } from './sessions.js';

/** What an access token says of where it comes from. */
export interface TokenOrigin {
  /** A user's, a service account's or a project's. */
  readonly userId: string;
  /** The session it was given to, when it was one. */
  readonly sessionId: string | undefined;
  /** The API token it stands for, when it does. */
  readonly apiTokenId: string | undefined;
}

/** SQL: whether what a token comes from still stands; $1 is the user, $2 the session, $3 the API token. */
const originStands = `($2::text is null or exists (select 1 from session where session_id = $2 and user_id = $1 and ${live}))
       and ($3::text is null or exists (select 1 from api_token where token_id = $3 and user_id = $1 and ${usable}))`;

/** Answers who an access token's user is and what they hold now; undefined when they are disabled, or the session or API token behind it has ended. */
export async function callerNow(
  sql: Sql,
  { userId, sessionId, apiTokenId }: TokenOrigin,
): Promise<{ email: string; held: HeldRole[] } | undefined> {
  const [now] = await sql.query<{ email: string; held: HeldRole[] }>(
    `select email, ${heldBy('users.principal')} as held from users where user_id = $1 and not disabled and ${originStands}`,
    [userId, sessionId ?? null, apiTokenId ?? null],
  );
  return now;
}

/**
 * Answers the roles that an access token's user has now; undefined when they are disabled, or the session or API token
 * behind it has ended. The user stays locked until the transaction ends: whoever disables or demotes them waits.
 */
export async function lockCaller(tx: Sql, { userId, sessionId, apiTokenId }: TokenOrigin): Promise<HeldRole[] | undefined> {
  const users = await tx.query('select 1 from users where user_id = $1 and not disabled for share', [userId]);
  if (users.length === 0) return undefined;
  // A statement of its own: it sees what was committed while the first one waited.
  const [origin] = await tx.query<{ stands: boolean; held: HeldRole[] }>(
    `select ${originStands} as stands, ${heldBy('(select users.principal from users where users.user_id = $1)')} as held`,
    [userId, sessionId ?? null, apiTokenId ?? null],
  );
  return origin?.stands === true ? origin.held : undefined;
}
