import type { NewEvent } from '@fairlead/event-log';
import type { Settled } from '../domain/machine.js';
import type { StepFailure } from './kind.js';

/** An event of a job's own history; the ids of its request come from the context at hand. */
export function jobEvent(
  jobId: string,
  type: string,
  payload: Record<string, unknown>,
  meta: { tenantId?: string; reason?: string; step?: string } = {},
): NewEvent {
  return {
    aggregateType: 'job',
    aggregateId: jobId,
    type,
    payload,
    meta: {
      job_id: jobId,
      ...(meta.tenantId === undefined ? {} : { tenant_id: meta.tenantId }),
      ...(meta.reason === undefined ? {} : { reason: meta.reason }),
      ...(meta.step === undefined ? {} : { step: meta.step }),
    },
  };
}

/** The event type and payload for a run's outcome; waits are no news. */
export function outcomeEvent(
  step: string,
  attempt: number,
  settled: Settled,
  output: Record<string, unknown> | undefined,
): { type: string; payload: Record<string, unknown> } | undefined {
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
    case 'interrupted':
      return undefined;
  }
}
