import { expect, it } from '@jest/globals';
import { createLogger, createTracing, currentContext, newContext, runInContext } from '@fairlead/telemetry';
import { otlpReceiver } from '@fairlead/testing';
import type { Outcome } from '../domain/machine.js';
import { traceStep } from './step-span.js';
import { step, toyKind } from './toy.fixture.js';

it('a run of a step is a span of its own; one that has to be repeated, or ends the job, is a failed one', async () => {
  const receiver = await otlpReceiver();
  const logger = createLogger({ service: 'job-orchestrator', level: 'fatal' });
  const tracing = createTracing({ service: 'job-orchestrator', version: '1', logger, endpoint: `${receiver.url}/v1/traces` });
  const error = { code: 'step_timeout', message: 'hunter2' } as const;
  const kind = toyKind([step('drain')]);
  const outcomes: Outcome[] = [
    { outcome: 'done' },
    { outcome: 'wait', delayMs: 1 },
    { outcome: 'retry', error },
    { outcome: 'failed', error },
    { outcome: 'interrupted' },
  ];
  const context = newContext({ traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, jobId: 'job_1' });
  for (const [index, outcome] of outcomes.entries()) {
    const run = () =>
      traceStep(tracing, kind, { index: 0, direction: 'undo', number: index + 1 }, () => {
        expect(currentContext()).toMatchObject({ jobId: 'job_1', traceparent: expect.not.stringContaining('b'.repeat(16)) });
        return Promise.resolve(outcome);
      });
    expect(await runInContext(context, run)).toBe(outcome);
  }
  await tracing.close();
  await receiver.close();
  const told = receiver.spans.map(({ attributes, status }) => [attributes['fairlead.job.step.outcome'], status, attributes['error.type']]);
  expect(told).toEqual([
    ['done', 'unset', undefined],
    ['wait', 'unset', undefined],
    ['retry', 'error', 'step_timeout'],
    ['failed', 'error', 'step_timeout'],
    ['interrupted', 'unset', undefined],
  ]);
  expect(receiver.spans.at(-1)).toMatchObject({ name: 'job step toy/drain', kind: 'internal', parentSpanId: 'b'.repeat(16) });
  expect(receiver.spans.at(-1)?.attributes).toMatchObject({
    'fairlead.job.id': 'job_1',
    'fairlead.job.step': 'drain',
    'fairlead.job.step.direction': 'undo',
    'fairlead.job.step.attempt': 5,
  });
});
