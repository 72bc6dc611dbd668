import type { Tracing } from '@fairlead/telemetry';
import type { Outcome } from '../domain/machine.js';
import type { JobKind } from './kind.js';

/** Runs a step once, in a span of the trace of the request that started the job. A wait is no failure. */
export function traceStep(
  tracing: Tracing,
  { kind, steps }: Pick<JobKind, 'kind' | 'steps'>,
  attempt: { index: number; direction: 'forward' | 'undo'; number: number },
  work: () => Promise<Outcome>,
): Promise<Outcome> {
  const step = steps[attempt.index]?.name ?? '';
  const attributes = {
    'fairlead.job.kind': kind,
    'fairlead.job.step': step,
    'fairlead.job.step.direction': attempt.direction,
    'fairlead.job.step.attempt': attempt.number,
  };
  return tracing.span(`job step ${kind}/${step}`, { attributes }, async (span) => {
    const outcome = await work();
    span.set({ 'fairlead.job.step.outcome': outcome.outcome });
    if ('error' in outcome) span.fail(outcome.error.code);
    return outcome;
  });
}
