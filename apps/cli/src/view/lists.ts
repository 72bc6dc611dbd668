import type { ApiToken, AuditRecord, Placement, Snapshot, Tenant } from '../api.js';
import { scopeText } from './scope.js';
import { fields, table } from './table.js';

/** A list of tenants with the shard of each kind. */
export function renderTenants(tenants: readonly Tenant[]): string {
  const on = (tenant: Tenant, kind: string) => tenant.placement?.[kind]?.shard;
  return table(
    ['tenant', 'name', 'aggregate', 'projection', 'runner', 'created'],
    tenants.map((tenant) => [
      tenant.tenant_id,
      tenant.name,
      on(tenant, 'aggregate'),
      on(tenant, 'projection'),
      on(tenant, 'runner'),
      tenant.created_at,
    ]),
  );
}

/** One tenant with its assignments. */
export function renderTenant(tenant: Tenant): string {
  const head = fields([
    ['tenant', tenant.tenant_id],
    ['name', tenant.name],
    ['created', tenant.created_at],
  ]);
  return `${head}\n${table(
    ['kind', 'shard', 'revision'],
    Object.entries(tenant.placement ?? {}).map(([kind, { shard, revision }]) => [kind, shard, revision]),
  )}`;
}

/** The placement's revision and its shards. */
export function renderPlacement(placement: Placement): string {
  const head = fields([
    ['epoch', placement.epoch],
    ['revision', placement.revision],
    ['published', placement.published_revision],
  ]);
  return `${head}\n${table(
    ['kind', 'shard', 'state', 'tenants', 'weight', 'revision', 'endpoints'],
    Object.entries(placement.shards).flatMap(([kind, shards]) =>
      Object.entries(shards).map(([id, shard]) => [
        kind,
        id,
        shard.state,
        shard.tenants,
        shard.weight,
        shard.revision,
        shard.endpoints?.map(({ url }) => url ?? '-').join(' '),
      ]),
    ),
  )}`;
}

/** What an export of placement wrote. */
export function renderExport(written: { epoch: number; revision: number; files: { placement: string; routing: string } }): string {
  return fields([
    ['epoch', written.epoch],
    ['revision', written.revision],
    ['placement', written.files.placement],
    ['routing', written.files.routing],
  ]);
}

/** What is known of every endpoint's health. */
export function renderSnapshot(snapshot: Snapshot): string {
  const head = fields([
    ['taken', snapshot.taken_at],
    ['unreachable', snapshot.unreachable],
  ]);
  const state = (endpoint: NonNullable<Snapshot['endpoints']>[number]) =>
    endpoint.reachable !== true ? 'unreachable' : endpoint.healthy !== true ? 'unhealthy' : endpoint.ready === true ? 'ready' : 'not ready';
  return `${head}\n${table(
    ['kind', 'shard', 'endpoint', 'state', 'inflight', 'lag', 'version', 'asked', 'problem'],
    (snapshot.endpoints ?? []).map((endpoint) => [
      endpoint.kind,
      endpoint.shard_id,
      endpoint.endpoint_id,
      state(endpoint),
      endpoint.inflight,
      endpoint.lag,
      endpoint.version,
      endpoint.taken_at,
      endpoint.problem,
    ]),
  )}`;
}

/** A page of the audit trail, newest first. */
export function renderAudit(records: readonly AuditRecord[]): string {
  const who = (record: AuditRecord) =>
    record.via == null || record.via === '' ? record.principal : `${record.principal} via ${record.via}`;
  return table(
    ['position', 'time', 'action', 'outcome', 'principal', 'tenant', 'resource', 'job', 'step', 'reason'],
    records.map((record) => [
      record.position,
      record.time,
      record.action,
      record.outcome,
      who(record),
      record.tenant_id,
      record.resource_id,
      record.job_id,
      record.step,
      record.reason,
    ]),
  );
}

/** API tokens, newest first; a token's id is how it begins. */
export function renderTokens(tokens: readonly ApiToken[]): string {
  return table(
    ['id', 'name', 'user', 'roles', 'only', 'created', 'expires', 'last used', 'rotated', 'revoked'],
    tokens.map((token) => [
      token.token_id,
      token.name,
      token.user_id,
      token.roles?.join(', '),
      scopeText(token.scope),
      token.created_at,
      token.expires_at,
      token.last_used_at,
      token.rotated_at,
      token.revoked_at,
    ]),
  );
}
