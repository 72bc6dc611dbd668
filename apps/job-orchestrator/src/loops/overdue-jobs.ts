/** Tells of jobs that have passed their deadline and are still open: somebody has to look. */
import { appendInTransaction } from '@fairlead/event-log';
import { jobEvent } from '../engine/events.js';
import type { LoopKind } from '../engine/loops.js';
import { markOverdue } from '../store/overdue.js';
import type { LoopDependencies } from './dependencies.js';

const most = 200;

export function overdueJobsLoop({ db, jobs, logger }: LoopDependencies): LoopKind {
  async function tellSome(): Promise<number> {
    const { count, position } = await db.transaction(async (tx) => {
      const overdue = await markOverdue(tx, most);
      if (overdue.length === 0) return { count: 0, position: undefined };
      const events = overdue.map((job) =>
        jobEvent(
          { jobId: job.job_id, tenantId: job.tenant_id ?? undefined },
          {
            type: 'job_overdue',
            payload: { status: job.status, deadline: job.deadline.toISOString(), ...(job.step === null ? {} : { step: job.step }) },
          },
          { reason: job.reason },
        ),
      );
      const { lastPosition } = await appendInTransaction(tx, { events });
      return { count: overdue.length, position: lastPosition };
    });
    if (position === undefined) return 0;
    logger.warn({ jobs: count }, 'jobs have passed their deadline and are still open');
    jobs.onAppended(position);
    return count;
  }

  return {
    kind: 'overdue-jobs',
    intervalMs: 10_000,
    batch: 1,
    timeoutMs: 30_000,
    check: async (_rows, signal) => {
      while (!signal.aborted && (await tellSome()) === most);
      return new Map([['', undefined]]);
    },
  };
}
