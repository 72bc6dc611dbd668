import type { Permission } from '@fairlead/contracts';
import type { Sql } from '@fairlead/postgres';
import { isBuiltIn, type HeldRole } from '../domain/held-roles.js';
import { heldBy } from './role-bindings.js';

/** A custom role. */
export interface CustomRole {
  readonly name: string;
  readonly description: string;
  /** As they were given: a later release may have taken one of them away. */
  readonly permissions: readonly string[];
  /** Raised by each change. */
  readonly revision: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const columns = 'name, description, permissions, revision, created_at as "createdAt", updated_at as "updatedAt"';

/** Inserts a role and answers it; undefined when its name is taken. */
export async function insertRole(
  tx: Sql,
  role: { name: string; description: string; permissions: readonly Permission[] },
): Promise<CustomRole | undefined> {
  const [inserted] = await tx.query<CustomRole>(
    `insert into role (name, description, permissions) values ($1, $2, $3) on conflict (name) do nothing returning ${columns}`,
    [role.name, role.description, role.permissions],
  );
  return inserted;
}

/** A custom role by its name, or undefined. */
export async function findRole(sql: Sql, name: string): Promise<CustomRole | undefined> {
  const [found] = await sql.query<CustomRole>(`select ${columns} from role where name = $1`, [name]);
  return found;
}

/** Roles by their names as they would be held on a scope path, in that order; undefined for one that there is not. */
export async function rolesNamed(sql: Sql, names: readonly string[], scope: string): Promise<(HeldRole | undefined)[]> {
  const custom = names.filter((name) => !isBuiltIn(name));
  const rows = custom.length === 0 ? [] : await sql.query<CustomRole>(`select ${columns} from role where name = any($1)`, [custom]);
  const found = new Map(rows.map(({ name, permissions }) => [name, permissions]));
  return names.map((role) => {
    const permissions = isBuiltIn(role) ? null : found.get(role);
    return permissions === undefined ? undefined : { role, scope, permissions };
  });
}

/** Sets what a role says and answers it; undefined when it is gone. */
export async function updateRole(
  tx: Sql,
  role: { name: string; description: string; permissions: readonly string[] },
): Promise<CustomRole | undefined> {
  const [updated] = await tx.query<CustomRole>(
    `update role set description = $2, permissions = $3, revision = revision + 1, updated_at = now() where name = $1 returning ${columns}`,
    [role.name, role.description, role.permissions],
  );
  return updated;
}

export async function deleteRole(tx: Sql, name: string): Promise<void> {
  await tx.query('delete from role where name = $1', [name]);
}

/** Custom roles in the order of their names, after one, `limit` at most. */
export async function listRoles(sql: Sql, page: { after: string; limit: number }): Promise<CustomRole[]> {
  // In the order of their characters, whatever the database's language: names are merged with those of the product.
  return sql.query<CustomRole>(`select ${columns} from role where name collate "C" > $1 order by name collate "C" limit $2`, [
    page.after,
    page.limit,
  ]);
}

/** The names of the custom roles that give a permission, sorted. */
export async function rolesGiving(sql: Sql, permission: Permission): Promise<string[]> {
  const rows = await sql.query<{ name: string }>('select name from role where $1 = any(permissions) order by name collate "C" limit 100', [
    permission,
  ]);
  return rows.map(({ name }) => name);
}

/** How many bindings give a role. */
export async function countBindingsOf(sql: Sql, name: string): Promise<number> {
  const [row] = await sql.query<{ bindings: number }>('select count(*)::int as bindings from role_binding where role = $1', [name]);
  return row?.bindings ?? 0;
}

/** Those who hold a role, each with all that they hold. */
export async function holdersOf(sql: Sql, name: string): Promise<{ principal: string; held: readonly HeldRole[] }[]> {
  return sql.query<{ principal: string; held: HeldRole[] }>(
    `select principal, ${heldBy('holder.principal')} as held from (select distinct principal from role_binding where role = $1) holder`,
    [name],
  );
}

/** Writes the row of every user who holds a role, as a change of their bindings does: whoever acts with what it gave is waited for, or waits. */
export async function touchUsersWith(tx: Sql, name: string): Promise<void> {
  await tx.query(
    `update users set revision = revision + 1, updated_at = now()
     where users.principal in (select b.principal from role_binding b where b.role = $1)`,
    [name],
  );
}
