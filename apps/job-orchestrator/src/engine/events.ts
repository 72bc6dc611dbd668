import type { EventBody } from '@fairlead/contracts';
import type { NewEvent } from '@fairlead/event-log';
import type { Settled } from '../domain/machine.js';
import type { StepFailure } from './kind.js';

/** An event of a job's own history; it names the job's tenant. The ids of its request come from the context at hand. */
export function jobEvent(
  job: { jobId: string; tenantId: string | undefined },
  body: EventBody<'job'>,
  meta: { reason?: string; step?: string } = {},
): NewEvent {
  const tenant = job.tenantId === undefined ? {} : { tenant_id: job.tenantId };
  return {
    aggregateType: 'job',
    aggregateId: job.jobId,
    type: body.type,
    payload: { ...tenant, ...body.payload },
    meta: { job_id: job.jobId, ...tenant, ...meta },
    // Type and payload come from one body and so belong together, which the compiler does not follow.
  } as NewEvent;
}

/** Why a job stopped, as its events tell it; nothing else that a failure may carry. */
export function toldFailure({ code, message, step }: StepFailure & { step?: string }): StepFailure & { step?: string } {
  return { code, message, step };
}

/** The event type and payload for a run's outcome; waits are no news, unless they tell how far the step is. */
export function outcomeEvent(
  step: string,
  attempt: number,
  settled: Settled,
  output: Record<string, unknown> | undefined,
): EventBody<'job'> | undefined {
  const base = { step, attempt };
  const error = (failure: StepFailure | undefined) =>
    failure === undefined ? {} : { error: { code: failure.code, message: failure.message.slice(0, 2_000).toWellFormed() } };
  switch (settled.result) {
    case 'succeeded':
      return { type: 'step_succeeded', payload: { ...base, ...(output === undefined ? {} : { output }) } };
    case 'undone':
      return { type: 'step_undone', payload: base };
    case 'retrying':
      return { type: 'step_retrying', payload: { ...base, delay_ms: settled.delayMs, ...error(settled.error) } };
    case 'failed':
      return { type: 'step_failed', payload: { ...base, ...error(settled.error) } };
    case 'waiting':
      return output === undefined ? undefined : { type: 'step_progressed', payload: { ...base, output } };
    case 'interrupted':
      return undefined;
  }
}
