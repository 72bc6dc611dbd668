/** The engine on a real Postgres with the real event log; only the job kind is a toy. */
import { describe, expect, it } from '@jest/globals';
import { FairleadError } from '@fairlead/contracts';
import { newContext, runInContext } from '@fairlead/telemetry';
import { eventuallyHolds } from '@fairlead/testing';
import { cancelJob, type JobDependencies } from '../start-job.js';
import { loadJob, stateOf } from '../store/jobs.js';
import { writeTransitions } from '../store/transition.js';
import { ann, boot, caller, db, ended, engines, historyOf, plan, start } from './bench.fixture.js';
import type { Step } from './kind.js';
import { openable, step, toyKind, waitForAbort, world, type Toy } from './toy.fixture.js';

const cancel = (deps: JobDependencies, jobId: string) =>
  runInContext(newContext({ principal: ann.id }), () => cancelJob(deps, { jobId, reason: 'changed my mind' }, caller()));

describe('the job engine', () => {
  it('runs the steps in order and tells each transition', async () => {
    const deps = boot(
      toyKind([
        step('one', { run: () => Promise.resolve({ outcome: 'done', output: { made: 1 } }) }),
        step('two', { run: (context) => Promise.resolve({ outcome: 'done', output: context.outputs['one'] }) }),
      ]),
    );
    const { jobId } = await start(deps, 'plain');
    const { job, steps } = await ended(jobId);
    expect(job.status).toBe('succeeded');
    expect(steps.map((s) => [s.status, s.attempts, s.output])).toEqual([
      ['succeeded', 1, { made: 1 }],
      ['succeeded', 1, { made: 1 }],
    ]);
    expect(await historyOf(jobId)).toEqual([
      'job_queued',
      'job_started>one',
      'step_succeeded:one>two',
      'step_succeeded:two',
      'job_succeeded',
    ]);
    expect(await db.query(`select 1 from lock where job_id = $1`, [jobId])).toEqual([]);
  });

  it('undoes what was done, in reverse, when a step fails for certain', async () => {
    const done: string[] = [];
    const tracked = (name: string, parts: Partial<Step<Toy>> = {}) =>
      step(name, {
        undo: (context) => {
          done.push(context.idempotencyKey.split(':').slice(1).join(':'));
          return Promise.resolve({ outcome: 'done' });
        },
        ...parts,
      });
    const deps = boot(
      toyKind([
        tracked('one'),
        tracked('two'),
        tracked('three', { run: () => Promise.reject(new FairleadError('tenant_state', 'not now')) }),
        tracked('never'),
      ]),
    );
    const { jobId } = await start(deps, 'failing');
    const { job, steps } = await ended(jobId);
    expect(job).toMatchObject({ status: 'failed', error: { code: 'tenant_state', step: 'three' } });
    expect(done).toEqual(['three:undo', 'two:undo', 'one:undo']);
    expect(steps.map((s) => s.status)).toEqual(['undone', 'undone', 'undone', 'pending']);
  });

  it('undoes the earlier steps also when a later undo can not be done, then asks for a person; under a higher fence', async () => {
    const fences: number[] = [];
    const deps = boot(
      toyKind([
        step('one', {
          run: (context) => {
            fences.push(context.fence);
            return Promise.resolve({ outcome: 'done' });
          },
          undo: (context) => {
            fences.push(context.fence);
            return Promise.resolve({ outcome: 'done' });
          },
        }),
        step('two', {
          run: () => Promise.reject(new FairleadError('tenant_state', 'bad \u0000 \ud800 text')),
          undo: () => Promise.reject(new FairleadError('tenant_state', 'gone')),
        }),
      ]),
    );
    const { jobId } = await start(deps, 'stuck-undo');
    const { job, steps } = await ended(jobId);
    expect(job).toMatchObject({ status: 'needs_attention', error: { step: 'two', message: 'undo of step two failed: gone' } });
    expect(steps.map((s) => s.status)).toEqual(['undone', 'failed']);
    expect(fences[1]).toBeGreaterThan(fences[0] ?? Infinity);
  });

  it('tries again after a passing error, with the same key each time, and keeps count', async () => {
    const seen: string[] = [];
    const flaky = step('flaky', {
      run: (context) => {
        seen.push(context.idempotencyKey);
        if (seen.length < 3) throw new FairleadError('service_unreachable', 'away');
        return Promise.resolve({ outcome: 'done' });
      },
    });
    const { jobId } = await start(boot(toyKind([flaky])), 'flaky');
    const { job, steps } = await ended(jobId);
    expect(job.status).toBe('succeeded');
    expect(steps[0]).toMatchObject({ attempts: 3, failures: 2 });
    expect(new Set(seen).size).toBe(1);
    expect((await historyOf(jobId)).filter((type) => type.startsWith('step_'))).toEqual([
      'step_retrying:flaky',
      'step_started:flaky',
      'step_retrying:flaky',
      'step_started:flaky',
      'step_succeeded:flaky',
    ]);
  });

  it('fails a step whose output fits into no event, and undoes it', async () => {
    const large = step('large', { run: () => Promise.resolve({ outcome: 'done', output: { text: 'x'.repeat(200_000) } }) });
    const { jobId } = await start(boot(toyKind([large])), 'large');
    expect((await ended(jobId)).job).toMatchObject({ status: 'failed', error: { code: 'too_large', step: 'large' } });
  });

  it('aborts a run that takes too long and undoes after the last try', async () => {
    const hang = step('hang', { attemptTimeoutMs: 30, retry: { maxAttempts: 2, baseDelayMs: 5, maxDelayMs: 5 }, run: waitForAbort });
    const { jobId } = await start(boot(toyKind([hang])), 'hanging');
    expect((await ended(jobId)).job).toMatchObject({ status: 'failed', error: { code: 'step_timeout', step: 'hang' } });
  });

  it('makes one job of the same key and body, also at the same moment, and refuses another body', async () => {
    const deps = boot(toyKind([step('one')]));
    const planDigest = await plan(deps, 'twice');
    const same = { planDigest, idempotencyKey: 'the-key' };
    const started = await Promise.all([1, 2, 3, 4, 5].map(() => start(deps, 'twice', same)));
    expect(new Set(started.map((s) => s.jobId)).size).toBe(1);
    expect(started.filter((s) => !s.repeated)).toHaveLength(1);
    await expect(start(deps, 'twice', { ...same, reason: 'another reason' })).rejects.toMatchObject({ code: 'idempotency_key_reused' });
    // Once the world has moved on, a repeat still answers the job it started.
    world.revision += 1;
    expect(await start(deps, 'twice', same)).toMatchObject({ jobId: started[0]?.jobId, repeated: true });
    expect((await ended(started[0]?.jobId ?? '')).job.status).toBe('succeeded');
  });

  it('refuses a plan whose inputs have moved on, and changes nothing', async () => {
    const deps = boot(toyKind([step('one')]));
    const planDigest = await plan(deps, 'stale');
    world.revision += 1;
    const before = await counts();
    await expect(start(deps, 'stale', { planDigest })).rejects.toMatchObject({
      code: 'plan_stale',
      details: { moved: [{ resource: 'toy' }] },
    });
    expect(await counts()).toEqual(before);
  });

  it('lets a second job on a resource wait, or refuses it when asked', async () => {
    const gate = openable();
    const deps = boot(toyKind([step('gate', { run: () => gate.opened.then(() => ({ outcome: 'done' as const })) })]));
    const first = await start(deps, 'shared');
    await eventuallyHolds(
      async () => {
        expect((await loadJob(db, first.jobId))?.steps[0]?.status).toBe('running');
      },
      { what: 'the first job to run' },
    );
    const second = await start(deps, 'shared');
    await expect(start(deps, 'shared', { onConflict: 'reject' })).rejects.toMatchObject({
      code: 'lock_held',
      details: { job_id: first.jobId },
    });
    const other = await start(deps, 'unshared');
    expect((await loadJob(db, second.jobId))?.job.status).toBe('queued');
    gate.open();
    const [a, b, c] = await Promise.all([ended(first.jobId), ended(second.jobId), ended(other.jobId)]);
    expect([a.job.status, b.job.status, c.job.status]).toEqual(['succeeded', 'succeeded', 'succeeded']);
    expect(b.job.started_at?.getTime()).toBeGreaterThanOrEqual(a.job.finished_at?.getTime() ?? Infinity);
  });

  it('cancels: the running step is aborted and everything undone; a queued job ends at once', async () => {
    const deps = boot(toyKind([step('one'), step('hang', { run: waitForAbort })]));
    const { jobId } = await start(deps, 'cancelled');
    await eventuallyHolds(
      async () => {
        expect((await loadJob(db, jobId))?.steps[1]?.status).toBe('running');
      },
      { what: 'the second step to run' },
    );
    const queued = await start(deps, 'cancelled');
    await cancel(deps, queued.jobId);
    expect((await loadJob(db, queued.jobId))?.job.status).toBe('cancelled');
    await cancel(deps, jobId);
    await cancel(deps, jobId);
    const { job, steps } = await ended(jobId);
    expect(job.status).toBe('cancelled');
    expect(steps.map((s) => s.status)).toEqual(['undone', 'undone']);
    expect((await historyOf(jobId)).slice(-4)).toEqual([
      'job_compensating>hang',
      'step_undone:hang>one',
      'step_undone:one',
      'job_cancelled',
    ]);
  });

  it('refuses to cancel past the point of no return, and asks for a person when it can go neither way', async () => {
    const gate = openable();
    const stuck = step('after', {
      retry: { maxAttempts: 2, baseDelayMs: 1, maxDelayMs: 1 },
      run: () => gate.opened.then(() => Promise.reject(new FairleadError('service_unreachable', 'the target is gone'))),
    });
    const deps = boot(toyKind([step('before'), step('point', { pointOfNoReturn: true, undo: { none: 'no' } }), stuck]));
    const { jobId } = await start(deps, 'forward');
    await eventuallyHolds(
      async () => {
        expect((await loadJob(db, jobId))?.steps[2]?.status).toBe('running');
      },
      { what: 'the step after the point of no return' },
    );
    await expect(cancel(deps, jobId)).rejects.toMatchObject({ code: 'cancel_too_late' });
    gate.open();
    const { job, steps } = await ended(jobId);
    expect(job).toMatchObject({
      status: 'needs_attention',
      error: { step: 'after', attempt: 2, code: 'service_unreachable', message: 'the target is gone' },
    });
    expect(steps.map((s) => s.status)).toEqual(['succeeded', 'succeeded', 'failed']);
  });

  it('takes over a job whose replica is gone, with a higher fence and the same key, and fences the old claim out', async () => {
    const fences: number[] = [];
    const kind = toyKind([
      step('one', {
        run: (context) => {
          fences.push(context.fence);
          return Promise.resolve({ outcome: 'done' });
        },
      }),
    ]);
    const { jobId } = await start(boot(kind, { engine: false }), 'orphan');
    // What a replica leaves behind that was killed in the middle of its first step.
    await db.query(
      `insert into replica (replica_id, host, pid, kinds, lease_until) values ('rep_dead', 'here', 1, '{}', now() - interval '1 second')`,
    );
    await db.query(
      `update job set owner = 'rep_dead', fence = nextval('job_fence'), status = 'running', started_at = now() where job_id = $1`,
      [jobId],
    );
    await db.query(`update step set status = 'running', attempts = 1, started_at = now() where job_id = $1`, [jobId]);
    const dead = await loadJob(db, jobId);
    if (dead === undefined) throw new Error('the job is there');
    boot(kind);
    const { job, steps } = await ended(jobId);
    expect(job.status).toBe('succeeded');
    expect(steps[0]).toMatchObject({ attempts: 2, failures: 0 });
    expect(fences).toEqual([job.fence]);
    expect(job.fence).toBeGreaterThan(dead.job.fence);
    expect(await historyOf(jobId)).toContain('job_taken_over>one');
    const state = stateOf(dead);
    const late = {
      jobId,
      owner: 'rep_dead',
      fence: dead.job.fence,
      state,
      written: state.steps,
      status: 'running' as const,
      passes: false,
      touches: true,
      heedsCancel: false,
      release: false,
      pauses: false,
      finished: false,
    };
    expect(await db.transaction((tx) => writeTransitions(tx, [late]))).toEqual({ answers: [undefined], freed: 0 });
  });

  it('gives its jobs up when it stops, and another replica goes on at once', async () => {
    let runs = 0;
    const kind = toyKind([
      step('long', {
        run: (context) => {
          runs += 1;
          return runs === 1 ? waitForAbort(context) : Promise.resolve({ outcome: 'done' });
        },
      }),
    ]);
    const { jobId } = await start(boot(kind), 'handed-over');
    await eventuallyHolds(
      () => {
        expect(runs).toBe(1);
      },
      { what: 'the step to run' },
    );
    await engines.splice(0)[0]?.stop();
    expect((await loadJob(db, jobId))?.job).toMatchObject({ owner: null, status: 'running' });
    boot(kind);
    const { job, steps } = await ended(jobId);
    expect(job.status).toBe('succeeded');
    expect(steps[0]).toMatchObject({ attempts: 2, failures: 0 });
  });
});

async function counts() {
  return db.query(
    `select (select count(*) from job) as jobs, (select count(*) from lock) as locks, (select position from log.head) as position`,
  );
}
