import { describe, expect, it } from '@jest/globals';
import { FairleadError } from '@fairlead/contracts';
import { newContext, runInContext } from '@fairlead/telemetry';
import { eventually } from '@fairlead/testing';
import { retryJob } from '../retry-job.js';
import type { JobDependencies } from '../start-job.js';
import { ann, boot, caller, db, ended, historyOf, start } from './bench.fixture.js';
import { step, toyKind } from './toy.fixture.js';

const retry = (deps: JobDependencies, jobId: string) =>
  runInContext(newContext({ principal: ann.id }), () => retryJob(deps, { jobId, reason: 'cured' }, caller()));
const away = () => Promise.reject(new FairleadError('service_unreachable', 'the target is gone'));
const once = { maxAttempts: 1, baseDelayMs: 1, maxDelayMs: 1 };
const point = step('point', { pointOfNoReturn: true, undo: { none: 'no' } });

describe('a job that needs attention', () => {
  it('goes on from the step that failed, under a higher fence, once the cause is cured; asking twice is the same as once', async () => {
    let cured = false;
    const fences: number[] = [];
    const after = step('after', {
      retry: once,
      run: (context) => {
        fences.push(context.fence);
        return cured ? Promise.resolve({ outcome: 'done' }) : away();
      },
    });
    const deps = boot(toyKind([step('before'), point, after, step('last')]), { leaseMs: 30_000 });
    const { jobId } = await start(deps, 'cured');
    expect((await ended(jobId)).job.status).toBe('needs_attention');
    await retry(deps, jobId);
    expect((await ended(jobId)).job).toMatchObject({ status: 'needs_attention', error: { step: 'after', attempt: 2 } });
    cured = true;
    await Promise.all([retry(deps, jobId), retry(deps, jobId)]);
    const { job, steps } = await ended(jobId);
    expect(job).toMatchObject({ status: 'succeeded', error: null });
    expect(steps.map((s) => [s.status, s.attempts])).toEqual([
      ['succeeded', 1],
      ['succeeded', 1],
      ['succeeded', 3],
      ['succeeded', 1],
    ]);
    expect(fences).toEqual([...fences].sort((a, b) => a - b));
    expect(new Set(fences).size).toBe(3);
    expect((await historyOf(jobId)).filter((type) => type.startsWith('job_retried'))).toHaveLength(2);
    await expect(retry(deps, jobId)).rejects.toMatchObject({ code: 'job_finished' });
  });

  it('undoes what could not be undone, and nothing twice', async () => {
    let cured = false;
    const undone: string[] = [];
    const undo = (name: string) => () => {
      undone.push(name);
      return Promise.resolve({ outcome: 'done' as const });
    };
    const refused = () =>
      Promise.resolve({ outcome: 'failed' as const, error: { code: 'tenant_state' as const, message: 'it is not drained' } });
    const deps = boot(
      toyKind([
        step('one', { undo: undo('one') }),
        step('two', { undo: () => (cured ? undo('two')() : refused()) }),
        step('three', { undo: undo('three') }),
        step('four', { run: refused }),
      ]),
    );
    const { jobId } = await start(deps, 'undone');
    expect((await ended(jobId)).job).toMatchObject({ status: 'needs_attention', error: { step: 'two' } });
    expect(undone).toEqual(['three', 'one']);
    cured = true;
    await retry(deps, jobId);
    const { job, steps } = await ended(jobId);
    expect(job).toMatchObject({ status: 'failed', error: { code: 'tenant_state', step: 'four' } });
    expect(undone).toEqual(['three', 'one', 'two']);
    expect(steps.slice(0, 3).map((s) => s.status)).toEqual(['undone', 'undone', 'undone']);
  });

  it('is not tried again while another job is on its resource, nor after one that passed its point of no return', async () => {
    let fails = true;
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const after = step('after', { retry: once, run: () => (fails ? away() : gate.then(() => ({ outcome: 'done' as const }))) });
    const deps = boot(toyKind([point, after]));
    const { jobId } = await start(deps, 'superseded');
    await ended(jobId);
    fails = false;
    const later = await start(deps, 'superseded');
    // Until it is claimed, a retry may be first.
    await eventually(async () => (await db.query(`select 1 from lock where job_id = $1`, [later.jobId])).length === 1, {
      what: 'the later job to hold its lock',
    });
    await expect(retry(deps, jobId)).rejects.toMatchObject({ code: expect.stringMatching(/^(lock_held|job_superseded)$/) as unknown });
    open();
    expect((await ended(later.jobId)).job.status).toBe('succeeded');
    await expect(retry(deps, jobId)).rejects.toMatchObject({ code: 'job_superseded', details: { job_id: later.jobId } });
    expect(await db.query(`select 1 from lock where job_id = $1`, [jobId])).toEqual([]);
    expect((await ended(jobId)).job).toMatchObject({ status: 'needs_attention', finished_at: expect.any(Date) as unknown });
  });

  it('is not tried again when a newer version has replaced its steps, which no replica runs any more', async () => {
    const old = toyKind([point, step('after', { retry: once, run: away })]);
    const { jobId } = await start(boot(old), 'replaced');
    await ended(jobId);
    const newer = boot({ ...old, version: old.version + 1 }, { engine: false });
    await expect(retry(newer, jobId)).rejects.toMatchObject({ code: 'job_outdated', details: { version: 1, known_version: 2 } });
    expect(await db.query(`select 1 from lock where job_id = $1`, [jobId])).toEqual([]);
    expect((await ended(jobId)).job).toMatchObject({ status: 'needs_attention', version: 1 });
  });

  it('is not tried again without a reason, and no other job is', async () => {
    const deps = boot(toyKind([step('one')]));
    const { jobId } = await start(deps, 'done');
    await ended(jobId);
    await expect(retry(deps, jobId)).rejects.toMatchObject({ code: 'job_finished' });
    await expect(retry(deps, 'job_none')).rejects.toMatchObject({ code: 'job_not_found' });
    await expect(
      runInContext(newContext({ principal: ann.id }), () => retryJob(deps, { jobId, reason: ' ' }, caller())),
    ).rejects.toMatchObject({
      code: 'invalid_argument',
    });
  });
});
