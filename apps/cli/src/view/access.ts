/** Roles, who holds them, and accounts of programs, as people read them. */
import type { Binding, Role, ServiceAccount } from '../access-api.js';
import type { ApiToken } from '../api.js';
import { fields, table } from './table.js';

export function renderRoles(roles: readonly Role[]): string {
  return table(
    ['name', 'of', 'revision', 'permissions', 'description'],
    roles.map((role) => [
      role.name,
      role.built_in === true ? 'the product' : 'this installation',
      role.revision,
      role.permissions?.length,
      role.description,
    ]),
  );
}

export function renderRole(role: Role): string {
  return fields([
    ['name', role.name],
    ['description', role.description],
    ['revision', role.revision],
    ['permissions', role.permissions?.join(', ')],
  ]);
}

export function renderBindings(bindings: readonly Binding[]): string {
  return table(
    ['id', 'principal', 'role', 'scope', 'by', 'created'],
    bindings.map((binding) => [
      ...[binding.binding_id, binding.principal, binding.role, binding.scope],
      ...[binding.created_by, binding.created_at],
    ]),
  );
}

export function renderBinding(binding: Binding): string {
  return fields([
    ['id', binding.binding_id],
    ['principal', binding.principal],
    ['role', binding.role],
    ['scope', binding.scope],
  ]);
}

export function renderServiceAccounts(accounts: readonly ServiceAccount[]): string {
  return table(
    ['id', 'name', 'principal', 'state', 'revision', 'created'],
    accounts.map((account) => [
      ...[account.service_account_id, account.name, account.principal, stateOf(account)],
      ...[account.revision, account.created_at],
    ]),
  );
}

export function renderServiceAccount(account: ServiceAccount): string {
  return fields([
    ['id', account.service_account_id],
    ['name', account.name],
    ['principal', account.principal],
    ['state', stateOf(account)],
    ['revision', account.revision],
  ]);
}

/** A token with the secret that is shown once. */
export function renderNewToken(created: ApiToken & { token: string }): string {
  return fields([
    ['token', created.token],
    ['id', created.token_id],
    ['roles', created.roles?.join(', ')],
    ...(created.previous_until == null ? [] : [['before', `works until ${created.previous_until}`] as const]),
    ['expires', created.expires_at],
  ]);
}

function stateOf({ disabled }: ServiceAccount): string {
  return disabled === true ? 'disabled' : 'enabled';
}
