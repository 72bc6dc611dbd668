/** Starts the jobs whose turn has come by the clock. */
import { FairleadError, type EventBody } from '@fairlead/contracts';
import { isConnectionError } from '@fairlead/postgres';
import { currentContext, newContext, runInContext } from '@fairlead/telemetry';
import { principalOf } from '../child-jobs.js';
import { nextTurn, turnsBetween } from '../domain/cron.js';
import type { StepFailure } from '../engine/kind.js';
import { asService, type LoopKind } from '../engine/loops.js';
import { createPlan } from '../plans.js';
import { tell, tenantOf } from '../schedules.js';
import { startJob } from '../start-job.js';
import { findDueSchedule, takeTurn, type ScheduleRow } from '../store/schedules.js';
import type { LoopDependencies } from './dependencies.js';

/** A turn that is later than this counts as missed: nobody was there to take it. */
const missedAfterMs = 60_000;

export function schedulesLoop({ jobs, logger, auditGate }: LoopDependencies): LoopKind {
  /** Takes a schedule's turn; the same job again when an earlier try got no further than its start. */
  async function take(schedule: ScheduleRow & { next_at: Date; now: Date }): Promise<void> {
    const { next_at: dueAt, now } = schedule;
    const rule = { cron: schedule.cron, timeZone: schedule.time_zone };
    const isLate = now.getTime() - dueAt.getTime() > missedAfterMs;
    const runs = !isLate || schedule.missed === 'once';
    const started = runs ? await start(schedule) : {};
    const made = turnsBetween(rule, dueAt, now) + (runs ? 0 : 1);
    const position = await jobs.db.transaction(async (tx) => {
      const { jobId, error } = started;
      if (!(await takeTurn(tx, { scheduleId: schedule.schedule_id, dueAt, nextAt: nextTurn(rule, now), jobId, error }))) return undefined;
      const about = { ...tenantOf(jobs, schedule), name: schedule.name };
      const bodies: EventBody<'schedule'>[] = [];
      if (jobId !== undefined) bodies.push({ type: 'schedule_fired', payload: { ...about, due_at: dueAt.toISOString(), job_id: jobId } });
      if (error !== undefined) bodies.push({ type: 'schedule_failed', payload: { ...about, due_at: dueAt.toISOString(), error } });
      if (made > 0) bodies.push({ type: 'schedule_missed', payload: { ...about, turns: made } });
      let last = 0;
      for (const body of bodies) last = await tell(tx, schedule, body, schedule.reason);
      return last;
    });
    if (position !== undefined && position > 0) jobs.onAppended(position);
  }

  /** Plans and starts a turn's job as who made the schedule. What refuses it is told; what is away is tried again. */
  async function start({
    schedule_id: id,
    next_at: dueAt,
    ...schedule
  }: ScheduleRow & { next_at: Date }): Promise<{ jobId?: string; error?: StepFailure }> {
    const { principal: who, kind, params, reason } = schedule;
    const context = newContext({ ...currentContext(), principal: who.id, via: 'job-orchestrator' });
    const principal = principalOf(who);
    try {
      return await runInContext(context, async () => {
        await auditGate.check();
        const plan = await createPlan(jobs, { kind, params, reason }, { principal, context });
        const idempotencyKey = `${id}:${dueAt.toISOString()}`;
        return {
          jobId: (
            await startJob(jobs, { kind, planDigest: plan.digest, reason, idempotencyKey, onConflict: 'queue' }, { principal, context })
          ).jobId,
        };
      });
    } catch (error) {
      if (!(error instanceof FairleadError) || error.kind === 'unavailable' || error.kind === 'internal' || isConnectionError(error))
        throw error;
      // Planned anew, the same turn's start looks like another request.
      if (error.code === 'idempotency_key_reused') return { jobId: String(error.details['job_id']) };
      return { error: { code: error.code, message: error.message.slice(0, 2_000) } };
    }
  }

  return {
    kind: 'schedules',
    intervalMs: 1_000,
    batch: 1,
    timeoutMs: 30_000,
    check: async (_rows, signal) => {
      const failed: string[] = [];
      while (!signal.aborted) {
        const due = await findDueSchedule(jobs.db, failed);
        if (due === undefined) break;
        try {
          await asService(() => take(due));
        } catch (error) {
          logger.warn({ err: error, schedule: due.name }, 'a schedule’s job could not be started; it is tried again');
          failed.push(due.schedule_id);
        }
      }
      return new Map([['', undefined]]);
    },
  };
}
