import type { FastifyRequest } from 'fastify';
import { onlyReads, type Permission } from '@fairlead/contracts';

/**
 * All reads that hand out so much that who asked for what, and from where, is in the trail before they are answered; while that can't be
 * recorded they are refused. By their routes, with the name that the trail knows them by (`sensitive_read:audit_export`). What is behind the
 * caller's token has to stand at that moment, as for changes.
 */
export const sensitiveReads: Readonly<Record<string, string>> = {
  // Every event there is, to be kept elsewhere.
  'GET /admin/v1/audit/export': 'audit_export',
  // Rows of the control database; `data_table.data_read` tells what of them.
  'GET /admin/v1/data/tables/{schema}/{table}': 'data_rows',
  // Whole payloads and metadata, whoever they are about.
  'GET /admin/v1/log/events': 'log_events',
  'GET /admin/v1/log/events/{position}': 'log_event',
};

/** Reads by a permission that is for more than reading, and why they need no record. */
export const unrecordedReads: Readonly<Record<string, string>> = {
  'GET /admin/v1/api-tokens': 'the caller’s own, without their secrets',
  'GET /admin/v1/auth/explain': 'what follows from roles that the caller may see',
  'GET /admin/v1/auth/me': 'the caller alone',
  'GET /admin/v1/auth/sessions': 'the caller’s own',
  'GET /admin/v1/auth/whoami': 'the caller alone',
  'GET /admin/v1/data/tables': 'names of tables and columns, nothing of what is in them',
  'GET /admin/v1/role-bindings': 'who holds what: no secret, and what administering roles begins with',
  'GET /admin/v1/roles': 'names and permissions',
  'GET /admin/v1/roles/{name}': 'names and permissions',
  'GET /admin/v1/service-accounts': 'names and roles, no secret of a token',
  'GET /admin/v1/service-accounts/{id}': 'names and roles, no secret of a token',
  'GET /admin/v1/signing-keys': 'ids and times; the keys themselves are never shown',
  'GET /admin/v1/users': 'addresses and roles: no secret, and what administering users begins with',
  'GET /admin/v1/users/{id}': 'addresses and roles: no secret, and what administering users begins with',
};

/** A sensitive read that somebody asks for. */
export interface SensitiveRead {
  /** As {@link sensitiveReads} call it. */
  readonly name: string;
  /** The path of the request. */
  readonly target: string;
  readonly query?: string;
}

/** A route as the tables above and the API's document write it. */
export function routeName(method: string, url: string): string {
  return `${method} ${url.replaceAll(/:(\w+)/g, '{$1}')}`;
}

/** True for a read by a permission that is for more than reading, of which no table above says whether it is recorded. */
export function isUndecidedRead(method: string, route: string, permission: Permission | undefined): boolean {
  if (method !== 'GET' || permission === undefined || onlyReads(permission)) return false;
  return !Object.hasOwn(sensitiveReads, route) && !Object.hasOwn(unrecordedReads, route);
}

const maxChars = 2_000;

/** What is recorded of a request. */
export function sensitiveReadOf(name: string, request: FastifyRequest): SensitiveRead {
  const [target = '', query] = request.url.split(/\?(.*)/s).map(plain);
  return { name, target, ...(query === undefined || query === '' ? {} : { query }) };
}

/** As a URL should be: what else a client may have sent is not stored. */
function plain(text: string): string {
  const visible = text.replaceAll(/[^\x21-\x7e]/g, '?');
  return visible.length > maxChars ? `${visible.slice(0, maxChars)}…` : visible;
}
