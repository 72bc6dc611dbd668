import { roles } from '@fairlead/contracts';
import type { Sql } from '@fairlead/postgres';
import type { HeldRole } from '../domain/held-roles.js';
import { heldBy } from './role-bindings.js';

/** Who somebody is at an issuer: their subject there, which is nobody else's, whatever their e-mail address is. */
export interface ExternalIdentity {
  readonly issuer: string;
  readonly subject: string;
}

/** The user of an external identity; undefined when nobody has signed in with it. */
export async function findExternalUser(sql: Sql, { issuer, subject }: ExternalIdentity): Promise<string | undefined> {
  const [row] = await sql.query<{ userId: string }>(
    'select user_id as "userId" from external_identity where issuer = $1 and subject = $2',
    [issuer, subject],
  );
  return row?.userId;
}

/** Binds a user to an external identity, for good. */
export async function insertExternalIdentity(tx: Sql, { issuer, subject }: ExternalIdentity, userId: string): Promise<void> {
  await tx.query('insert into external_identity (issuer, subject, user_id) values ($1, $2, $3)', [issuer, subject, userId]);
}

/** The user of an external identity, with what they hold. */
export interface ExternalUser {
  readonly userId: string;
  readonly email: string;
  readonly disabled: boolean;
  readonly held: readonly HeldRole[];
  /** What of it stands for what the issuer gives: all built-in roles on the whole platform, and what the gateway has bound. */
  readonly given: readonly { readonly bindingId: string; readonly role: string; readonly scope: string }[];
  /** When the token was issued that gave it, in seconds since 1970; null when none has. */
  readonly rolesAsOf: number | null;
}

/** The user of an external identity with their roles; undefined when there is none. */
export async function findMappedUser(sql: Sql, { issuer, subject }: ExternalIdentity, gateway: string): Promise<ExternalUser | undefined> {
  const [row] = await sql.query<ExternalUser>(
    `select u.user_id as "userId", u.email, u.disabled, extract(epoch from e.roles_as_of)::float8 as "rolesAsOf",
       ${heldBy("'user:' || u.user_id")} as held,
       (select coalesce(json_agg(json_build_object('bindingId', b.binding_id, 'role', b.role, 'scope', b.scope)), '[]') from role_binding b
        where b.principal = 'user:' || u.user_id and (b.created_by = $3 or (b.role = any($4) and b.scope = '/'))) as given
     from external_identity e join users u using (user_id) where e.issuer = $1 and e.subject = $2`,
    [issuer, subject, gateway, Object.keys(roles)],
  );
  return row;
}

/** Notes when the token was issued that a user's roles are those of; never goes back. */
export async function noteRolesAsOf(sql: Sql, { issuer, subject }: ExternalIdentity, issuedAt: number): Promise<void> {
  await sql.query(
    `update external_identity set roles_as_of = to_timestamp($3)
     where issuer = $1 and subject = $2 and (roles_as_of is null or roles_as_of < to_timestamp($3))`,
    [issuer, subject, issuedAt],
  );
}

/** Who a user is at an issuer; undefined for one of another issuer, or of none. */
export async function findExternalSubject(sql: Sql, issuer: string, userId: string): Promise<string | undefined> {
  const [row] = await sql.query<{ subject: string }>('select subject from external_identity where issuer = $1 and user_id = $2', [
    issuer,
    userId,
  ]);
  return row?.subject;
}
