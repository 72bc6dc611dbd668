import { describe, expect, it } from '@jest/globals';
import { FairleadError } from '@fairlead/contracts';
import { newContext, runInContext } from '@fairlead/telemetry';
import { eventually, eventuallyHolds } from '@fairlead/testing';
import { childJobs } from '../child-jobs.js';
import { placementPublished } from '../jobs/checks.js';
import { cancelJob, type JobDependencies } from '../start-job.js';
import { archiveJobs } from '../store/archive.js';
import { listChildren, listJobs, loadJob } from '../store/jobs.js';
import { ann, boot, caller, db, ended, engines, historyOf, start } from './bench.fixture.js';
import { childrenStep } from './children.js';
import type { JobKind, StepContext, StepResult } from './kind.js';
import { openable, step, toyKind, waitForAbort, type Toy } from './toy.fixture.js';

type Options = {
  obstacleMs?: number;
  parallel?: number;
  stopAfter?: number;
  after?: Record<number, string[]>;
  tryAll?: boolean;
  takeBack?: boolean;
};

/** A kind whose job runs `count` children, each on a tenant of its own named after the parent's. */
function parents(count: number, options: Options = {}): { kind: JobKind; connect: (deps: JobDependencies) => void } {
  let connected: JobDependencies | undefined;
  const jobs = childJobs(() => {
    if (connected === undefined) throw new Error('not connected yet');
    return connected;
  });
  const children = childrenStep<Toy>('children', jobs, {
    children: ({ params: { tenant } }) =>
      Array.from({ length: count }, (_, n) => ({
        ...{ key: `c${String(n)}`, kind: 'child', params: { tenant: `${tenant}-${String(n)}` } },
        after: options.after?.[n] ?? [],
      })),
    parallel: () => options.parallel ?? 2,
    stopAfterFailures: () => options.stopAfter ?? 1,
    timeoutMs: 60_000,
    ...(options.tryAll === true ? { tryAll: true } : {}),
    // What had nothing to do is planned for nobody.
    ...(options.takeBack === true
      ? { takeBack: ({ params }, plan) => (plan?.impact.tenants.length === 0 ? undefined : { kind: 'back', params }) }
      : {}),
    obstacleMs: options.obstacleMs,
  });
  return {
    // What is about one tenant has children about that one alone.
    kind: toyKind([step('before'), children, step('after')], { tenantOf: () => undefined }),
    connect: (deps) => {
      connected = deps;
    },
  };
}

const childKind = (run: (context: StepContext<Toy>) => Promise<unknown>) =>
  toyKind([step('work', { run: async (context) => (await run(context), { outcome: 'done' }) })], { kind: 'child' });

function bootParents(count: number, options: Options, run: Parameters<typeof childKind>[0]): JobDependencies {
  const { kind, connect } = parents(count, options);
  const deps = boot([kind, childKind(run)]);
  connect(deps);
  return deps;
}

const statuses = async (jobId: string) => (await listChildren(db, jobId)).map(({ status }) => status).sort();

describe('a job of jobs', () => {
  it('runs its children so many at a time, tells how far it is, and goes on when all are done', async () => {
    let [running, most] = [0, 0];
    const three = openable();
    const deps = bootParents(12, { parallel: 3 }, async () => {
      running += 1;
      most = Math.max(most, running);
      if (running === 3) three.open();
      await three.opened;
      running -= 1;
    });
    const { jobId } = await start(deps, 'family');
    const { job, steps } = await ended(jobId);
    expect([job.status, steps.map((s) => s.status)]).toEqual(['succeeded', ['succeeded', 'succeeded', 'succeeded']]);
    expect(steps[1]?.output).toMatchObject({ total: 12, succeeded: 12, running: 0, failed: [] });
    expect(most).toBe(3);
    expect(await statuses(jobId)).toEqual(Array(12).fill('succeeded'));
    expect((await historyOf(jobId)).filter((type) => type === 'step_progressed:children').length).toBeGreaterThan(2);
  });

  it('starts one only after those that it waits for, and not when one of them failed', async () => {
    const done: string[] = [];
    const asked: string[][] = [];
    const after = { 2: ['c0'], 3: ['c1'], 4: ['c3'], 5: ['c0', 'c2'] };
    // One fails, and those that are skipped for it do not use up the limit.
    const deps = bootParents(7, { parallel: 7, stopAfter: 2, after }, ({ params: { tenant } }) => {
      const n = tenant.slice(-1);
      asked.push([n, ...done]);
      if (n === '1') return Promise.reject(new FairleadError('tenant_state', 'not this one'));
      done.push(n);
      return Promise.resolve();
    });
    const { jobId } = await start(deps, 'ordered');
    const { job, steps } = await ended(jobId);
    expect(job.status).toBe('succeeded');
    expect(done.toSorted()).toEqual(['0', '2', '5', '6']);
    const before = (n: string) => asked.find(([first]) => first === n)?.slice(1);
    expect(before('2')).toContain('0');
    expect(before('5')).toEqual(expect.arrayContaining(['0', '2']));
    const { failed, skipped } = steps[1]?.output as { failed: { key: string; message: string }[]; skipped: unknown };
    expect(failed.map(({ key, message }) => [key, message])).toEqual([['c1', 'not this one']]);
    expect(skipped).toEqual([
      { key: 'c3', message: 'c1 had to be first, and has not been done' },
      { key: 'c4', message: 'c3 had to be first, and has not been done' },
    ]);
  });

  it('starts no more once enough have failed, lets the others end, and fails', async () => {
    const deps = bootParents(20, { parallel: 2, stopAfter: 2 }, ({ params: { tenant } }) =>
      /-[13]$/.test(tenant) ? Promise.reject(new FairleadError('tenant_state', 'not this one')) : Promise.resolve(),
    );
    const { jobId } = await start(deps, 'halting');
    const { job, steps } = await ended(jobId);
    expect(job).toMatchObject({ status: 'failed', error: { code: 'children_failed', step: 'children' } });
    expect(job.error?.message).toContain('not this one');
    const found = await statuses(jobId);
    expect(found.filter((status) => status === 'failed')).toHaveLength(2);
    expect(found.length).toBeLessThanOrEqual(6);
    expect(steps.map((s) => s.status)).toEqual(['undone', 'undone', 'pending']);
  });

  it('counts a child that is refused before it is a job as one that failed', async () => {
    const { kind, connect } = parents(3, { stopAfter: 5 });
    const blocked = { name: 'never', verdict: 'block', value: '', limit: '', message: 'not today' } as const;
    const child = toyKind([step('work')], {
      kind: 'child',
      plan: ({ tenant }) => ({
        actions: [],
        checks: tenant.endsWith('-1') ? [blocked] : [],
        impact: { tenants: [tenant], services: [], expectedPauseMs: 0 },
        inputs: [],
      }),
    });
    const deps = boot([kind, child]);
    connect(deps);
    const { jobId } = await start(deps, 'refused');
    const { job, steps } = await ended(jobId);
    expect(job.status).toBe('succeeded');
    expect(steps[1]?.output).toMatchObject({ succeeded: 2, failed: [{ key: 'c1', code: 'plan_blocked' }] });
  });

  it('waits with the next while changes of placement reach nobody, as those that have begun do', async () => {
    const { kind, connect } = parents(2);
    let problem = 'NATS is away';
    const child = toyKind([step('work')], {
      kind: 'child',
      plan: ({ tenant }) => ({
        actions: [],
        checks: [placementPublished(problem)],
        impact: { tenants: [tenant], services: [], expectedPauseMs: 0 },
        inputs: [],
      }),
    });
    const deps = boot([kind, child]);
    connect(deps);
    const { jobId } = await start(deps, 'unpublished');
    await eventually(async () => ((await loadJob(db, jobId))?.steps[1]?.failures ?? 0) > 1, { what: 'the step to be tried again' });
    expect(await statuses(jobId)).toEqual([]);
    problem = '';
    const { job, steps } = await ended(jobId);
    expect([job.status, steps[1]?.output]).toMatchObject(['succeeded', { succeeded: 2, failed: [] }]);
  });

  it('holds children back while their target is away', async () => {
    const away = new Set(['back-0', 'back-1']);
    const check = { name: 'runner.target_healthy', verdict: 'block', value: '', limit: '', message: 'it is away' } as const;
    const child = toyKind([step('work')], {
      kind: 'child',
      plan: ({ tenant }) => ({
        actions: [],
        checks: away.has(tenant) ? [check] : [],
        impact: { tenants: [tenant], services: [], expectedPauseMs: 0 },
        inputs: [],
      }),
    });
    const patient = parents(3);
    const deps = boot([patient.kind, child]);
    patient.connect(deps);
    const { jobId } = await start(deps, 'back');
    const heldBack = async () => Object.keys((await loadJob(db, jobId))?.steps[1]?.output?.['held_since_ms'] ?? {});
    await eventually(async () => (await heldBack()).length === 2, { what: 'two children to be held back' });
    expect(await statuses(jobId)).toEqual([]);
    away.clear();
    const { job, steps } = await ended(jobId);
    expect([job.status, steps[1]?.output]).toMatchObject(['succeeded', { succeeded: 3, failed: [] }]);
    expect(steps[1]?.output).not.toHaveProperty('held_since_ms');
  });

  it('counts a child whose target stays away as one that failed', async () => {
    const check = { name: 'runner.target_healthy', verdict: 'block', value: '', limit: '', message: 'it is away' } as const;
    const child = toyKind([step('work')], {
      kind: 'child',
      plan: ({ tenant }) => ({
        actions: [],
        checks: [check],
        impact: { tenants: [tenant], services: [], expectedPauseMs: 0 },
        inputs: [],
      }),
    });
    const { kind, connect } = parents(3, { obstacleMs: 1 });
    const deps = boot([kind, child]);
    connect(deps);
    const { jobId } = await start(deps, 'lost');
    const { job } = await ended(jobId);
    expect(job).toMatchObject({ status: 'failed', error: { code: 'children_failed' } });
    expect(job.error?.message).toContain('it is away');
    expect(await statuses(jobId)).toEqual([]);
  });

  it('misses none that ends while it is still busy with the others', async () => {
    const { kind, connect } = parents(3, { parallel: 3, stopAfter: 5 });
    const blocked = { name: 'never', verdict: 'block', value: '', limit: '', message: 'not today' } as const;
    const child = toyKind([step('work')], {
      kind: 'child',
      // Until the last one is looked at, and refused, the others have ended.
      readInputs: async ({ tenant }) => {
        if (tenant === 'busy-2')
          await eventually(async () => (await listJobs(db, { status: 'succeeded', kind: 'child', limit: 50 })).length >= 2 + done, {
            what: 'the others to end',
          });
      },
      plan: ({ tenant }) => ({
        actions: [],
        checks: tenant === 'busy-2' ? [blocked] : [],
        impact: { tenants: [tenant], services: [], expectedPauseMs: 0 },
        inputs: [],
      }),
    });
    const done = (await listJobs(db, { status: 'succeeded', kind: 'child', limit: 50 })).length;
    const deps = boot([kind, child]);
    connect(deps);
    const { jobId } = await start(deps, 'busy');
    // It looks by itself only after 10 s.
    const job = await eventually(
      async () => {
        const loaded = await loadJob(db, jobId);
        return loaded?.job.status === 'succeeded' ? loaded : undefined;
      },
      { what: 'the parent to end', timeoutMs: 30_000 },
    );
    expect(job.steps[1]?.output).toMatchObject({ succeeded: 2, running: 0, failed: [{ key: 'c2' }] });
  });

  it('cancels those that are open when it is cancelled, and waits for them', async () => {
    const deps = bootParents(6, { parallel: 2 }, waitForAbort);
    const { jobId } = await start(deps, 'stopped');
    await eventuallyHolds(
      async () => {
        expect(await statuses(jobId)).toEqual(['running', 'running']);
      },
      { what: 'two children to run' },
    );
    await runInContext(newContext({ principal: ann.id }), () => cancelJob(deps, { jobId, reason: 'enough' }, caller()));
    const { job } = await ended(jobId);
    expect(job.status).toBe('cancelled');
    expect(await statuses(jobId)).toEqual(['cancelled', 'cancelled']);
  });

  it('starts each child once, whatever happens to its replica, and knows those in the archive', async () => {
    const gate = openable();
    const { kind, connect } = parents(8, { parallel: 4 });
    const child = childKind(({ params: { tenant } }) => (tenant.endsWith('-5') ? gate.opened : Promise.resolve()));
    let deps = boot([kind, child]);
    connect(deps);
    const { jobId } = await start(deps, 'moved-on');
    for (let n = 0; n < 3; n += 1) {
      await engines.splice(0)[0]?.stop();
      deps = boot([kind, child]);
      connect(deps);
    }
    await eventually(async () => (await statuses(jobId)).filter((status) => status === 'succeeded').length === 7, {
      what: 'all but one',
      timeoutMs: 20_000,
    });
    await archiveJobs(db, { afterMs: 0, most: 100 });
    expect(await loadJob(db, (await listChildren(db, jobId))[0]?.jobId ?? '')).toMatchObject({ job: { parent_id: jobId } });
    gate.open();
    expect((await ended(jobId)).steps[1]?.output).toMatchObject({ total: 8, succeeded: 8 });
    expect(await listChildren(db, jobId)).toHaveLength(8);
  });

  it('tries all where one that fails is no reason to leave out the others, and fails then', async () => {
    const deps = bootParents(5, { parallel: 1, tryAll: true }, ({ params: { tenant } }) =>
      tenant.endsWith('-1') ? Promise.reject(new FairleadError('tenant_state', 'not this one')) : Promise.resolve(),
    );
    const { jobId } = await start(deps, 'all');
    expect((await ended(jobId)).job).toMatchObject({ status: 'failed', error: { code: 'children_failed' } });
    expect(await statuses(jobId)).toEqual(['failed', 'succeeded', 'succeeded', 'succeeded', 'succeeded']);
  });

  it('takes back what its children have done, until it is done, and not what they found done', async () => {
    const { kind, connect } = parents(4, { parallel: 1, takeBack: true });
    const backs: string[] = [];
    const child = toyKind([step('work', { run: ({ params: { tenant } }) => fails(tenant.endsWith('-3'), 'not this one') })], {
      kind: 'child',
      plan: ({ tenant }) => ({
        actions: [],
        checks: [],
        impact: { tenants: tenant.endsWith('-1') ? [] : [tenant], services: [], expectedPauseMs: 0 },
        inputs: [],
      }),
    });
    const back = toyKind(
      [
        step('work', {
          run: ({ params: { tenant } }) => {
            backs.push(tenant);
            return fails(tenant.endsWith('-0') && backs.filter((one) => one === tenant).length === 1, 'not yet');
          },
        }),
      ],
      { kind: 'back' },
    );
    const deps = boot([kind, child, back]);
    connect(deps);
    const { jobId } = await start(deps, 'back');
    // The second try comes when the first has ended long enough ago.
    await eventually(async () => ((await loadJob(db, jobId))?.job.status === 'failed' ? true : undefined), {
      what: 'the parent to end',
      timeoutMs: 45_000,
    });
    const { job, steps } = await ended(jobId);
    expect([job.status, job.error?.code, steps.map((s) => s.status)]).toEqual([
      'failed',
      'children_failed',
      ['undone', 'undone', 'pending'],
    ]);
    expect(backs).toEqual(['back-2', 'back-0', 'back-0']);
    expect((await listChildren(db, jobId)).map(({ key, status }) => [key, status]).sort()).toEqual([
      ...['c0', 'c1', 'c2'].map((key) => [key, 'succeeded']),
      ['c3', 'failed'],
      ['undo:1:c0', 'failed'],
      ['undo:1:c2', 'succeeded'],
      ['undo:2:c0', 'succeeded'],
    ]);
  });
});

/** The outcome of a step that fails, or does not. */
function fails(does: boolean, message: string): Promise<StepResult> {
  return Promise.resolve(does ? { outcome: 'failed', error: { code: 'tenant_state', message } } : { outcome: 'done' });
}
