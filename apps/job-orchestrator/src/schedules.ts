/** Making and changing schedules, which start jobs by the clock. */
import { requirePermission, type Principal } from '@fairlead/auth';
import { FairleadError, namePattern, newId, type EventBody, type Permission } from '@fairlead/contracts';
import { appendInTransaction } from '@fairlead/event-log';
import type { Answering, Transaction } from '@fairlead/postgres';
import { checkCron, nextTurn } from './domain/cron.js';
import { jobPrincipalOf, kindByName, parseParams, permissionsFor, requireReason, requireWhere, type PlanDependencies } from './plans.js';
import { deleteSchedule, insertSchedule, lockSchedule, pauseSchedule, resumeSchedule, type ScheduleRow } from './store/schedules.js';

export interface ScheduleRequest {
  name: string;
  kind: string;
  params: unknown;
  cron: string;
  timeZone: string;
  missed: 'skip' | 'once';
  reason: string;
  /** The permission that the caller was asked for besides the kind's. */
  asked?: Permission;
}

/** A schedule, by its id or name, that is to be changed. */
export interface ScheduleChange {
  readonly schedule: string;
  readonly reason: string;
  readonly asked?: Permission;
}

/**
 * Makes a schedule, whose jobs run as who made it, with what they may do where it acts: on the tenant that it is about, or on the platform. Throws `invalid_argument`, `permission_denied`, and `already_exists` for a
 * name that is taken.
 */
export async function createSchedule<Answer>(
  deps: PlanDependencies,
  request: ScheduleRequest,
  { principal }: { principal: Principal },
  answering: Answering<{ row: ScheduleRow; position: number }, Answer>,
): Promise<Answer> {
  const kind = kindByName(deps.kinds, request.kind);
  requirePermission(principal, kind.permission, { anywhere: true });
  if (!namePattern.test(request.name))
    throw new FairleadError('invalid_argument', 'name: 1 to 63 lower-case letters, digits and hyphens are expected');
  if (kind.needsApproval === true || deps.approvalKinds.has(kind.kind))
    throw new FairleadError('approval_required', `Jobs of kind ${kind.kind} need a second person, whom a clock does not have`);
  const params = parseParams(kind, request.params) as Record<string, unknown>;
  const tenant = kind.tenantOf(params);
  requireWhere(principal, [request.asked, ...permissionsFor(kind, params)], tenant);
  const rule = { cron: request.cron, timeZone: request.timeZone };
  checkCron(rule, new Date());
  const reason = requireReason(request.reason);
  return answering(async (tx) => {
    const made = await insertSchedule(tx, {
      schedule_id: newId('schedule'),
      name: request.name,
      kind: kind.kind,
      params,
      cron: request.cron,
      time_zone: request.timeZone,
      missed: request.missed,
      principal: jobPrincipalOf(principal, tenant),
      reason,
      next_at: nextTurn(rule, new Date()),
    });
    if (made === undefined) throw new FairleadError('already_exists', `There is a schedule ${request.name} already`);
    const { name, cron, time_zone, missed } = made;
    const payload = { ...tenantOf(deps, made), name, kind: kind.kind, params, cron, time_zone, missed };
    return { row: made, position: await tell(tx, made, { type: 'schedule_created', payload }, reason) };
  });
}

/** Lets no turn come until it is resumed. Throws `schedule_not_found`. */
export function pause(deps: PlanDependencies, asked: ScheduleChange, caller: { principal: Principal }): Promise<void> {
  return change(deps, asked, caller, 'schedule_paused', async (tx, row) => {
    if (row.paused_at !== null) return false;
    await pauseSchedule(tx, row.schedule_id);
    return true;
  });
}

/** Goes on with the next turn from now. Throws `schedule_not_found`. */
export function resume(deps: PlanDependencies, asked: ScheduleChange, caller: { principal: Principal }): Promise<void> {
  return change(deps, asked, caller, 'schedule_resumed', async (tx, row) => {
    if (row.paused_at === null) return false;
    await resumeSchedule(tx, row.schedule_id, nextTurn({ cron: row.cron, timeZone: row.time_zone }, new Date()));
    return true;
  });
}

/** Removes a schedule; jobs that it has started go on. Throws `schedule_not_found`. */
export function remove(deps: PlanDependencies, asked: ScheduleChange, caller: { principal: Principal }): Promise<void> {
  return change(deps, asked, caller, 'schedule_deleted', async (tx, row) => {
    await deleteSchedule(tx, row.schedule_id);
    return true;
  });
}

async function change(
  deps: PlanDependencies,
  request: ScheduleChange,
  { principal }: { principal: Principal },
  type: 'schedule_paused' | 'schedule_resumed' | 'schedule_deleted',
  work: (tx: Transaction, row: ScheduleRow) => Promise<boolean>,
): Promise<void> {
  const reason = requireReason(request.reason);
  const position = await deps.db.transaction(async (tx) => {
    const row = await lockSchedule(tx, request.schedule);
    requireWhere(
      principal,
      [request.asked, ...permissionsFor(kindByName(deps.kinds, row.kind), row.params)],
      tenantOf(deps, row).tenant_id,
    );
    if (!(await work(tx, row))) return undefined;
    return tell(tx, row, { type, payload: { ...tenantOf(deps, row), name: row.name, by: principal.id } }, reason);
  });
  if (position !== undefined) deps.onAppended(position);
}

/** The tenant that a schedule's jobs are about, as its events name it. */
export function tenantOf({ kinds }: Pick<PlanDependencies, 'kinds'>, row: ScheduleRow): { tenant_id?: string } {
  const kind = kinds.get(row.kind);
  const params = kind?.params.safeParse(row.params);
  const tenant = params?.success === true ? kind?.tenantOf(params.data) : undefined;
  return tenant === undefined ? {} : { tenant_id: tenant };
}

/** Tells of a schedule; answers the position. */
export async function tell(tx: Transaction, row: ScheduleRow, body: EventBody<'schedule'>, reason: string): Promise<number> {
  const about = body.payload.tenant_id === undefined ? {} : { tenant_id: body.payload.tenant_id };
  const event = { aggregateType: 'schedule' as const, aggregateId: row.schedule_id, ...body, meta: { reason, ...about } };
  return (await appendInTransaction(tx, { events: [event] })).lastPosition;
}
