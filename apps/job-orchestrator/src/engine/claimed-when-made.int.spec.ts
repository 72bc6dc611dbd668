/** Jobs that the replica claims in whose process they are made. On a real Postgres. */
import { describe, expect, it, jest } from '@jest/globals';
import { newId } from '@fairlead/contracts';
import { eventually } from '@fairlead/testing';
import { insertJobs } from '../store/insert.js';
import { loadJob } from '../store/jobs.js';
import { endLease, registerReplica } from '../store/replica.js';
import { ann, boot, db, ended, engines, historyOf, start } from './bench.fixture.js';
import { bear, claimOfMade, firstRoom, newJob, planOf } from './born.fixture.js';
import { openable, step, toyKind } from './toy.fixture.js';

async function replica(): Promise<string> {
  const replicaId = newId('replica');
  await registerReplica(db, { replicaId, host: '', pid: 1, kinds: ['toy:1'], leaseMs: 60_000 });
  return replicaId;
}

const rowOf = async (jobId: string) => (await loadJob(db, jobId))?.job;

describe('a new job with a claimer', () => {
  it('is its from the beginning, under a fence above those before', async () => {
    const claimer = await replica();
    const [first, second] = [newJob('born-a', { claimer }), newJob('born-b', { claimer })];
    const made = await db.transaction((tx) => insertJobs(tx, [first, second]));
    const fences = made.map((one) => (one.outcome === 'made' ? one.fence : undefined));
    expect(fences).toEqual([expect.any(Number), (fences[0] ?? 0) + 1]);
    for (const [n, { job_id: jobId }] of [first, second].entries())
      expect(await rowOf(jobId)).toMatchObject({ status: 'running', owner: claimer, fence: fences[n], started_at: expect.any(Date) });
  });

  it('stands in line behind another on its resource, and is nobody’s', async () => {
    const claimer = await replica();
    const [first, second] = [newJob('born-c', { claimer }), newJob('born-c', { claimer })];
    const made = await db.transaction((tx) => insertJobs(tx, [first, second]));
    expect(made).toMatchObject([
      { outcome: 'made', fence: expect.any(Number) },
      { outcome: 'made', fence: null },
    ]);
    expect(await rowOf(second.job_id)).toMatchObject({ status: 'queued', owner: null, fence: 0, started_at: null });
  });

  it('is queued when the claimer’s lease has ended, or there is no such replica', async () => {
    const claimer = await replica();
    await endLease(db, claimer);
    const jobs = [newJob('born-d', { claimer }), newJob('born-e', { claimer: newId('replica') })];
    expect(await db.transaction((tx) => insertJobs(tx, jobs))).toMatchObject([{ fence: null }, { fence: null }]);
    for (const { job_id: jobId } of jobs) expect(await rowOf(jobId)).toMatchObject({ status: 'queued', owner: null });
  });

  it('is that of the key when the key was used, and is not claimed again', async () => {
    const [claimer, other] = [await replica(), await replica()];
    const first = newJob('born-f', { claimer });
    await db.transaction((tx) => insertJobs(tx, [first]));
    const again = newJob('born-g', { claimer: other, idempotency_key: first.idempotency_key });
    expect(await db.transaction((tx) => insertJobs(tx, [again]))).toMatchObject([{ outcome: 'repeated', id: first.job_id, fence: null }]);
    expect(await rowOf(first.job_id)).toMatchObject({ owner: claimer });
  });
});

describe('a replica', () => {
  it('runs it without anybody being told that it can be claimed', async () => {
    const kind = toyKind([step('one'), step('two')]);
    const deps = boot(kind);
    (await firstRoom(kind)).fill(undefined);
    const onClaimable = jest.fn();
    const { jobId } = await start({ ...deps, onClaimable }, 'at-once');
    expect(onClaimable).not.toHaveBeenCalled();
    expect((await ended(jobId)).job.status).toBe('succeeded');
    expect(await historyOf(jobId)).toEqual([
      'job_queued',
      'job_started>one',
      'step_succeeded:one>two',
      'step_succeeded:two',
      'job_succeeded',
    ]);
  });

  it('has begun its first step with the job, and tells so under its fence', async () => {
    const kind = toyKind([step('one', { run: () => gate.opened.then(() => ({ outcome: 'done' })) })]);
    const gate = openable();
    const deps = boot(kind);
    (await firstRoom(kind)).fill(undefined);
    const { jobId } = await start(deps, 'begun');
    const loaded = await loadJob(db, jobId);
    expect(loaded?.steps).toMatchObject([{ status: 'running', attempts: 1, started_at: loaded?.job.started_at }]);
    const [told] = await db.query<{ payload: unknown; meta: unknown }>(
      `select payload, meta from log.event where aggregate_id = $1 and type = 'job_started'`,
      [jobId],
    );
    const begins = { step: 'one', attempt: 1 };
    expect(told?.payload).toEqual({ tenant_id: 'begun', replica: loaded?.job.owner, fence: loaded?.job.fence, begins });
    expect(told?.meta).toMatchObject({ job_id: jobId, tenant_id: 'begun', principal: ann.id, via: 'job-orchestrator', reason: 'test' });
    gate.open();
    expect((await ended(jobId)).steps).toMatchObject([{ status: 'succeeded', attempts: 1 }]);
  });

  it('begins a point of no return by itself', async () => {
    const kind = toyKind([step('one', { pointOfNoReturn: true })]);
    const deps = boot(kind);
    (await firstRoom(kind)).fill(undefined);
    const { jobId } = await start(deps, 'no-return');
    expect((await ended(jobId)).job.status).toBe('succeeded');
    expect(await historyOf(jobId)).toEqual(['job_queued', 'job_started>one', 'step_succeeded:one', 'job_succeeded']);
    expect(await db.query(`select job_id from last_change where resource = 'tenant/no-return'`)).toEqual([{ job_id: jobId }]);
  });

  it('undoes a first step that began with the job when a cancel comes before its run', async () => {
    const done: string[] = [];
    const act = (what: string) => () => {
      done.push(what);
      return Promise.resolve({ outcome: 'done' as const });
    };
    const kind = toyKind([step('one', { run: act('run'), undo: act('undo') })]);
    boot(kind);
    const room = await firstRoom(kind);
    const { jobId, claim } = await bear(kind, room, 'begun-cancelled');
    if (claim.loaded === undefined) throw new Error('a new job brings all that is needed');
    const cancelled = { ...claim.loaded.job, cancel_requested_at: new Date() };
    room.fill({ ...claim, loaded: { ...claim.loaded, job: cancelled } });
    expect((await ended(jobId)).job.status).toBe('cancelled');
    expect(done).toEqual(['undo']);
  });

  it('keeps room that others may wait for until it has looked for them', async () => {
    const kind = toyKind([step('one')]);
    boot(kind, { maxConcurrent: 1 });
    const room = await firstRoom(kind);
    const [engine] = engines;
    expect(engine?.reserve(kind)).toBeUndefined();
    room.fill(undefined);
    expect(engine?.reserve(kind)).toBeUndefined();
    (await firstRoom(kind)).fill(undefined);
  });

  it('serves those that wait before those that come', async () => {
    const gates = new Map(['full-a', 'full-b', 'full-c'].map((tenant) => [tenant, openable()]));
    const order: string[] = [];
    const kind = toyKind([
      step('one', {
        run: async ({ params: { tenant } }) => {
          order.push(tenant);
          await gates.get(tenant)?.opened;
          return { outcome: 'done' };
        },
      }),
    ]);
    const deps = boot(kind, { maxConcurrent: 1 });
    const jobs = [];
    for (const tenant of gates.keys()) jobs.push(await start(deps, tenant));
    for (const { open } of gates.values()) open();
    for (const { jobId } of jobs) await ended(jobId);
    expect(order).toEqual([...gates.keys()]);
  });

  it('whose answer comes late runs a job once that a renewal has found meanwhile', async () => {
    const runs: string[] = [];
    const gate = openable();
    const kind = toyKind([
      step('one', {
        run: async ({ params: { tenant } }) => {
          runs.push(tenant);
          await gate.opened;
          return { outcome: 'done' };
        },
      }),
    ]);
    boot(kind);
    const room = await firstRoom(kind);
    const job = newJob('late-answer', { claimer: room.replica, plan_id: (await planOf('late-answer')).plan_id });
    const [made] = await db.transaction((tx) => insertJobs(tx, [job]));
    await eventually(() => runs.length > 0, { timeoutMs: 10_000, what: 'a renewal to find the job' });
    room.fill(claimOfMade(made, job));
    gate.open();
    expect((await ended(job.job_id)).job.status).toBe('succeeded');
    expect(runs).toEqual(['late-answer']);
  });

  it('that stops while the job is made leaves it to others', async () => {
    const kind = toyKind([step('one')]);
    boot(kind);
    const room = await firstRoom(kind);
    const job = newJob('left', { claimer: room.replica, plan_id: (await planOf('left')).plan_id });
    const [made] = await db.transaction((tx) => insertJobs(tx, [job]));
    expect(made).toMatchObject({ outcome: 'made', fence: expect.any(Number) });
    await engines.splice(0)[0]?.stop();
    room.fill({ jobId: job.job_id, how: 'started', previousOwner: undefined, loaded: undefined });
    expect(await rowOf(job.job_id)).toMatchObject({ status: 'running', owner: room.replica });
    boot(kind);
    expect((await ended(job.job_id)).job.status).toBe('succeeded');
    expect(await historyOf(job.job_id)).toContain('job_taken_over>one');
  });
});
