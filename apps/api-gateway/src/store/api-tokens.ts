import type { Scope } from '@fairlead/auth';
import { platformPath } from '@fairlead/contracts';
import type { Sql } from '@fairlead/postgres';
import { customPermissions, type HeldRole } from '../domain/held-roles.js';
import { heldBy } from './role-bindings.js';

/** SQL: whether an API token can still be used, by the database's clock. */
export const usable = 'revoked_at is null and expires_at > now()';

/** An API token without its secret. */
export interface ApiToken {
  readonly tokenId: string;
  readonly userId: string;
  readonly name: string;
  /** Built in or custom; a project's key has one, which is held on the project. */
  readonly roles: string[];
  /** What its custom roles gave when it was made, by role: it never has more of them; null without one. */
  readonly permissions: Readonly<Record<string, string[]>> | null;
  /** The tenants and nodes that it is kept to; null for the whole platform. */
  readonly scope: Scope | null;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  /** Within a minute; null for never. */
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
  /** When it got the secret that it has; null while that is its first. */
  readonly rotatedAt: Date | null;
  /** How long the secret before works beside it; null without one. */
  readonly previousUntil: Date | null;
}

const columns = `token_id as "tokenId", user_id as "userId", name, roles, permissions, scope, created_at as "createdAt", expires_at as "expiresAt",
  last_used_at as "lastUsedAt", revoked_at as "revokedAt", rotated_at as "rotatedAt", previous_until as "previousUntil"`;

export interface NewApiToken {
  readonly tokenId: string;
  readonly userId: string;
  readonly name: string;
  /** Its roles with what they give now, which is the most that it ever gives of custom ones. */
  readonly given: readonly HeldRole[];
  readonly scope: Scope | undefined;
  readonly secretHash: Buffer;
  readonly expiresInDays: number;
}

/** Inserts a token and answers it. */
export async function insertApiToken(tx: Sql, token: NewApiToken): Promise<ApiToken> {
  const permissions = customPermissions(token.given);
  const [inserted] = await tx.query<ApiToken>(
    `insert into api_token (token_id, user_id, name, roles, secret_hash, expires_at, scope, permissions)
     values ($1, $2, $3, $4, $5, now() + make_interval(days => $6), $7::jsonb, $8::jsonb)
     returning ${columns}`,
    [
      token.tokenId,
      token.userId,
      token.name,
      token.given.map(({ role }) => role),
      token.secretHash,
      token.expiresInDays,
      token.scope === undefined ? null : JSON.stringify(token.scope),
      permissions === undefined ? null : JSON.stringify(permissions),
    ],
  );
  if (inserted === undefined) throw new Error('the API token was not inserted');
  return inserted;
}

/** What a token that is in use says: whose it is, and what both may do. */
export interface UsableApiToken {
  readonly userId: string;
  readonly email: string;
  /** The token's roles, with what they gave when it was made and give now. */
  readonly given: readonly HeldRole[];
  readonly held: readonly HeldRole[];
  readonly scope: Scope | null;
}

/** SQL: the roles of a token as a list of `HeldRole` on the whole platform; `permissions` is SQL for those of the custom role `named.role`. */
function rolesWith(permissions: string): string {
  return `(select coalesce(json_agg(json_build_object('role', named.role, 'scope', '${platformPath}', 'permissions', ${permissions})), '[]')
     from unnest(api_token.roles) named(role))`;
}

/** SQL: what a custom role gave when the token was made; null for a built-in one. */
const kept = 'api_token.permissions -> named.role';
/** SQL: what of that it gives now: nothing once it is gone, and of another one of its name no more than that. */
const stillGiven = `case when api_token.permissions ? named.role then
       array(select p from role r, unnest(r.permissions) p where r.name = named.role and (${kept}) ? p) end`;

/** SQL: whether the last use is not known to the minute. */
const unnoted = `(last_used_at is null or last_used_at < now() - interval '1 minute')`;

/** Finds a token that can be used, by the database's clock, and notes that it is, once a minute; else undefined. */
export async function useApiToken(sql: Sql, tokenId: string, secretHash: Buffer): Promise<UsableApiToken | undefined> {
  const [found] = await sql.query<UsableApiToken & { unnoted: boolean }>(
    `select user_id as "userId", email, ${rolesWith(stillGiven)} as given, ${heldBy('users.principal')} as held, scope, ${unnoted} as unnoted
     from api_token join users using (user_id)
     where token_id = $1 and (secret_hash = $2 or (previous_secret_hash = $2 and previous_until > now())) and ${usable} and not disabled`,
    [tokenId, secretHash],
  );
  if (found?.unnoted === true) await sql.query(`update api_token set last_used_at = now() where token_id = $1 and ${unnoted}`, [tokenId]);
  return found;
}

/**
 * Gives a user's token a new secret and answers it; the one before works for so many hours beside it, and any earlier one no
 * more. Undefined when the user has no such token, or it can't be used any more.
 */
export async function rotateApiTokenRow(
  tx: Sql,
  token: { tokenId: string; userId: string; secretHash: Buffer; overlapHours: number },
): Promise<ApiToken | undefined> {
  const overlaps = token.overlapHours > 0;
  const [rotated] = await tx.query<ApiToken>(
    `update api_token set secret_hash = $3, rotated_at = now(),
       previous_secret_hash = case when $4 then secret_hash end,
       previous_until = case when $4 then least(now() + make_interval(hours => $5), expires_at) end
     where token_id = $1 and user_id = $2 and ${usable}
     returning ${columns}`,
    [token.tokenId, token.userId, token.secretHash, overlaps, token.overlapHours],
  );
  return rotated;
}

/** SQL: whose a project's keys are, which are looked after with the project alone. */
const isProjects = `starts_with(user_id, 'prj_')`;

/** Revokes a token, of one account or of any but projects, and answers it as it was before; undefined when there is no such token. */
export async function revokeApiTokenRow(tx: Sql, tokenId: string, userId: string | undefined): Promise<ApiToken | undefined> {
  const [before] = await tx.query<ApiToken>(
    `select ${columns} from api_token where token_id = $1 and (user_id = $2 or ($2::text is null and not ${isProjects})) for update`,
    [tokenId, userId ?? null],
  );
  if (before?.revokedAt === null) await tx.query('update api_token set revoked_at = now() where token_id = $1', [tokenId]);
  return before;
}

/** The roles of a token with the most that they ever give it, which is what they gave when it was made; none of one that there is not. */
export async function rolesOfToken(sql: Sql, tokenId: string): Promise<readonly HeldRole[]> {
  const [found] = await sql.query<{ roles: HeldRole[] }>(`select ${rolesWith(kept)} as roles from api_token where token_id = $1`, [
    tokenId,
  ]);
  return found?.roles ?? [];
}

/** A token of an account that can still be used, or undefined. */
export async function findUsableToken(sql: Sql, tokenId: string, userId: string): Promise<ApiToken | undefined> {
  const [found] = await sql.query<ApiToken>(`select ${columns} from api_token where token_id = $1 and user_id = $2 and ${usable}`, [
    tokenId,
    userId,
  ]);
  return found;
}

/** How many secrets of an account's tokens can be used now, those before a rotation among them; `but`: without those of one token. */
export async function countSecretsOf(sql: Sql, userId: string, but = ''): Promise<number> {
  const [row] = await sql.query<{ secrets: number }>(
    `select (count(*) + count(*) filter (where previous_until > now()))::int as secrets
     from api_token where user_id = $1 and token_id <> $2 and ${usable}`,
    [userId, but],
  );
  return row?.secrets ?? 0;
}

/** How many tokens of an account that can still be used have a role. */
export async function countTokensWith(sql: Sql, userId: string, role: string): Promise<number> {
  const [row] = await sql.query<{ tokens: number }>(
    `select count(*)::int as tokens from api_token where user_id = $1 and $2 = any(roles) and ${usable}`,
    [userId, role],
  );
  return row?.tokens ?? 0;
}

/** Revokes all tokens of a user that can still be used, and answers them. */
export async function revokeAllTokensOf(tx: Sql, userId: string): Promise<ApiToken[]> {
  return tx.query<ApiToken>(`update api_token set revoked_at = now() where user_id = $1 and ${usable} returning ${columns}`, [userId]);
}

/** Tokens of one account, or of all but projects, also those that have ended, the newest first, before an id, `limit` at most. */
export async function listApiTokens(
  sql: Sql,
  userId: string | undefined,
  page: { before: string | undefined; limit: number },
): Promise<ApiToken[]> {
  return sql.query<ApiToken>(
    `select ${columns} from api_token
     where (user_id = $1 or ($1::text is null and not ${isProjects})) and ($2::text is null or token_id < $2) order by token_id desc limit $3`,
    [userId ?? null, page.before ?? null, page.limit],
  );
}
