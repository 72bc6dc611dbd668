import type { EntityManager } from 'typeorm';
import type { Role } from '@fairlead/contracts';
import type { Sql } from '@fairlead/postgres';
import { User } from './user.js';

/** A user by id or by e-mail address (in lower case), or undefined. */
export async function findUser(manager: EntityManager, by: { userId: string } | { email: string }): Promise<User | undefined> {
  return (await manager.findOneBy(User, by)) ?? undefined;
}

/** Users in id order, after an id, `limit` at most. */
export async function listUsers(manager: EntityManager, page: { after: string; limit: number }): Promise<User[]> {
  return manager
    .createQueryBuilder(User, 'user')
    .where('user.user_id > :after', { after: page.after })
    .orderBy('user.user_id', 'ASC')
    .limit(page.limit)
    .getMany();
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
  roles: readonly Role[];
}

/** Inserts a user; answers false when the e-mail address is taken. */
export async function insertUser(sql: Sql, user: NewUser): Promise<boolean> {
  const rows = await sql.query(
    `insert into users (user_id, email, password_hash, password_is_initial, roles) values ($1, $2, $3, $4, $5)
     on conflict (email) do nothing returning user_id`,
    [user.userId, user.email, user.passwordHash, user.passwordIsInitial, user.roles],
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

/** Sets what an administrator may set of a user. */
export async function updateUser(sql: Sql, user: { userId: string; roles: readonly Role[]; disabled: boolean }): Promise<void> {
  await sql.query('update users set roles = $2, disabled = $3, revision = revision + 1, updated_at = now() where user_id = $1', [
    user.userId,
    user.roles,
    user.disabled,
  ]);
}

/** Locks all users for the rest of the transaction: creations and changes of rights take turns. */
export async function lockUsers(sql: Sql): Promise<void> {
  await sql.query('lock table users in share row exclusive mode');
}

/** How many users can administer others. */
export async function countAdmins(sql: Sql): Promise<number> {
  const rows = await sql.query<{ admins: number }>(`select count(*) as admins from users where 'admin' = any(roles) and not disabled`);
  return rows[0]?.admins ?? 0;
}
