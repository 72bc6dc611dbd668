/** The gateway's operations on who may do what: roles, who holds them, and accounts of programs. */
import type { Body, Query, Schema } from '@fairlead/api-client';
import type { Loose } from './http/answer.js';
import type { Caller, Filter, PageRequest } from './http/caller.js';

export type Role = Loose<Schema<'Role'>>;
export type Binding = Loose<Schema<'RoleBinding'>>;
export type ServiceAccount = Loose<Schema<'ServiceAccount'>>;

const once = (key: string) => ({ 'Idempotency-Key': key });

/** Binds these operations to a client. */
export function createAccessApi({ one, list }: Caller) {
  return {
    explain: (query: Query<'access.explain'>) => one('access.explain', { query }, ['allowed']),

    roles: (page: PageRequest) => list('roles.list', {}, page),
    role: (name: string) => one('roles.get', { path: { name } }, ['name']),
    createRole: (body: Body<'roles.create'>, key: string) => one('roles.create', { headers: once(key), body }, ['name']),
    changeRole: (name: string, body: Body<'roles.change'>, ifMatch: string) =>
      one('roles.change', { path: { name }, headers: { 'If-Match': ifMatch }, body }, ['name']),
    deleteRole: (name: string, ifMatch: string) => one('roles.delete', { path: { name }, headers: { 'If-Match': ifMatch } }),

    bindings: (filter: Filter<'roleBindings.list'>, page: PageRequest) => list('roleBindings.list', filter, page),
    createBinding: (body: Body<'roleBindings.create'>, key: string) =>
      one('roleBindings.create', { headers: once(key), body }, ['binding_id']),
    deleteBinding: (id: string) => one('roleBindings.delete', { path: { id } }),

    serviceAccounts: (page: PageRequest) => list('serviceAccounts.list', {}, page),
    serviceAccount: (id: string) => one('serviceAccounts.get', { path: { id } }, ['service_account_id']),
    createServiceAccount: (name: string, key: string) =>
      one('serviceAccounts.create', { headers: once(key), body: { name } }, ['service_account_id']),
    changeServiceAccount: (id: string, disabled: boolean, ifMatch: string) =>
      one('serviceAccounts.change', { path: { id }, headers: { 'If-Match': ifMatch }, body: { disabled } }, ['service_account_id']),
    deleteServiceAccount: (id: string, ifMatch: string) =>
      one('serviceAccounts.delete', { path: { id }, headers: { 'If-Match': ifMatch } }),
    createTokenOf: (id: string, body: Body<'serviceAccounts.createToken'>, key: string) =>
      one('serviceAccounts.createToken', { path: { id }, headers: once(key), body }, ['token']),
    rotateTokenOf: (id: string, token: string, overlapHours: number | undefined, key: string) =>
      one('serviceAccounts.rotateToken', { path: { id, token }, headers: once(key), body: { overlap_hours: overlapHours } }, ['token']),
  };
}
