import { z } from 'zod';
import { requirePermission, tenantsWith } from '@fairlead/auth';
import type { auditV1 } from '@fairlead/contracts';
import { waitForProjection } from '@fairlead/event-log';
import type { Messaging } from '@fairlead/messaging';
import type { Sql } from '@fairlead/postgres';
import { rpc, type Rpc } from '@fairlead/rpc';
import { pageOf } from '../domain/page.js';
import { auditRecord } from '../projections/audit-record/projection.js';
import { listRecords as queryRecords, trailEnds, type ActionFilter, type RecordFilter } from '../projections/audit-record/query.js';
import type { TrailRecord } from '../projections/audit-record/type.js';
import { parseInput } from './input.js';

export interface ListRecordsDeps {
  readonly sql: Sql;
  readonly messaging: Messaging;
}

const defaultLimit = 100;
const maxLimit = 1_000;
/** How long an answer may wait for the trail to reach the position asked for. */
const waitTimeoutMs = 2_000;

/** An empty text filters nothing. */
const id = z
  .string()
  .max(200, 'longer than 200 characters')
  .transform((text) => (text === '' ? undefined : text));
const time = z
  .string()
  .refine((text) => text === '' || z.iso.datetime({ offset: true }).safeParse(text).success, 'not an RFC 3339 time')
  .transform((text) => (text === '' ? undefined : new Date(text)));
const position = z.int().min(0, 'not a position');

const requestSchema = z.object({
  limit: z.int().min(0, `not within 1 and ${maxLimit}`).max(maxLimit, `not within 1 and ${maxLimit}`),
  before: position,
  fromTime: time,
  toTime: time,
  principal: id,
  tenantId: id,
  action: z
    .string()
    .regex(/^([a-z0-9_]+(\.[a-z0-9_]*)?\*?)?$/, 'not an action such as tenant.tenant_created, tenant.drain* or job')
    .transform(actionFilter),
  requestId: id,
  correlationId: id,
  traceId: id,
  jobId: id,
  resource: z
    .string()
    .max(460, 'longer than 460 characters')
    .refine((text) => text === '' || /^[a-z0-9_]+:./.test(text), 'not a resource such as tenant:acme')
    .transform((text) => (text === '' ? undefined : { type: text.slice(0, text.indexOf(':')), id: text.slice(text.indexOf(':') + 1) })),
  waitForPosition: position,
});

/** Lists records, newest first: of the tenant asked for, or of all whose trail the caller may read. Throws `projection_lagging` when the trail does not reach the position asked for in time. */
export const listRecords = (deps: ListRecordsDeps): Rpc<auditV1.ListRecordsRequest, auditV1.ListRecordsResponse> =>
  rpc(
    'audit.read',
    async (request, call) => {
      const { limit: asked, before, waitForPosition, fromTime: from, toTime: to, ...equal } = parseInput(requestSchema, request);
      if (equal.tenantId !== undefined) requirePermission(call.principal, 'audit.read', { tenant: equal.tenantId });
      const tenants = equal.tenantId === undefined ? tenantsWith(call.principal, 'audit.read') : undefined;
      if (waitForPosition > 0) {
        const { sql, messaging } = deps;
        await waitForProjection({
          sql,
          messaging,
          name: auditRecord.name,
          position: waitForPosition,
          timeoutMs: waitTimeoutMs,
          signal: call.signal,
        });
      }
      const limit = asked === 0 ? defaultLimit : asked;
      const filter: RecordFilter = { from, to, tenants, ...equal };
      // Read first, so that the page holds all there is up to this position.
      const { position, sealedUntil } = await trailEnds(deps.sql);
      const found = await queryRecords(deps.sql, filter, { before, limit });
      // A page of large records ends early.
      const { records, more } = pageOf(found.records, ({ details }) => details, limit);
      const nextBefore = more ? records.at(-1)?.position : found.nextBefore;
      return { records: records.map(toMessage), nextBefore: nextBefore ?? 0, position, sealedUntil };
    },
    { anywhere: true },
  );

/** `tenant.tenant_created` is one action, `tenant.drain*` those that begin so, `tenant` and `tenant.` all of an aggregate type. */
function actionFilter(text: string): ActionFilter | undefined {
  if (text === '') return undefined;
  if (text.endsWith('*')) return { startingWith: text.slice(0, -1) };
  if (text.endsWith('.')) return { startingWith: text };
  return text.includes('.') ? { exactly: text } : { startingWith: `${text}.` };
}

function toMessage(record: TrailRecord): auditV1.AuditRecord {
  return {
    ...record,
    time: record.time.toISOString(),
    via: record.via ?? '',
    tenantId: record.tenantId ?? '',
    traceId: record.traceId ?? '',
    jobId: record.jobId ?? '',
    step: record.step ?? '',
    reason: record.reason ?? '',
    sourceAddress: record.sourceAddress ?? '',
    details: record.details,
  };
}
