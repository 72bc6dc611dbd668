import type { Sql } from '@fairlead/postgres';
import { platformRoles, type HeldRole } from '../domain/held-roles.js';
import { heldBy } from './role-bindings.js';
import type { User } from './user.js';

/** As users are read. */
interface UserRow extends Omit<User, 'roles'> {
  readonly held: readonly HeldRole[];
}

const columns = `user_id as "userId", email, password_hash as "passwordHash", password_is_initial as "passwordIsInitial", disabled, service_account as "serviceAccount", revision,
  created_at as "createdAt", updated_at as "updatedAt", ${heldBy('users.principal')} as held`;

function userOf({ held, ...user }: UserRow): User {
  return { ...user, roles: platformRoles(held) };
}

/** A user, or a program's account, by id or by e-mail address (in lower case), or undefined; not one that has been deleted. */
export async function findUser(sql: Sql, by: { userId: string } | { email: string }): Promise<User | undefined> {
  const [row] =
    'userId' in by
      ? await sql.query<UserRow>(`select ${columns} from users where user_id = $1 and deleted_at is null`, [by.userId])
      : await sql.query<UserRow>(`select ${columns} from users where email = $1`, [by.email]);
  return row === undefined ? undefined : userOf(row);
}

/** Users, without accounts of programs, in id order, after an id, `limit` at most. */
export async function listUsers(sql: Sql, page: { after: string; limit: number }): Promise<User[]> {
  const rows = await sql.query<UserRow>(
    `select ${columns} from users where user_id > $1 and service_account is null order by user_id limit $2`,
    [page.after, page.limit],
  );
  return rows.map(userOf);
}

/** True when there is any user. */
export async function anyUser(sql: Sql): Promise<boolean> {
  return (await sql.query('select 1 from users limit 1')).length > 0;
}

/** True while some user still has the password that the first start made. */
export async function anyInitialPassword(sql: Sql): Promise<boolean> {
  return (await sql.query('select 1 from users where password_is_initial limit 1')).length > 0;
}

export interface NewUser {
  userId: string;
  email: string;
  passwordHash: string;
  passwordIsInitial: boolean;
}

/** Inserts a user, without any role; answers false when the e-mail address is taken. */
export async function insertUser(sql: Sql, user: NewUser): Promise<boolean> {
  const rows = await sql.query(
    `insert into users (user_id, email, password_hash, password_is_initial) values ($1, $2, $3, $4)
     on conflict (email) do nothing returning user_id`,
    [user.userId, user.email, user.passwordHash, user.passwordIsInitial],
  );
  return rows.length === 1;
}

/** Sets a new password hash where the old one still stands; answers false when it does not. */
export async function replacePassword(sql: Sql, change: { userId: string; oldHash: string; newHash: string }): Promise<boolean> {
  const rows = await sql.query(
    `update users set password_hash = $3, password_is_initial = false, revision = revision + 1, updated_at = now()
     where user_id = $1 and password_hash = $2 returning user_id`,
    [change.userId, change.oldHash, change.newHash],
  );
  return rows.length === 1;
}

/**
 * Sets whether a user is disabled. It writes their row whatever changes: with roles that are given or taken in the same transaction,
 * whoever acts with what they had is waited for, or waits.
 */
export async function touchUser(sql: Sql, user: { userId: string; disabled?: boolean }): Promise<void> {
  await sql.query('update users set disabled = coalesce($2, disabled), revision = revision + 1, updated_at = now() where user_id = $1', [
    user.userId,
    user.disabled ?? null,
  ]);
}

/** The same for all of some principals, who change in their roles alone. */
export async function touchUsers(sql: Sql, principals: readonly string[]): Promise<void> {
  await sql.query(`update users set revision = revision + 1, updated_at = now() where users.principal = any($1)`, [principals]);
}

/** Locks all users for the rest of the transaction: creations and changes of rights take turns. */
export async function lockUsers(sql: Sql): Promise<void> {
  await sql.query('lock table users in share row exclusive mode');
}

/** How many users can administer others, and sign in without anybody else's help. */
export async function countAdmins(sql: Sql): Promise<number> {
  const rows = await sql.query<{ admins: number }>(
    `select count(*) as admins from users
     where not disabled and service_account is null and exists (select 1 from role_binding b where b.principal = users.principal and b.role = 'admin' and b.scope = '/')
     and not exists (select from external_identity where external_identity.user_id = users.user_id)`,
  );
  return rows[0]?.admins ?? 0;
}
