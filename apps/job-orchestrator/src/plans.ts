/** Making plans, and holding a plan against the world as it is now. */
import { FairleadError, newId, type CheckVerdict, type Permission } from '@fairlead/contracts';
import { permissionsAt, requirePermission, scopeOf, type Principal } from '@fairlead/auth';
import { prepareCommand } from '@fairlead/event-log';
import type { Database } from '@fairlead/postgres';
import { traceIdOf, type RequestContext } from '@fairlead/telemetry';
import { canonicalPlan, digestOf, digestOfRequest } from './domain/digest.js';
import type { JobKind, JobPrincipal, PlanDraft } from './engine/kind.js';
import { writerOf } from './engine/writer.js';
import { findPlanByKey, type KeyedPlan, type NewPlan, type PlanBody, type PlanRow } from './store/plans.js';

export interface PlanDependencies {
  db: Database;
  kinds: ReadonlyMap<string, JobKind>;
  planTtlMs: number;
  /** Kinds whose plans need a second person in this installation. */
  approvalKinds: ReadonlySet<string>;
  onAppended: (position: number) => void;
}

/** What new plans and jobs are made of: of each kind its newest version. Older ones are there for jobs that began with them. */
export function newestByName(kinds: readonly JobKind[]): Map<string, JobKind> {
  const newest = new Map<string, JobKind>();
  for (const kind of kinds) if (kind.version > (newest.get(kind.kind)?.version ?? 0)) newest.set(kind.kind, kind);
  return newest;
}

/** The kind by its name; throws `invalid_argument` for one that does not exist. */
export function kindByName(kinds: ReadonlyMap<string, JobKind>, name: string): JobKind {
  const kind = kinds.get(name);
  if (kind === undefined)
    throw new FairleadError('invalid_argument', `There is no job kind ${name}; known are ${[...kinds.keys()].join(', ')}`);
  return kind;
}

/** Parameters by the kind's schema; throws `invalid_argument` with each field at fault. */
export function parseParams<Params>(kind: JobKind<Params>, params: unknown): Params {
  const parsed = kind.params.safeParse(params);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map((issue) => ({ field: issue.path.join('.'), message: issue.message }));
  throw new FairleadError('invalid_argument', fields.map(({ field, message }) => `${field}: ${message}`).join('; '), {
    details: { fields },
  });
}

/** A reason is 1 to 500 characters; throws `invalid_argument` otherwise. */
export function requireReason(reason: string): string {
  const trimmed = reason.trim();
  if (trimmed.length === 0 || trimmed.length > 500) {
    throw new FairleadError('invalid_argument', 'reason: a reason of 1 to 500 characters is required', {
      details: { fields: [{ field: 'reason', message: 'required' }] },
    });
  }
  return trimmed;
}

/** Throws `permission_denied` unless a principal has permissions on a tenant, or on the platform where there is none. */
export function requireWhere(principal: Principal, permissions: readonly (Permission | undefined)[], tenant: string | undefined): void {
  for (const permission of permissions) if (permission !== undefined) requirePermission(principal, permission, { tenant });
}

/** What somebody must be permitted to have a kind of job done, with these parameters. */
export function permissionsFor<Params>(kind: JobKind<Params>, params: Params): Permission[] {
  return [kind.permission, ...(kind.alsoNeeds?.(params) ?? [])];
}

/** Who has work done, and what they may do where it acts: on the tenant that it is about, or on the platform. */
export function jobPrincipalOf(principal: Principal, tenant: string | undefined): JobPrincipal {
  const scope = scopeOf(tenant);
  return { id: principal.id, name: principal.name, grants: permissionsAt(principal, scope), scope };
}

/** The tenant that a plan is about; undefined for several, or none. */
export function tenantOfPlan(kind: JobKind | undefined, plan: PlanRow): string | undefined {
  const params = kind?.params.safeParse(plan.body.params);
  return kind !== undefined && params?.success === true ? kind.tenantOf(params.data) : undefined;
}

export interface PlanRequest {
  kind: string;
  params: unknown;
  reason: string;
  /** The permission that the caller was asked for besides the kind's. */
  asked?: Permission;
  /** The same key and request answer the same plan; an empty one is none. */
  idempotencyKey?: string;
}

/**
 * Looks, plans and stores the plan with its event; nothing else changes. Who calls needs the kind's permission, and the one that they were
 * `asked` for, on the tenant that the plan is about, or on the platform. Throws `idempotency_key_reused` when they used the key for
 * another request.
 */
export async function createPlan(
  deps: PlanDependencies,
  request: PlanRequest,
  caller: { principal: Principal; context: RequestContext },
): Promise<PlanRow> {
  const kind = kindByName(deps.kinds, request.kind);
  requirePermission(caller.principal, kind.permission, { anywhere: true });
  const reason = requireReason(request.reason);
  const params = parseParams(kind, request.params);
  requireWhere(caller.principal, [request.asked, ...permissionsFor(kind, params)], kind.tenantOf(params));
  const keyed = keyedBy({ ...request, reason });
  let draft: PlanDraft;
  try {
    draft = kind.plan(params, await kind.readInputs(params));
  } catch (error) {
    // Of a request that was sent before: its plan was made of the world as it was then.
    const earlier = keyed === undefined ? undefined : await findPlanByKey(deps.db, caller.principal.id, keyed.idempotency_key);
    if (earlier !== undefined) return repeatOf(earlier, keyed?.payload_hash);
    throw error;
  }
  const canonical = canonicalPlan(kind.kind, kind.version, params, draft);
  const body: PlanBody = { ...draft, params: params as Record<string, unknown> };
  const plan: NewPlan = {
    plan_id: newId('plan'),
    kind: kind.kind,
    version: kind.version,
    digest: digestOf(canonical),
    canonical,
    body,
    reason,
    created_by: caller.principal.id,
    ttlMs: deps.planTtlMs,
    request_id: caller.context.requestId,
    correlation_id: caller.context.correlationId,
    trace_id: traceIdOf(caller.context),
    ...keyed,
  };
  const tenant = kind.tenantOf(params);
  const about = tenant === undefined ? {} : { tenant_id: tenant };
  const payload = { ...about, kind: kind.kind, digest: plan.digest, params: body.params, verdicts: verdictsOf(draft) };
  const created = prepareCommand({
    events: [{ aggregateType: 'plan', aggregateId: plan.plan_id, type: 'plan_created', payload, meta: { reason, ...about } }],
  });
  const stored = await writerOf(deps.db).plan(plan, created);
  if ('asked' in stored) return repeatOf(stored, plan.payload_hash);
  deps.onAppended(stored.position);
  return stored.row;
}

/** What is kept with a plan of the key that it is made by. */
function keyedBy({
  kind,
  params,
  reason,
  idempotencyKey: key = '',
}: PlanRequest): { idempotency_key: string; payload_hash: string } | undefined {
  return key === '' ? undefined : { idempotency_key: key, payload_hash: digestOfRequest({ kind, params, reason }) };
}

function repeatOf({ row, asked }: KeyedPlan, payloadHash: string | undefined): PlanRow {
  if (asked === payloadHash) return row;
  throw new FairleadError('idempotency_key_reused', `This idempotency key was used for plan ${row.plan_id} with another request`, {
    details: { plan_id: row.plan_id },
  });
}

function verdictsOf(draft: PlanDraft): Record<string, CheckVerdict> {
  return Object.fromEntries(draft.checks.map((check) => [check.name, check.verdict]));
}

/**
 * Plans again from the world as it is and holds the stored plan against it: throws `plan_stale` when an input's
 * revision has moved, `plan_blocked` when a check blocks now. Changes nothing.
 */
export async function assertPlanHolds(kind: JobKind, params: unknown, plan: PlanDraft): Promise<PlanDraft> {
  const now = kind.plan(params, await kind.readInputs(params));
  const revisions = new Map(now.inputs.map((input) => [input.resource, input.revision]));
  const moved = plan.inputs.filter((input) => revisions.get(input.resource) !== input.revision);
  if (moved.length > 0) {
    const details = moved.map((input) => ({
      resource: input.resource,
      planned: input.revision,
      now: revisions.get(input.resource) ?? null,
    }));
    throw new FairleadError(
      'plan_stale',
      `The plan was made from revisions that have moved on: ${moved.map((input) => input.resource).join(', ')}. Plan again.`,
      { details: { moved: details } },
    );
  }
  const blocks = now.checks.filter((check) => check.verdict === 'block');
  if (blocks.length > 0) {
    throw new FairleadError('plan_blocked', `A check blocks this: ${blocks.map((check) => check.message).join('; ')}`, {
      details: { checks: blocks },
    });
  }
  return now;
}

/** The permission a job's stored grants must still hold when it applies. */
export function requireGrant(grants: readonly Permission[], permission: Permission): void {
  if (!grants.includes(permission)) throw new FairleadError('permission_denied', `The job's principal lacks the permission ${permission}`);
}
