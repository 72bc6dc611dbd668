import { changeOperations, type ApiRequest, type Body, type Call, type ChangeKind, type Query, type Schema } from '@fairlead/api-client';
import { z } from 'zod';
import { createAccessApi } from './access-api.js';
import { createChainApi } from './chain-api.js';
import { createDefinitionsApi } from './definitions-api.js';
import { createConfigApi } from './config-api.js';
import { CliError } from './exit.js';
import type { Having, Loose } from './http/answer.js';
import { createCaller, request, type Filter, type PageRequest } from './http/caller.js';
import type { HttpClient } from './http/client.js';
import { createFleetApi } from './fleet-api.js';
import { createIdentityApi } from './identity-api.js';
import { createJobsApi } from './jobs-api.js';
import { createLogApi } from './log-api.js';
import { createOrgsApi } from './orgs-api.js';
import { createPlacementApi } from './placement-api.js';
import { sessionCookiePattern } from './session.js';
import { createWebhooksApi } from './webhooks-api.js';

/**
 * The gateway's operations that the CLI uses, in one place; the API's document says what they take and answer. Answers are handed on as they
 * came, so that `-o json` shows all there is.
 */

export type Plan = Having<Schema<'Plan'>, (typeof planFields)[number]>;
export type Tenant = Loose<Schema<'Tenant'>>;
export type Placement = Having<Schema<'Placement'>, (typeof placementFields)[number]>;
export type Snapshot = Loose<Schema<'FleetSnapshot'>>;
export type AuditRecord = Loose<Schema<'AuditRecord'>>;
export type DeadLetter = Loose<Schema<'DeadLetter'>>;
export type ApiToken = Loose<Schema<'ApiToken'>>;
export type Access = z.output<typeof accessSchema>;

/** What decisions hang on, or what is written to a file. */
const planFields = ['plan_id', 'kind', 'digest', 'actions', 'checks', 'impact'] as const;
const placementFields = ['epoch', 'revision', 'aggregate_placement', 'projection_placement', 'runner_placement', 'shards'] as const;
const accessFields = ['access_token', 'expires_in'] as const;
/** Looked at more closely than other answers, for it is kept in a file and sent with all that follows. */
const accessSchema = z.looseObject({ access_token: z.string().min(1), expires_in: z.number() });

const text = z.string().nullish();
const count = z.number().nullish();

/** One event of a job's stream, which the document does not describe. */
export const jobEventSchema = z.looseObject({
  position: z.number(),
  type: z.string(),
  recorded_at: z.string(),
  step: text,
  payload: z
    .looseObject({
      step: text,
      attempt: count,
      error: z.looseObject({ code: text, message: text, step: text }).nullish(),
      delay_ms: count,
      begins: z.looseObject({ step: text, undo: z.boolean().nullish() }).nullish(),
      output: z.record(z.string(), z.unknown()).nullish(),
    })
    .nullish(),
});
export type JobEvent = z.output<typeof jobEventSchema>;

/** What a change is planned from. */
export type PlanBody<Kind extends ChangeKind> = Body<(typeof changeOperations)[Kind]['plan']>;

export interface StartRequest {
  /** A plan's digest, or its id. */
  readonly planDigest: string;
  readonly reason: string;
  readonly onConflict?: 'queue' | 'reject';
  /** The same key and request answer the same job. */
  readonly idempotencyKey: string;
}

export type Api = ReturnType<typeof createApi>;

/** Binds the operations to a client. */
export function createApi(http: HttpClient) {
  const caller = createCaller(http);
  const { one, list } = caller;
  return {
    /** Logs in; the cookie, `name=value`, is what refreshes the access token. */
    login: async (email: string, password: string, code?: string) => {
      const given = { email, password, ...(code === undefined ? {} : { code }) };
      const { body, headers } = await http.exchange(request('auth.login', { body: given }), { needs: accessFields });
      return { ...accessOf(body), cookie: sessionCookieOf(headers) };
    },
    refresh: async (cookie: string) => accessOf(await one('auth.refresh', {}, accessFields, { cookie, repeatable: true })),
    logout: (cookie: string) => one('auth.logout', {}, [], { cookie, repeatable: true }),
    changePassword: (current: string, fresh: string) => one('auth.password', { body: { current_password: current, new_password: fresh } }),
    me: () => one('auth.me', {}, ['principal']),

    createToken: (body: Body<'apiTokens.create'>, idempotencyKey: string) =>
      one('apiTokens.create', { headers: { 'Idempotency-Key': idempotencyKey }, body }, ['token']),
    tokens: (filter: Filter<'apiTokens.list'>, page: PageRequest) => list('apiTokens.list', filter, page),
    rotateToken: (id: string, overlapHours: number | undefined, idempotencyKey: string) =>
      one('apiTokens.rotate', { path: { id }, headers: { 'Idempotency-Key': idempotencyKey }, body: { overlap_hours: overlapHours } }, [
        'token',
      ]),
    revokeToken: (id: string) => one('apiTokens.revoke', { path: { id } }),

    createPlan: <Kind extends ChangeKind>(kind: Kind, body: PlanBody<Kind>, idempotencyKey: string): Promise<Plan> =>
      one(changeOperations[kind].plan, { headers: { 'Idempotency-Key': idempotencyKey }, body } as Call<PlanId>, planFields),
    plan: (id: string) => one('plans.get', { path: { id } }, planFields),
    approvePlan: (id: string, reason: string) => one('plans.approve', { path: { id }, body: { reason } }, planFields),
    startJob: async (kind: ChangeKind, start: StartRequest) => {
      const { planDigest, reason, onConflict, idempotencyKey } = start;
      const body = { plan_digest: planDigest, reason, ...(onConflict === undefined ? {} : { on_conflict: onConflict }) };
      const answer = await one(changeOperations[kind].start, { headers: { 'Idempotency-Key': idempotencyKey }, body }, ['job_id']);
      return answer.job_id;
    },

    tenants: (filter: Filter<'tenants.list'>, page: PageRequest) => list('tenants.list', filter, page),
    tenant: (id: string) => one('tenants.get', { path: { id }, headers: { 'X-Tenant-Id': id } }, ['tenant_id']),
    createTenant: (body: Body<'tenants.create'>, idempotencyKey: string) =>
      one('tenants.create', { headers: { 'Idempotency-Key': idempotencyKey }, body }),
    shards: async () => (await one('shards.list', {}, ['items'])).items,
    placement: () => one('placement.get', {}, placementFields),
    snapshot: (maxAgeMs: number | undefined) => one('fleet.snapshot', { query: { max_age_ms: maxAgeMs } }, ['endpoints']),

    deadLetters: (filter: Filter<'deadLetters.list'>, page: PageRequest) => list('deadLetters.list', filter, page),
    deadLetter: (sequence: number) => one('deadLetters.get', { path: { sequence } }, ['sequence']),
    replayDeadLetter: (sequence: number, reason: string) => one('deadLetters.replay', { path: { sequence }, body: { reason } }),
    discardDeadLetter: (sequence: number, reason: string) => one('deadLetters.discard', { path: { sequence }, body: { reason } }),
    audit: (filter: Filter<'audit.list'>, page: PageRequest) => list('audit.list', filter, page),
    /** The events of a job behind a cursor, live; ends with the job or when the gateway ends the stream. */
    openJobEvents: (id: string, cursor: string, signal: AbortSignal) =>
      open(http, () => request('jobEvents.events', { path: { id }, query: { cursor } }), signal),
    /** The change stream; its fields are those of the route. */
    openChanges: (query: Omit<Query<'changes.get'>, 'limit' | 'wait_seconds'>, signal: AbortSignal) =>
      open(http, () => request('changes.get', { query }), signal),
    /** Changes of endpoints alone, as the change stream tells them. */
    openFleetEvents: (query: Query<'fleetEvents.events'>, signal: AbortSignal) =>
      open(http, () => request('fleetEvents.events', { query }), signal),
    ...createFleetApi(caller),
    ...createJobsApi(caller),
    ...createLogApi(caller),
    ...createIdentityApi(caller),
    ...createAccessApi(caller),
    ...createOrgsApi(caller),
    ...createPlacementApi(caller),
    ...createDefinitionsApi(caller),
    ...createConfigApi(caller),
    ...createWebhooksApi(caller),
    ...createChainApi(http, caller),
  };
}

type PlanId = (typeof changeOperations)[ChangeKind]['plan'];

/** Rejects for what can't be asked, too. */
async function open(http: HttpClient, make: () => ApiRequest, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  return http.stream(make(), signal);
}

function accessOf(answer: object): Access {
  const parsed = accessSchema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new CliError('the gateway gave no access token that can be used');
}

function sessionCookieOf(headers: Headers): string | undefined {
  const cookies = headers.getSetCookie().map((cookie) => cookie.split(';')[0] ?? '');
  return cookies.find((cookie) => sessionCookiePattern.test(cookie));
}
