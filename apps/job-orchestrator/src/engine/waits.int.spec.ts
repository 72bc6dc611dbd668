import { describe, expect, it } from '@jest/globals';
import type { Principal } from '@fairlead/auth';
import { newContext, runInContext } from '@fairlead/telemetry';
import { eventually, eventuallyHolds } from '@fairlead/testing';
import { signalJob } from '../signal-job.js';
import type { JobDependencies } from '../start-job.js';
import { loadJob } from '../store/jobs.js';
import { endLease } from '../store/replica.js';
import { ann, boot, db, ended, engines, historyOf, start } from './bench.fixture.js';
import { step, toyKind } from './toy.fixture.js';
import { approvalStep, timerStep } from './waits.js';

const bob: Principal = { ...ann, id: 'user:usr_bob' };
const approve = (deps: JobDependencies, jobId: string, principal: Principal) =>
  runInContext(newContext({ principal: principal.id }), () =>
    signalJob(deps, { jobId, signal: 'approval', payload: { note: 'fine' } }, { principal }),
  );

describe('a timer', () => {
  it('takes as long as it says, also when its replica is replaced meanwhile', async () => {
    const kind = toyKind([timerStep('sleep', () => 1_500)]);
    const { jobId } = await start(boot(kind), 'sleeper');
    await eventuallyHolds(
      async () => {
        expect((await loadJob(db, jobId))?.job.status).toBe('waiting');
      },
      { what: 'the job to rest' },
    );
    await engines.splice(0)[0]?.stop();
    boot(kind);
    const { job, steps } = await ended(jobId);
    expect(job.status).toBe('succeeded');
    const tookMs = (steps[0]?.finished_at?.getTime() ?? 0) - (steps[0]?.started_at?.getTime() ?? 0);
    expect(tookMs).toBeGreaterThanOrEqual(1_490);
  });
});

describe('a job whose replica has ended its lease', () => {
  it('is taken over within its limits: only the time that nobody ran it does not count', async () => {
    const waits = step('waits', { timeoutMs: 1_500, run: () => Promise.resolve({ outcome: 'wait', delayMs: 20 }) });
    const { jobId } = await start(boot(toyKind([waits])), 'impatient');
    const running = await eventually(
      async () => {
        const loaded = await loadJob(db, jobId);
        return loaded?.steps[0]?.status === 'waiting' ? loaded.job : undefined;
      },
      { what: 'the step to wait' },
    );
    await endLease(db, running.owner ?? '');
    const { job } = await ended(jobId);
    expect(await historyOf(jobId)).toContain('job_taken_over>waits');
    expect(job).toMatchObject({ status: 'failed', error: { code: 'step_timeout' } });
    expect(job.deadline.getTime() - running.deadline.getTime()).toBeLessThan(60_000);
  });
});

describe('a step that waits for another person', () => {
  it('hears nobody who started the job', async () => {
    const deps = boot(toyKind([approvalStep('second-look', 60_000)]));
    const { jobId } = await start(deps, 'looked-at');
    await expect(approve(deps, jobId, ann)).rejects.toMatchObject({ code: 'second_person_required' });
    expect((await loadJob(db, jobId))?.job.status).not.toBe('succeeded');
    await approve(deps, jobId, bob);
    const { job, steps } = await ended(jobId);
    expect([job.status, steps[0]?.output]).toEqual(['succeeded', { note: 'fine' }]);
  });

  it('fails when nobody comes', async () => {
    const { jobId } = await start(boot(toyKind([approvalStep('second-look', 300)])), 'forgotten');
    expect((await ended(jobId)).job).toMatchObject({ status: 'failed', error: { code: 'step_timeout', step: 'second-look' } });
  });
});
