import { describe, expect, it } from '@jest/globals';
import { newContext, runInContext } from '@fairlead/telemetry';
import { eventuallyHolds } from '@fairlead/testing';
import { signalJob } from '../signal-job.js';
import type { JobDependencies } from '../start-job.js';
import { loadJob } from '../store/jobs.js';
import { ann, boot, caller, db, ended, historyOf, start } from './bench.fixture.js';
import { step, toyKind } from './toy.fixture.js';

const send = (deps: JobDependencies, jobId: string, signal: string, payload: Record<string, unknown> = {}) =>
  runInContext(newContext({ principal: ann.id }), () => signalJob(deps, { jobId, signal, payload }, caller()));
const hour = 3_600_000;
/** Waits for a signal, and gives what it holds. */
const waiting = step('waits', {
  timeoutMs: hour,
  run: ({ signals }) =>
    Promise.resolve(
      signals['ready'] === undefined
        ? { outcome: 'wait', delayMs: hour, signal: 'ready', note: 'the other side' }
        : { outcome: 'done', output: signals['ready'] },
    ),
});

describe('a signal', () => {
  it('wakes the step that waits for it, which rests without a replica until then', async () => {
    const deps = boot(toyKind([waiting, step('after')]));
    const { jobId } = await start(deps, 'signalled');
    await eventuallyHolds(
      async () => {
        expect((await loadJob(db, jobId))?.job).toMatchObject({
          status: 'waiting',
          owner: null,
          waits_for: 'ready',
          note: 'the other side',
        });
      },
      { what: 'the job to rest' },
    );
    await send(deps, jobId, 'another', { is: 'not it' });
    await send(deps, jobId, 'ready', { version: 7 });
    const { job, steps } = await ended(jobId);
    expect(job).toMatchObject({ status: 'succeeded', waits_for: null, note: null });
    expect(steps[0]).toMatchObject({ output: { version: 7 }, attempts: 2 });
    expect((await historyOf(jobId)).filter((type) => type === 'job_signalled')).toHaveLength(2);
  });

  it('is there already when it was sent before the step asks', async () => {
    const deps = boot(toyKind([waiting]), { engine: false });
    const { jobId } = await start(deps, 'early');
    await send(deps, jobId, 'ready', { early: true });
    boot(toyKind([waiting]));
    expect((await ended(jobId)).steps[0]).toMatchObject({ attempts: 1, output: { early: true } });
  });

  it('is never missed between the look and the rest', async () => {
    const deps = boot(toyKind([waiting]));
    const jobs = await Promise.all(Array.from({ length: 40 }, (_, n) => start(deps, `race-${String(n)}`)));
    await Promise.all(jobs.map(({ jobId }) => send(deps, jobId, 'ready')));
    for (const { jobId } of jobs) expect((await ended(jobId)).job.status).toBe('succeeded');
  });

  it('counts once: the same again changes nothing, another payload is refused', async () => {
    const deps = boot(toyKind([waiting]), { engine: false });
    const { jobId } = await start(deps, 'once');
    await Promise.all([send(deps, jobId, 'ready', { a: 1, b: [2] }), send(deps, jobId, 'ready', { b: [2], a: 1 })]);
    await expect(send(deps, jobId, 'ready', { a: 2 })).rejects.toMatchObject({ code: 'signal_already_sent' });
    expect((await historyOf(jobId)).filter((type) => type === 'job_signalled')).toHaveLength(1);
    for (const name of ['', 'Ready', 'a b', 'x'.repeat(64)])
      await expect(send(deps, jobId, name)).rejects.toMatchObject({ code: 'invalid_argument' });
    await expect(send(deps, jobId, 'large', { text: 'x'.repeat(70_000) })).rejects.toMatchObject({ code: 'too_large' });
    await expect(send(deps, 'job_none', 'ready')).rejects.toMatchObject({ code: 'job_not_found' });
  });
});
