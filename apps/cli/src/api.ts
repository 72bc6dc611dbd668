import { z } from 'zod';
import { changesPath } from '@fairlead/contracts';
import type { HttpClient, RequestOptions } from './http/client.js';
import { createIdentityApi } from './identity-api.js';
import { lockSchema, replicaSchema, scheduleSchema, type NewSchedule } from './jobs-api.js';
import { aggregateSchema, createLogApi, logEventSchema } from './log-api.js';
import { sessionCookiePattern } from './session.js';

/**
 * The gateway's routes that the CLI uses, in one place. Schemas name the fields the CLI reads; others pass through,
 * so that `-o json` shows all there is.
 */

const text = z.string().nullish();
const count = z.number().nullish();

export const planSchema = z.looseObject({
  plan_id: z.string(),
  kind: z.string(),
  digest: z.string(),
  actions: z.array(z.looseObject({ name: z.string(), description: text, kind: text, from_shard_id: text, to_shard_id: text })),
  checks: z.array(z.looseObject({ name: z.string(), verdict: z.string(), value: text, limit: text, message: text })),
  impact: z.looseObject({ tenants: z.array(z.string()), services: z.array(z.string()), expected_pause_ms: z.number() }),
  expires_at: z.string(),
  needs_approval: z.boolean().nullish(),
  approval: z.looseObject({ approved_by: z.string(), approved_at: text, reason: text }).nullish(),
});
export type Plan = z.output<typeof planSchema>;

const jobErrorSchema = z.looseObject({ code: text, message: text, step: text }).nullish();

const stepSchema = z.looseObject({
  name: z.string(),
  status: z.string(),
  attempts: count,
  undo_attempts: count,
  started_at: text,
  finished_at: text,
  error: jobErrorSchema,
  output: z.record(z.string(), z.unknown()).nullish(),
});
export type Step = z.output<typeof stepSchema>;

export const jobSchema = z.looseObject({
  job_id: z.string(),
  kind: text,
  status: z.string(),
  steps: z.array(stepSchema),
  error: jobErrorSchema,
  params: z.record(z.string(), z.unknown()).nullish(),
  reason: text,
  principal: text,
  created_at: text,
  started_at: text,
  finished_at: text,
  blocked_by: text,
  parent_id: text,
  note: text,
  waits_for: text,
  wake_at: text,
  deadline: text,
  pause_requested: z.boolean().nullish(),
  paused_at: text,
  paused_by: text,
  overdue_at: text,
});
export type Job = z.output<typeof jobSchema>;

const seatSchema = z.looseObject({ shard: z.string(), revision: count });
export const tenantSchema = z.looseObject({
  tenant_id: z.string(),
  name: text,
  placement: z.record(z.string(), seatSchema),
  created_at: text,
});
export type Tenant = z.output<typeof tenantSchema>;

const shardSchema = z.looseObject({
  endpoints: z.array(z.looseObject({ endpoint_id: z.string(), url: z.string() })),
  weight: count,
  labels: z.record(z.string(), z.string()).nullish(),
  state: text,
  revision: count,
  tenants: count,
});
const seatsSchema = z.record(z.string(), seatSchema);
/** `<kind>_placement` tells each tenant's shard; `shards` the directory, by kind and id. */
export const placementSchema = z.looseObject({
  epoch: z.number(),
  revision: z.number(),
  published_revision: count,
  aggregate_placement: seatsSchema,
  projection_placement: seatsSchema,
  runner_placement: seatsSchema,
  shards: z.record(z.string(), z.record(z.string(), shardSchema)),
});
export type Placement = z.output<typeof placementSchema>;

const endpointSchema = z.looseObject({
  kind: z.string(),
  shard_id: z.string(),
  endpoint_id: z.string(),
  reachable: z.boolean(),
  healthy: z.boolean(),
  ready: z.boolean(),
  version: text,
  inflight: count,
  lag: count,
  taken_at: text,
  problem: text,
});
export const snapshotSchema = z.looseObject({ taken_at: text, unreachable: count, endpoints: z.array(endpointSchema) });
export type Snapshot = z.output<typeof snapshotSchema>;

export const auditRecordSchema = z.looseObject({
  position: z.number(),
  time: z.string(),
  action: z.string(),
  principal: z.string(),
  via: text,
  tenant_id: text,
  resource_type: text,
  resource_id: text,
  job_id: text,
  step: text,
  reason: text,
  outcome: z.string(),
});
export type AuditRecord = z.output<typeof auditRecordSchema>;

export const deadLetterSchema = z.looseObject({
  sequence: z.number(),
  dead_letter_id: text,
  consumer: text,
  original: z.looseObject({ stream: text, subject: text, sequence: count }),
  deliveries: count,
  replays: count,
  error: text,
  failed_at: text,
  payload: z.unknown(),
});
export type DeadLetter = z.output<typeof deadLetterSchema>;

const accessSchema = z.looseObject({ access_token: z.string(), token_type: z.string(), expires_in: z.number() });
export type Access = z.output<typeof accessSchema>;
const meSchema = z.looseObject({ principal: z.string(), via: text, email: text, roles: z.array(z.string()).nullish() });
const shardItemSchema = z.looseObject({ kind: z.string(), shard_id: z.string() });

const scopeSchema = z.looseObject({ tenants: z.array(z.string()).nullish(), nodes: z.array(z.string()).nullish() });
export type Scope = z.output<typeof scopeSchema>;

export const apiTokenSchema = z.looseObject({
  token_id: z.string(),
  user_id: text,
  name: text,
  roles: z.array(z.string()),
  scope: scopeSchema.nullish(),
  created_at: text,
  expires_at: text,
  last_used_at: text,
  revoked_at: text,
  rotated_at: text,
  previous_until: text,
});
export type ApiToken = z.output<typeof apiTokenSchema>;

/** One event of a job's stream. */
export const jobEventSchema = z.looseObject({
  position: z.number(),
  type: z.string(),
  recorded_at: z.string(),
  step: text,
  payload: z
    .looseObject({
      step: text,
      attempt: count,
      error: jobErrorSchema,
      delay_ms: count,
      begins: z.looseObject({ step: text, undo: z.boolean().nullish() }).nullish(),
      output: z.record(z.string(), z.unknown()).nullish(),
    })
    .nullish(),
});
export type JobEvent = z.output<typeof jobEventSchema>;

function pageOf<Item extends z.ZodType>(item: Item) {
  return z.looseObject({ items: z.array(item), next_cursor: text });
}
export interface Page<Item> {
  readonly items: Item[];
  readonly next_cursor?: string | null;
}

type Filter = Readonly<Record<string, string | undefined>>;
export interface PageRequest {
  readonly limit: number;
  readonly cursor?: string;
}

/** What can be planned and then run as a job. */
export type ChangeKind = 'tenant-migrate' | 'tenants-migrate' | 'tenant-drain' | 'tenant-resume' | 'reload';

export interface StartRequest {
  /** A plan's digest, or its id. */
  readonly planDigest: string;
  readonly reason: string;
  readonly onConflict?: 'queue' | 'reject';
  /** The same key and request answer the same job. */
  readonly idempotencyKey: string;
}

export type Api = ReturnType<typeof createApi>;

/** Binds the routes to a client. */
export function createApi(http: HttpClient) {
  const post = (body: object, more: Partial<RequestOptions> = {}): RequestOptions => ({ method: 'POST', body, ...more });
  const list = <Item extends z.ZodType>(item: Item, path: string, filter: Filter, page: PageRequest) =>
    collect((request) => http.json(pageOf(item), path, { query: { ...filter, ...request } }), page);
  return {
    /** Logs in; the cookie, `name=value`, is what refreshes the access token. */
    login: async (email: string, password: string, code?: string) => {
      const { body, headers } = await http.exchange(accessSchema, '/admin/v1/auth/login', post({ email, password, code }));
      return { ...body, cookie: sessionCookieOf(headers) };
    },
    refresh: (cookie: string) => http.json(accessSchema, '/admin/v1/auth/refresh', { method: 'POST', cookie, repeatable: true }),
    logout: (cookie: string) => http.json(z.unknown(), '/admin/v1/auth/logout', { method: 'POST', cookie, repeatable: true }),
    changePassword: (current: string, fresh: string) =>
      http.json(z.unknown(), '/admin/v1/auth/password', post({ current_password: current, new_password: fresh })),
    me: () => http.json(meSchema, '/admin/v1/auth/me'),

    createToken: (token: object) => http.json(z.looseObject({ ...apiTokenSchema.shape, token: z.string() }), apiTokens, post(token)),
    tokens: (filter: Filter, page: PageRequest) => list(apiTokenSchema, apiTokens, filter, page),
    rotateToken: (tokenId: string, overlapHours: number | undefined) =>
      http.json(
        z.looseObject({ ...apiTokenSchema.shape, token: z.string() }),
        `${apiTokens}/${encodeURIComponent(tokenId)}/rotate`,
        post({ overlap_hours: overlapHours }),
      ),
    revokeToken: (tokenId: string) => http.json(z.unknown(), `${apiTokens}/${encodeURIComponent(tokenId)}`, { method: 'DELETE' }),

    createPlan: (kind: ChangeKind, params: object) => http.json(planSchema, `/admin/v1/plan/${kind}`, post(params)),
    plan: (plan: string) => http.json(planSchema, `/admin/v1/plans/${encodeURIComponent(plan)}`),
    approvePlan: (plan: string, reason: string) =>
      http.json(planSchema, `/admin/v1/plans/${encodeURIComponent(plan)}/approve`, post({ reason })),
    startJob: async (kind: string, start: StartRequest) => {
      const body = {
        plan_digest: start.planDigest,
        reason: start.reason,
        ...(start.onConflict === undefined ? {} : { on_conflict: start.onConflict }),
      };
      const answer = await http.json(
        z.looseObject({ job_id: z.string() }),
        `/admin/v1/jobs/${encodeURIComponent(kind)}`,
        post(body, { idempotencyKey: start.idempotencyKey }),
      );
      return answer.job_id;
    },
    job: (jobId: string, signal?: AbortSignal) => http.json(jobSchema, `/admin/v1/jobs/${encodeURIComponent(jobId)}`, { signal }),
    jobs: (filter: Filter, page: PageRequest) => list(jobSchema, '/admin/v1/jobs', filter, page),
    cancelJob: (jobId: string, reason: string | undefined) =>
      http.json(
        z.looseObject({ status: text }),
        `/admin/v1/jobs/${encodeURIComponent(jobId)}/cancel`,
        post(reason === undefined ? {} : { reason }),
      ),
    retryJob: (jobId: string, reason: string) =>
      http.json(z.looseObject({ status: text }), `/admin/v1/jobs/${encodeURIComponent(jobId)}/retry`, post({ reason })),
    pauseJob: (jobId: string, reason: string) =>
      http.json(jobSchema, `/admin/v1/jobs/${encodeURIComponent(jobId)}/pause`, post({ reason }, { repeatable: true })),
    unpauseJob: (jobId: string, reason: string) =>
      http.json(jobSchema, `/admin/v1/jobs/${encodeURIComponent(jobId)}/unpause`, post({ reason }, { repeatable: true })),
    /** The same again changes nothing. */
    signalJob: (jobId: string, signal: string, payload: object) =>
      http.json(
        jobSchema,
        `/admin/v1/jobs/${encodeURIComponent(jobId)}/signals/${encodeURIComponent(signal)}`,
        post({ payload }, { repeatable: true }),
      ),
    locks: (filter: Filter, page: PageRequest) => list(lockSchema, '/admin/v1/locks', filter, page),
    replicas: () => http.json(pageOf(replicaSchema), '/admin/v1/replicas'),
    schedules: () => http.json(pageOf(scheduleSchema), schedules),
    createSchedule: (schedule: NewSchedule) => http.json(scheduleSchema, schedules, post(schedule)),
    pauseSchedule: (schedule: string, reason: string) =>
      http.json(z.unknown(), `${schedules}/${encodeURIComponent(schedule)}/pause`, post({ reason }, { repeatable: true })),
    resumeSchedule: (schedule: string, reason: string) =>
      http.json(z.unknown(), `${schedules}/${encodeURIComponent(schedule)}/resume`, post({ reason }, { repeatable: true })),
    deleteSchedule: (schedule: string, reason: string) =>
      http.json(z.unknown(), `${schedules}/${encodeURIComponent(schedule)}`, { method: 'DELETE', body: { reason } }),
    /** The events of a job behind a cursor, live; ends with the job or when the gateway ends the stream. */
    openJobEvents: (jobId: string, cursor: string, signal: AbortSignal) =>
      http.stream(`/admin/v1/jobs/${encodeURIComponent(jobId)}/events`, { query: { cursor }, signal }),
    /** The change stream; its fields are those of the route. */
    openChanges: (query: Filter, signal: AbortSignal) => http.stream(changesPath, { query, signal }),

    tenants: (filter: Filter, page: PageRequest) => list(tenantSchema, '/admin/v1/tenants', filter, page),
    tenant: (tenantId: string) => http.json(tenantSchema, `/admin/v1/tenants/${encodeURIComponent(tenantId)}`, { tenant: tenantId }),
    createTenant: (tenant: object, idempotencyKey: string) =>
      http.json(tenantSchema, '/admin/v1/tenants', post(tenant, { idempotencyKey })),

    shards: async () => (await http.json(z.looseObject({ items: z.array(shardItemSchema) }), '/admin/v1/shards')).items,
    placement: () => http.json(placementSchema, '/admin/v1/placement'),
    snapshot: (maxAgeMs: number | undefined) => http.json(snapshotSchema, '/admin/v1/fleet/snapshot', { query: { max_age_ms: maxAgeMs } }),
    deadLetters: (filter: Filter, page: PageRequest) => list(deadLetterSchema, '/admin/v1/dead-letters', filter, page),
    deadLetter: (sequence: number) => http.json(deadLetterSchema, `/admin/v1/dead-letters/${sequence}`),
    replayDeadLetter: (sequence: number, reason: string) =>
      http.json(deadLetterSchema, `/admin/v1/dead-letters/${sequence}/replay`, post({ reason })),
    discardDeadLetter: (sequence: number, reason: string) =>
      http.json(deadLetterSchema, `/admin/v1/dead-letters/${sequence}/discard`, post({ reason })),
    audit: (filter: Filter, page: PageRequest) => list(auditRecordSchema, '/admin/v1/audit', filter, page),
    logEvents: (filter: Filter, page: PageRequest) => list(logEventSchema, '/admin/v1/log/events', filter, page),
    aggregates: (filter: Filter, page: PageRequest) => list(aggregateSchema, '/admin/v1/log/aggregates', filter, page),
    ...createLogApi(http),
    ...createIdentityApi(http),
  };
}

const apiTokens = '/admin/v1/api-tokens';
const schedules = '/admin/v1/schedules';

function sessionCookieOf(headers: Headers): string | undefined {
  const cookies = headers.getSetCookie().map((cookie) => cookie.split(';')[0] ?? '');
  return cookies.find((cookie) => sessionCookiePattern.test(cookie));
}

/** The largest page the gateway answers; longer lists are read page by page. */
const maxPageSize = 200;

async function collect<Item>(
  read: (request: { limit: number; cursor?: string }) => Promise<Page<Item>>,
  { limit, cursor }: PageRequest,
): Promise<Page<Item>> {
  const items: Item[] = [];
  let next = cursor;
  do {
    const page: Page<Item> = await read({ limit: Math.min(limit - items.length, maxPageSize), cursor: next });
    items.push(...page.items);
    next = page.next_cursor ?? undefined;
  } while (next !== undefined && next !== '' && items.length < limit);
  return { items, next_cursor: next === undefined || next === '' ? null : next };
}
