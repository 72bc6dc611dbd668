import { describe, expect, it } from '@jest/globals';
import { newContext, runInContext } from '@fairlead/telemetry';
import { eventually, eventuallyHolds } from '@fairlead/testing';
import { pauseJob, unpauseJob } from '../pause-job.js';
import { cancelJob, type JobDependencies } from '../start-job.js';
import { listJobs, loadJob } from '../store/jobs.js';
import { ann, boot, caller, db, ended, engines, historyOf, start } from './bench.fixture.js';
import { openable, step, toyKind } from './toy.fixture.js';

const as = <T>(work: () => Promise<T>) => runInContext(newContext({ principal: ann.id }), work);
const pause = (deps: JobDependencies, jobId: string) => as(() => pauseJob(deps, { jobId, reason: 'let me look' }, caller()));
const unpause = (deps: JobDependencies, jobId: string) => as(() => unpauseJob(deps, { jobId, reason: 'seen' }, caller()));
const stepStatus = async (jobId: string, index: number) => (await loadJob(db, jobId))?.steps[index]?.status;
const paused = (jobId: string) =>
  eventually(async () => ((await loadJob(db, jobId))?.job.paused_at != null ? true : undefined), { what: 'the job to be paused' });

describe('a job that is paused', () => {
  it('sees its run through, begins nothing more, keeps its locks, and goes on where it was, also on another replica', async () => {
    const gate = openable();
    const ran: string[] = [];
    const tracked = (name: string, work = Promise.resolve()) =>
      step(name, {
        run: async () => {
          await work;
          ran.push(name);
          return { outcome: 'done' };
        },
      });
    const kind = toyKind([tracked('one', gate.opened), tracked('two')]);
    const deps = boot(kind);
    const { jobId } = await start(deps, 'paused');
    await eventuallyHolds(
      async () => {
        expect(await stepStatus(jobId, 0)).toBe('running');
      },
      { what: 'the first step to run' },
    );
    await Promise.all([pause(deps, jobId), pause(deps, jobId)]);
    gate.open();
    await paused(jobId);
    expect(ran).toEqual(['one']);
    const { jobId: behind } = await start(deps, 'paused');
    expect((await listJobs(db, { paused: true, limit: 10 })).map(({ job }) => job.job_id)).toEqual([jobId]);
    await engines.splice(0)[0]?.stop();
    boot(kind);
    const other = await start(deps, 'elsewhere');
    await ended(other.jobId);
    expect((await loadJob(db, jobId))?.job).toMatchObject({ status: 'waiting', owner: null, paused_by: ann.id });
    expect((await loadJob(db, behind))?.job.status).toBe('queued');
    await Promise.all([unpause(deps, jobId), unpause(deps, jobId)]);
    expect((await ended(jobId)).job).toMatchObject({ status: 'succeeded', paused_at: null });
    expect((await ended(behind)).job.status).toBe('succeeded');
    expect((await historyOf(jobId)).filter((type) => /paus/.test(type))).toEqual(['job_pause_requested', 'job_paused', 'job_unpaused']);
  });

  it('goes on when it is let go on before it has noticed', async () => {
    const gate = openable();
    const deps = boot(toyKind([step('one', { run: () => gate.opened.then(() => ({ outcome: 'done' as const })) }), step('two')]));
    const { jobId } = await start(deps, 'changed-mind');
    await eventually(async () => (await stepStatus(jobId, 0)) === 'running', { what: 'the first step to run' });
    await pause(deps, jobId);
    await eventually(
      async () =>
        (
          await db.query(
            `select from replica r join job j on j.owner = r.replica_id where j.job_id = $1 and r.heartbeat_at > j.pause_requested_at + interval '50 ms'`,
            [jobId],
          )
        ).length > 0,
      { what: 'its replica to have seen the wish' },
    );
    await unpause(deps, jobId);
    gate.open();
    expect((await ended(jobId)).job).toMatchObject({ status: 'succeeded', paused_at: null });
    expect((await historyOf(jobId)).filter((type) => /paus/.test(type))).toEqual(['job_pause_requested', 'job_unpaused']);
  });

  it('begins no other try either, and tells of none', async () => {
    let runs = 0;
    const flaky = step('flaky', {
      retry: { maxAttempts: 3, baseDelayMs: 900, maxDelayMs: 900 },
      run: () => {
        runs += 1;
        return runs === 1 ? Promise.reject(new Error('not yet')) : Promise.resolve({ outcome: 'done' });
      },
    });
    const deps = boot(toyKind([flaky]));
    const { jobId } = await start(deps, 'flaky');
    await eventually(async () => (await historyOf(jobId)).includes('step_retrying:flaky'), { what: 'the first try to fail' });
    await pause(deps, jobId);
    await paused(jobId);
    const before = ['job_queued', 'job_started>flaky', 'step_retrying:flaky', 'job_pause_requested', 'job_paused'];
    expect(await historyOf(jobId)).toEqual(before);
    await unpause(deps, jobId);
    await ended(jobId);
    expect(await historyOf(jobId)).toEqual([...before, 'job_unpaused', 'job_resumed>flaky', 'step_succeeded:flaky', 'job_succeeded']);
  });

  it('does not lose time of its limits, and is not taken for overdue', async () => {
    const deps = boot(toyKind([step('waits', { timeoutMs: 600, run: () => Promise.resolve({ outcome: 'wait', delayMs: 20 }) })]));
    const { jobId } = await start(deps, 'patient');
    await eventuallyHolds(
      async () => {
        expect(await stepStatus(jobId, 0)).toBe('waiting');
      },
      { what: 'the step to wait' },
    );
    await pause(deps, jobId);
    await paused(jobId);
    const since = Date.now();
    await eventually(() => Date.now() - since > 1_200, { what: 'longer than the step may take' });
    expect((await loadJob(db, jobId))?.job.status).toBe('waiting');
    await unpause(deps, jobId);
    const { job } = await ended(jobId);
    expect(job).toMatchObject({ status: 'failed', error: { code: 'step_timeout' } });
    expect(job.finished_at?.getTime()).toBeGreaterThan(since + 1_200);
  });

  it('is undone when it is cancelled, without being let go on', async () => {
    const deps = boot(toyKind([step('one'), step('waits', { run: () => Promise.resolve({ outcome: 'wait', delayMs: 20 }) })]));
    const { jobId } = await start(deps, 'cancelled-in-pause');
    await eventuallyHolds(
      async () => {
        expect(await stepStatus(jobId, 1)).toBe('waiting');
      },
      { what: 'the step to wait' },
    );
    await pause(deps, jobId);
    await paused(jobId);
    await as(() => cancelJob(deps, { jobId, reason: 'not any more' }, caller()));
    const { job, steps } = await ended(jobId);
    expect([job.status, steps.map((s) => s.status)]).toEqual(['cancelled', ['undone', 'undone']]);
  });

  it('does not begin when it was paused in the queue, and those behind it wait with it', async () => {
    const deps = boot(toyKind([step('one')]), { engine: false });
    const first = await start(deps, 'queued-pause');
    const second = await start(deps, 'queued-pause');
    await pause(deps, first.jobId);
    boot(toyKind([step('one')]));
    const other = await start(deps, 'another');
    await ended(other.jobId);
    expect([(await loadJob(db, first.jobId))?.job.status, (await loadJob(db, second.jobId))?.job.status]).toEqual(['queued', 'queued']);
    await unpause(deps, first.jobId);
    await ended(second.jobId);
    const [a, b] = [await ended(first.jobId), await ended(second.jobId)];
    expect(b.job.started_at?.getTime()).toBeGreaterThanOrEqual(a.job.finished_at?.getTime() ?? Infinity);
  });

  it('can’t be one that has ended', async () => {
    const deps = boot(toyKind([step('one')]));
    const { jobId } = await start(deps, 'over');
    await ended(jobId);
    await expect(pause(deps, jobId)).rejects.toMatchObject({ code: 'job_finished' });
    await expect(unpause(deps, 'job_none')).rejects.toMatchObject({ code: 'job_not_found' });
  });
});
