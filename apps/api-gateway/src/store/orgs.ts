import type { Sql } from '@fairlead/postgres';

/** An org: projects belong to it. */
export interface Org {
  /** `org_…` */
  readonly orgId: string;
  /** As its scope path names it. */
  readonly name: string;
  readonly displayName: string;
  /** Raised by each change. */
  readonly revision: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const columns = `org_id as "orgId", name, display_name as "displayName", revision, created_at as "createdAt", updated_at as "updatedAt"`;

/** Inserts an org and answers it; undefined when its name is taken. */
export async function insertOrg(tx: Sql, org: { orgId: string; name: string; displayName: string }): Promise<Org | undefined> {
  const [inserted] = await tx.query<Org>(
    `insert into org (org_id, name, display_name) values ($1, $2, $3) on conflict (name) do nothing returning ${columns}`,
    [org.orgId, org.name, org.displayName],
  );
  return inserted;
}

/** An org by its name, or undefined. */
export async function findOrg(sql: Sql, name: string): Promise<Org | undefined> {
  const [found] = await sql.query<Org>(`select ${columns} from org where name = $1`, [name]);
  return found;
}

/** Sets what people call an org and answers it; undefined when it is gone. */
export async function updateOrg(tx: Sql, org: { orgId: string; displayName: string }): Promise<Org | undefined> {
  const [updated] = await tx.query<Org>(
    `update org set display_name = $2, revision = revision + 1, updated_at = now() where org_id = $1 returning ${columns}`,
    [org.orgId, org.displayName],
  );
  return updated;
}

export async function deleteOrg(tx: Sql, orgId: string): Promise<void> {
  await tx.query('delete from org where org_id = $1', [orgId]);
}

/** Orgs in the order of their names, after one, `limit` at most; of some names those alone. */
export async function listOrgs(sql: Sql, only: readonly string[] | undefined, page: { after: string; limit: number }): Promise<Org[]> {
  return sql.query<Org>(
    `select ${columns} from org where name collate "C" > $1 and ($3::text[] is null or name = any($3)) order by name collate "C" limit $2`,
    [page.after, page.limit, only ?? null],
  );
}
