import type { Sql } from '@fairlead/postgres';
import type { HeldRole } from '../domain/held-roles.js';

/** A role that a principal holds on a scope path. */
export interface RoleBinding {
  readonly bindingId: string;
  /** `user:usr_…`, `project:prj_…` */
  readonly principal: string;
  readonly role: string;
  readonly scope: string;
  readonly createdBy: string;
  readonly createdAt: Date;
}

const columns = `binding_id as "bindingId", principal, role, scope, created_by as "createdBy", created_at as "createdAt"`;

/** SQL: the roles that a principal holds, as a list of `HeldRole`; `principal` is SQL too, never input. */
export function heldBy(principal: string): string {
  return `(select coalesce(json_agg(json_build_object('role', b.role, 'scope', b.scope, 'permissions', r.permissions)), '[]')
     from role_binding b left join role r on r.name = b.role where b.principal = ${principal})`;
}

/** The roles that a principal holds. */
export async function rolesHeldBy(sql: Sql, principal: string): Promise<HeldRole[]> {
  const [row] = await sql.query<{ held: HeldRole[] }>(`select ${heldBy('$1')} as held`, [principal]);
  return row?.held ?? [];
}

/** Inserts a binding and answers it; undefined when there is one like it already. */
export async function insertBinding(tx: Sql, binding: Omit<RoleBinding, 'createdAt'>): Promise<RoleBinding | undefined> {
  const [inserted] = await tx.query<RoleBinding>(
    `insert into role_binding (binding_id, principal, role, scope, created_by) values ($1, $2, $3, $4, $5)
     on conflict (principal, role, scope) do nothing returning ${columns}`,
    [binding.bindingId, binding.principal, binding.role, binding.scope, binding.createdBy],
  );
  return inserted;
}

/** A binding by its id, or undefined. */
export async function findBinding(sql: Sql, bindingId: string): Promise<RoleBinding | undefined> {
  const [found] = await sql.query<RoleBinding>(`select ${columns} from role_binding where binding_id = $1`, [bindingId]);
  return found;
}

export async function deleteBinding(tx: Sql, bindingId: string): Promise<void> {
  await tx.query('delete from role_binding where binding_id = $1', [bindingId]);
}

/** Takes roles from a principal on one scope path, and answers the bindings that were there. */
export async function deleteBindingsOf(
  tx: Sql,
  of: { principal: string; roles: readonly string[]; scope: string },
): Promise<RoleBinding[]> {
  return tx.query<RoleBinding>(`delete from role_binding where principal = $1 and role = any($2) and scope = $3 returning ${columns}`, [
    of.principal,
    of.roles,
    of.scope,
  ]);
}

/** Takes all its roles from a principal, and answers what it held. */
export async function deleteAllBindingsOf(tx: Sql, principal: string): Promise<RoleBinding[]> {
  return tx.query<RoleBinding>(`delete from role_binding where principal = $1 returning ${columns}`, [principal]);
}

/** Takes all roles that are held on a scope path and below it, and answers them. */
export async function deleteBindingsWithin(tx: Sql, path: string): Promise<RoleBinding[]> {
  return tx.query<RoleBinding>(`delete from role_binding where scope = $1 or starts_with(scope, $1 || '/') returning ${columns}`, [path]);
}

export interface BindingFilter {
  readonly principal?: string;
  readonly role?: string;
  readonly scope?: string;
  /** Only those on these scope paths and below; all without it. */
  readonly within?: readonly string[];
}

/** Bindings in the order of their ids, after one, `limit` at most. */
export async function listBindings(sql: Sql, filter: BindingFilter, page: { after: string; limit: number }): Promise<RoleBinding[]> {
  return sql.query<RoleBinding>(
    `select ${columns} from role_binding
     where binding_id > $1 and ($3::text is null or principal = $3) and ($4::text is null or role = $4) and ($5::text is null or scope = $5)
       and ($6::text[] is null or exists (select 1 from unnest($6::text[]) above where scope = above or starts_with(scope, above || '/')))
     order by binding_id limit $2`,
    [page.after, page.limit, filter.principal ?? null, filter.role ?? null, filter.scope ?? null, filter.within ?? null],
  );
}

/** The bindings of a principal with what their roles give, in the order of their ids. */
export async function bindingsOf(sql: Sql, principal: string): Promise<(HeldRole & { bindingId: string })[]> {
  return sql.query<HeldRole & { bindingId: string }>(
    `select b.binding_id as "bindingId", b.role, b.scope, r.permissions
     from role_binding b left join role r on r.name = b.role where b.principal = $1 order by b.binding_id`,
    [principal],
  );
}
