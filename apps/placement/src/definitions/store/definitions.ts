import type { Sql, Transaction } from '@fairlead/postgres';

/** A version without its content. */
export interface VersionRow {
  readonly name: string;
  readonly kind: string;
  readonly version: number;
  readonly sha256: string;
  readonly description: string;
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly reason: string;
  /** Null, with the two below, of one that is not retired. */
  readonly retiredAt: Date | null;
  readonly retiredBy: string | null;
  readonly retiredReason: string | null;
}
export type VersionWithContent = VersionRow & { readonly content: string };

const columns = `v.name, d.kind, v.version, v.sha256, v.description, v.created_at as "createdAt", v.created_by as "createdBy", v.reason,
  v.retired_at as "retiredAt", v.retired_by as "retiredBy", v.retired_reason as "retiredReason"`;
const versions = 'definition_version v join definition d using (name)';

/** The kind of a definition; undefined when there is none of this name. */
export async function findKind(sql: Sql, name: string): Promise<string | undefined> {
  const [row] = await sql.query<{ kind: string }>('select kind from definition where name = $1', [name]);
  return row?.kind;
}

/** The newest version of each definition, in the order of their names. */
export async function listDefinitions(
  sql: Sql,
  page: { kind: string; namePrefix: string; limit: number; after: string },
): Promise<VersionRow[]> {
  return sql.query<VersionRow>(
    `select ${columns} from ${versions}
     where v.version = d.newest and ($1 = '' or d.kind = $1) and starts_with(v.name, $2) and v.name > $3
     order by v.name limit $4`,
    [page.kind, page.namePrefix, page.after, page.limit],
  );
}

/** Versions below a number, the newest first; 0: from the newest on. */
export async function listVersions(sql: Sql, name: string, page: { limit: number; before: number }): Promise<VersionRow[]> {
  return sql.query<VersionRow>(
    `select ${columns} from ${versions} where v.name = $1 and ($2 = 0 or v.version < $2) order by v.version desc limit $3`,
    [name, page.before, page.limit],
  );
}

/** One version with its content; 0: the newest. */
export async function findVersion(sql: Sql, name: string, version: number): Promise<VersionWithContent | undefined> {
  const [row] = await sql.query<VersionWithContent>(
    `select ${columns}, v.content from ${versions} where v.name = $1 and v.version = case when $2 = 0 then d.newest else $2 end`,
    [name, version],
  );
  return row;
}

/** The version that has a content. */
export async function findContent(sql: Sql, sha256: string): Promise<VersionWithContent | undefined> {
  const [row] = await sql.query<VersionWithContent>(`select ${columns}, v.content from ${versions} where v.sha256 = $1`, [sha256]);
  return row;
}

/** Takes a definition's lock until the transaction ends, and answers its kind and newest version; it is made when there is none. */
export async function lockDefinition(tx: Transaction, name: string, kind: string): Promise<{ kind: string; newest: number }> {
  await tx.query(`insert into definition (name, kind) values ($1, $2) on conflict do nothing`, [name, kind]);
  const [row] = await tx.query<{ kind: string; newest: number }>('select kind, newest from definition where name = $1 for update', [name]);
  if (row === undefined) throw new Error('a definition that was made is there');
  return row;
}

/** Writes a definition's newest version. */
export async function writeVersion(
  tx: Transaction,
  row: Pick<VersionWithContent, 'name' | 'version' | 'sha256' | 'content' | 'description' | 'createdBy' | 'reason'>,
): Promise<void> {
  await tx.query(
    `with given as (update definition set newest = $2 where name = $1)
     insert into definition_version (name, version, sha256, content, description, created_by, reason) values ($1, $2, $3, $4, $5, $6, $7)`,
    [row.name, row.version, row.sha256, row.content, row.description, row.createdBy, row.reason],
  );
}

/** Takes the lock of one version, against those who begin to use it; answers whether it is there. */
export async function lockVersion(tx: Transaction, name: string, version: number): Promise<boolean> {
  const rows = await tx.query('select from definition_version where (name, version) = ($1, $2) for update', [name, version]);
  return rows.length > 0;
}

/** Retires a version, or takes that back when nobody is named. */
export async function markRetired(
  tx: Transaction,
  name: string,
  version: number,
  by: { principal: string; reason: string } | undefined,
): Promise<void> {
  await tx.query(
    `update definition_version set retired_at = case when $3::text is null then null else now() end, retired_by = $3, retired_reason = $4
     where (name, version) = ($1, $2)`,
    [name, version, by?.principal ?? null, by?.reason ?? null],
  );
}
