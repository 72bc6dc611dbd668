/** Service accounts, and projects as principals: rows of users as whom nobody signs in. */
import type { Sql } from '@fairlead/postgres';

export interface ServiceAccount {
  /** `sva_…` */
  readonly serviceAccountId: string;
  readonly name: string;
  readonly disabled: boolean;
  /** Raised by each change, also of the roles that it holds. */
  readonly revision: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const columns = `user_id as "serviceAccountId", service_account as name, disabled, revision, created_at as "createdAt", updated_at as "updatedAt"`;
const there = "service_account is not null and starts_with(user_id, 'sva_') and deleted_at is null";

/** Inserts a service account, or a project's row, and answers it; undefined when its name is taken. `shownAs` takes an e-mail address's place, and is none. */
export async function insertServiceAccount(
  tx: Sql,
  account: { serviceAccountId: string; name: string; shownAs: string; passwordHash: string },
): Promise<ServiceAccount | undefined> {
  const [inserted] = await tx.query<ServiceAccount>(
    `insert into users (user_id, email, password_hash, service_account) values ($1, $2, $3, $4) on conflict do nothing returning ${columns}`,
    [account.serviceAccountId, account.shownAs, account.passwordHash, account.name],
  );
  return inserted;
}

/** A service account by its id; undefined when there is none, or none any more. */
export async function findServiceAccount(sql: Sql, serviceAccountId: string): Promise<ServiceAccount | undefined> {
  const [found] = await sql.query<ServiceAccount>(`select ${columns} from users where user_id = $1 and ${there}`, [serviceAccountId]);
  return found;
}

/** Service accounts in id order, after an id, `limit` at most. */
export async function listServiceAccounts(sql: Sql, page: { after: string; limit: number }): Promise<ServiceAccount[]> {
  return sql.query<ServiceAccount>(`select ${columns} from users where user_id > $1 and ${there} order by user_id limit $2`, [
    page.after,
    page.limit,
  ]);
}

/** Deletes a service account, or a project's row: it stays for what it did, its name may be taken again. */
export async function deleteServiceAccount(tx: Sql, serviceAccountId: string): Promise<void> {
  await tx.query(
    `update users set disabled = true, deleted_at = now(), email = user_id, service_account = user_id, revision = revision + 1, updated_at = now()
     where user_id = $1`,
    [serviceAccountId],
  );
}
