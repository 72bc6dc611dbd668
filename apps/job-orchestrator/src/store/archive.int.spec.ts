import { describe, expect, it } from '@jest/globals';
import { readJob } from '../grpc/get-job.js';
import { boot, db, ended, plan, start } from '../engine/bench.fixture.js';
import { step, toyKind } from '../engine/toy.fixture.js';
import { archiveJobs, forgetJobs } from './archive.js';
import { listJobs, loadJob } from './jobs.js';
import { markOverdue } from './overdue.js';

const now = { afterMs: 0, most: 100 };
const counts = () =>
  db.query(
    `select (select count(*) from job) as jobs, (select count(*) from step) as steps, (select count(*) from archived_job) as archived`,
  );

describe('the archive', () => {
  it('takes jobs that have ended, which read and list as before', async () => {
    const deps = boot(toyKind([step('one', { run: () => Promise.resolve({ outcome: 'done', output: { made: 1 } }) }), step('two')]));
    const started = await Promise.all(['a', 'b', 'c', 'd'].map((tenant) => start(deps, `kept-${tenant}`)));
    for (const { jobId } of started) await ended(jobId);
    const before = await Promise.all(started.map(({ jobId }) => readJob(db, jobId)));
    const listed = (await listJobs(db, { limit: 10 })).map(({ job }) => job.job_id);
    expect(await archiveJobs(db, { afterMs: 60_000, most: 100 })).toBe(0);
    expect(await archiveJobs(db, { afterMs: 0, most: 2 })).toBe(2);
    expect((await listJobs(db, { limit: 10 })).map(({ job }) => job.job_id)).toEqual(listed);
    expect(await archiveJobs(db, now)).toBe(2);
    expect(await Promise.all(started.map(({ jobId }) => readJob(db, jobId)))).toEqual(before);
    expect(await counts()).toEqual([{ jobs: 0, steps: 0, archived: 4 }]);
    const [newest, second] = listed;
    expect((await listJobs(db, { limit: 1, before: newest ?? '' })).map(({ job }) => job.job_id)).toEqual([second]);
    expect((await listJobs(db, { limit: 10, tenantId: 'kept-b', status: 'succeeded' })).map(({ steps }) => steps[0]?.output)).toEqual([
      { made: 1 },
    ]);
    expect(await listJobs(db, { limit: 10, status: 'failed' })).toEqual([]);
  });

  it('answers the same key with the same job', async () => {
    const deps = boot(toyKind([step('one')]));
    const planDigest = await plan(deps, 'keyed');
    const same = { planDigest, idempotencyKey: 'archived-key' };
    const { jobId } = await start(deps, 'keyed', same);
    await ended(jobId);
    await archiveJobs(db, now);
    expect(await start(deps, 'keyed', same)).toMatchObject({ jobId, repeated: true });
    await expect(start(deps, 'keyed', { ...same, reason: 'another' })).rejects.toMatchObject({ code: 'idempotency_key_reused' });
  });

  it('answers it also when the plan has long expired', async () => {
    const deps = boot(toyKind([step('one')]));
    const planDigest = await plan(deps, 'expired');
    const same = { planDigest, idempotencyKey: 'expired-key' };
    const { jobId } = await start(deps, 'expired', same);
    await ended(jobId);
    await archiveJobs(db, now);
    await db.query(`update plan set expires_at = now() - interval '1 second' where digest = $1`, [planDigest]);
    expect(await start(deps, 'expired', same)).toMatchObject({ jobId, repeated: true });
  });

  it('leaves what is open, or needs somebody', async () => {
    const deps = boot(
      toyKind([
        step('point', { pointOfNoReturn: true, undo: { none: 'no' } }),
        step('fails', { run: () => Promise.resolve({ outcome: 'failed', error: { code: 'tenant_state', message: 'no' } }) }),
      ]),
    );
    const { jobId } = await start(deps, 'stuck');
    expect((await ended(jobId)).job.status).toBe('needs_attention');
    const { jobId: queued } = await start(boot(toyKind([step('one')], { kind: 'nobody-knows' }), { engine: false }), 'queued', {
      kind: 'nobody-knows',
    });
    await archiveJobs(db, now);
    expect((await loadJob(db, jobId))?.job.status).toBe('needs_attention');
    expect((await loadJob(db, queued))?.job.status).toBe('queued');
    expect(await db.query('select 1 from job')).toHaveLength(2);
  });

  it('forgets in the end, with plans that nothing refers to', async () => {
    expect(await forgetJobs(db, { afterMs: 3_600_000, most: 100 })).toBe(0);
    await db.query(`update archived_job set finished_at = now() - interval '2 hours'`);
    await db.query(`update plan set expires_at = now() - interval '2 hours'`);
    expect(await forgetJobs(db, { afterMs: 3_600_000, most: 100 })).toBeGreaterThan(5);
    const [left] = await db.query(
      `select (select count(*) from archived_job) as archived, (select count(*) from plan) as plans, (select count(*) from job) as jobs`,
    );
    expect(left).toEqual({ archived: 0, plans: 2, jobs: 2 });
  });
});

describe('a job that is open past its deadline', () => {
  it('is told of once', async () => {
    const deps = boot(toyKind([step('one')], { kind: 'late' }), { engine: false });
    const { jobId } = await start(deps, 'late', { kind: 'late' });
    const mine = async () => (await markOverdue(db, 100)).filter((job) => job.job_id === jobId);
    expect(await mine()).toEqual([]);
    await db.query(`update job set deadline = now() - interval '1 second' where job_id = $1`, [jobId]);
    expect(await mine()).toMatchObject([{ status: 'queued', step: null, tenant_id: 'late' }]);
    expect(await mine()).toEqual([]);
  });
});
