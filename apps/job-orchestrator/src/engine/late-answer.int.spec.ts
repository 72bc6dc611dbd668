/** Starts whose answer comes after renewals have found the job that they made. On a real Postgres. */
import { describe, expect, it } from '@jest/globals';
import { eventually } from '@fairlead/testing';
import { pauseJob } from '../pause-job.js';
import { signalJob } from '../signal-job.js';
import { cancelJob } from '../start-job.js';
import { loadJob } from '../store/jobs.js';
import { boot, caller, db, ended, historyOf } from './bench.fixture.js';
import { bear, firstRoom } from './born.fixture.js';
import { openable, step, toyKind } from './toy.fixture.js';

/** A step that keeps what was run, and under which attempt. */
function kept() {
  const runs: string[] = [];
  const act = (what: string) => (context: { attempt: number }) => {
    runs.push(`${what} ${String(context.attempt)}`);
    return Promise.resolve({ outcome: 'done' as const });
  };
  return { runs, kind: toyKind([step('one', { run: act('run'), undo: act('undo') })]) };
}

/** Long enough for a job that is begun to run its first step: nothing of that waits for more than a turn. */
const aTurn = async () => {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
};

describe('an answer that comes after the job', () => {
  it('was run as a stray and has succeeded runs nothing', async () => {
    const { runs, kind } = kept();
    boot(kind);
    const room = await firstRoom(kind);
    const { jobId, claim } = await bear(kind, room, 'late-done');
    expect((await ended(jobId)).job.status).toBe('succeeded');
    room.fill(claim);
    await aTurn();
    expect(runs).toEqual(['run 2']);
    // The claim was told with the job: what the stray begins is told beside it, not lost with it.
    expect(await historyOf(jobId)).toEqual(['job_queued', 'job_started>one', 'step_started:one', 'step_succeeded:one', 'job_succeeded']);
  });

  it('was paused runs nothing', async () => {
    const { runs, kind } = kept();
    const deps = boot(kind);
    const room = await firstRoom(kind);
    const { jobId, claim } = await bear(kind, room, 'late-paused');
    await pauseJob(deps, { jobId, reason: 'test' }, caller());
    await eventually(async () => (await loadJob(db, jobId))?.job.paused_at instanceof Date, { what: 'a pause', timeoutMs: 20_000 });
    room.fill(claim);
    await aTurn();
    expect(runs).toEqual([]);
  });

  it('was cancelled and undone runs nothing', async () => {
    const { runs, kind } = kept();
    const deps = boot(kind);
    const room = await firstRoom(kind);
    const { jobId, claim } = await bear(kind, room, 'late-cancelled');
    await cancelJob(deps, { jobId, reason: 'test' }, caller());
    expect((await ended(jobId)).job.status).toBe('cancelled');
    room.fill(claim);
    await aTurn();
    expect(runs).toEqual(['undo 1']);
  });

  it('was given up for a signal and claimed again leaves that claim alone', async () => {
    const gate = openable();
    const runs: string[] = [];
    const kind = toyKind([
      step('one', {
        run: async ({ attempt, signals }) => {
          runs.push(`run ${String(attempt)}`);
          if (signals['go'] === undefined) return { outcome: 'wait', delayMs: 60_000, signal: 'go' };
          await gate.opened;
          return { outcome: 'done' };
        },
      }),
    ]);
    const deps = boot(kind);
    const room = await firstRoom(kind);
    const { jobId, claim } = await bear(kind, room, 'late-signal');
    await eventually(async () => (await loadJob(db, jobId))?.job.status === 'waiting', { what: 'a wait', timeoutMs: 20_000 });
    await signalJob(deps, { jobId, signal: 'go', payload: {} }, caller());
    await eventually(() => runs.length === 2, { what: 'the next run', timeoutMs: 20_000 });
    room.fill(claim);
    await aTurn();
    gate.open();
    expect((await ended(jobId)).job.status).toBe('succeeded');
    expect(runs).toEqual(['run 2', 'run 3']);
  });
});

describe('an answer that comes before', () => {
  it('is taken: the first step runs under the attempt that began with the job', async () => {
    const { runs, kind } = kept();
    boot(kind, { leaseMs: 60_000 });
    const room = await firstRoom(kind);
    const { jobId, claim } = await bear(kind, room, 'in-time');
    room.fill(claim);
    expect((await ended(jobId)).job.status).toBe('succeeded');
    expect(runs).toEqual(['run 1']);
  });
});
