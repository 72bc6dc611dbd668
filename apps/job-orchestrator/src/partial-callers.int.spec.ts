// Real: Postgres with the event log. Callers whose grants are on some tenants plan, start and see jobs of these alone.
import { afterAll, describe, expect, it } from '@jest/globals';
import { granted, type Principal } from '@fairlead/auth';
import type { Permission } from '@fairlead/contracts';
import { createIdempotency } from '@fairlead/postgres';
import { newContext, runInContext, type RequestContext } from '@fairlead/telemetry';
import { boot, caller, db, ended, grants, logger } from './engine/bench.fixture.js';
import { step, toyKind } from './engine/toy.fixture.js';
import { approvePlan } from './grpc/approve-plan.js';
import { cancelJob } from './grpc/cancel-job.js';
import { changeSchedule } from './grpc/change-schedule.js';
import { createSchedule } from './grpc/create-schedule.js';
import { getJob } from './grpc/get-job.js';
import { getPlan } from './grpc/get-plan.js';
import { listJobs } from './grpc/list-jobs.js';
import { listSchedules } from './grpc/list-schedules.js';
import { pauseJob } from './grpc/pause-job.js';
import { retryJob } from './grpc/retry-job.js';
import { signalJob } from './grpc/signal-job.js';
import { unpauseJob } from './grpc/unpause-job.js';
import { createPlan } from './plans.js';
import { schedulesLoop } from './loops/schedules.js';
import { startJob, type JobDependencies } from './start-job.js';
import { loadJob } from './store/jobs.js';

const on = (tenants: readonly string[], given: readonly Permission[] = grants): Principal => ({
  ...granted(new Map(tenants.map((tenant) => [`/tenants/${tenant}`, new Set(given)]))),
  ...{ id: 'user:usr_part', name: 'part@example.com', kind: 'user', roles: [], expiresAtMs: Infinity },
});
const denied = (permission: string, tenant: string) => ({
  code: 'permission_denied',
  details: { permission, scope: `/tenants/${tenant}` },
});

function as<T>(principal: Principal, work: (call: { principal: Principal; context: RequestContext; signal: AbortSignal }) => Promise<T>) {
  const context = newContext({ principal: principal.id });
  return runInContext(context, () => work({ principal, context, signal: new AbortController().signal }));
}
const plan = (deps: JobDependencies, principal: Principal, tenant: string) =>
  as(principal, (call) => createPlan(deps, { kind: 'toy', params: { tenant }, reason: 'test', asked: 'plan.create' }, call));
let keys = 0;
const start = (deps: JobDependencies, principal: Principal, planDigest: string) =>
  as(principal, (call) =>
    startJob(
      deps,
      { kind: 'toy', planDigest, reason: 'test', idempotencyKey: `part-${String(++keys)}`, onConflict: 'queue', asked: 'plan.create' },
      call,
    ),
  );

describe('a caller whose grants are on some tenants', () => {
  it('plans, starts and sees jobs of these alone', async () => {
    const deps = boot(toyKind([step('one')]));
    const [acme, globex] = [on(['acme']), on(['globex'])];
    const { digest, plan_id: planId } = await plan(deps, acme, 'acme');
    await expect(plan(deps, globex, 'acme')).rejects.toMatchObject(denied('plan.create', 'acme'));
    await expect(start(deps, globex, digest)).rejects.toMatchObject(denied('plan.create', 'acme'));
    await expect(as(globex, (call) => getPlan(deps).handle({ plan: planId }, call))).rejects.toMatchObject(denied('job.read', 'acme'));
    expect((await as(acme, (call) => getPlan(deps).handle({ plan: planId }, call))).plan?.digest).toBe(digest);
    const { jobId } = await start(deps, acme, digest);
    expect((await ended(jobId)).job.status).toBe('succeeded');
    // What the job may do later is what its principal may do on its tenant.
    expect((await loadJob(db, jobId))?.job.principal.grants).toEqual([...grants, 'self'].sort());
    await expect(as(globex, (call) => getJob({ db }).handle({ jobId }, call))).rejects.toMatchObject(denied('job.read', 'acme'));
    expect((await as(acme, (call) => getJob({ db }).handle({ jobId }, call))).job?.jobId).toBe(jobId);
    const request = { limit: 0, status: '', kind: '', tenantId: '', correlationId: '', parentId: '', paused: false, before: '' };
    const seen = async (principal: Principal, tenantId = '') =>
      (await as(principal, (call) => listJobs({ db }).handle({ ...request, tenantId }, call))).jobs.map((job) => job.jobId);
    expect([await seen(acme), await seen(acme, 'acme'), await seen(globex), await seen(on(['acme', 'globex']))]).toEqual([
      [jobId],
      [jobId],
      [],
      [jobId],
    ]);
    await expect(seen(globex, 'acme')).rejects.toMatchObject(denied('job.read', 'acme'));
  });

  it('needs the kind’s permission there too, and the one that is asked for', async () => {
    const deps = boot(toyKind([step('one')]));
    await expect(plan(deps, on(['acme'], ['plan.create', 'job.read']), 'acme')).rejects.toMatchObject({ code: 'permission_denied' });
    await expect(plan(deps, on(['acme'], ['tenant.migrate']), 'acme')).rejects.toMatchObject(denied('plan.create', 'acme'));
    // Each permission on another tenant is none on this one.
    const split: Principal = {
      ...on([]),
      ...granted(
        new Map([
          ['/tenants/acme', new Set<Permission>(['plan.create'])],
          ['/tenants/globex', new Set<Permission>(['tenant.migrate'])],
        ]),
      ),
    };
    for (const [tenant, lacking] of [
      ['acme', 'tenant.migrate'],
      ['globex', 'plan.create'],
    ] as const)
      await expect(plan(deps, split, tenant)).rejects.toMatchObject(denied(lacking, tenant));
  });

  it('needs what these very parameters need besides, to plan, to start, and to ask something of the job', async () => {
    const kind = toyKind([step('one')], { alsoNeeds: ({ tenant }) => (tenant === 'routed' ? ['config.routing'] : []) });
    // Nobody runs it: it stays as it is made.
    const deps = boot(kind, { engine: false });
    const [without, having] = [on(['routed', 'plain']), on(['routed'], [...grants, 'config.routing'])];
    const refused = denied('config.routing', 'routed');
    await expect(plan(deps, without, 'routed')).rejects.toMatchObject(refused);
    await expect(plan(deps, without, 'plain')).resolves.toMatchObject({ kind: 'toy' });
    const { digest } = await plan(deps, having, 'routed');
    await expect(start(deps, without, digest)).rejects.toMatchObject(refused);
    const { jobId } = await start(deps, having, digest);
    await expect(jobCalls['job.cancel'](deps, jobId, without)).rejects.toMatchObject(refused);
    expect((await jobCalls['job.cancel'](deps, jobId, having)).job?.status).toBe('cancelled');
  });
});

/** Each asks for a permission of its own, and for the kind's. */
const jobCalls = {
  'job.cancel': (deps: JobDependencies, jobId: string, principal: Principal) =>
    as(principal, (call) => cancelJob(deps).handle({ jobId, reason: 'enough' }, call)),
  'job.retry': (deps: JobDependencies, jobId: string, principal: Principal) =>
    as(principal, (call) => retryJob(deps).handle({ jobId, reason: 'cured' }, call)),
  'job.pause': (deps: JobDependencies, jobId: string, principal: Principal) =>
    as(principal, (call) => pauseJob(deps).handle({ jobId, reason: 'wait' }, call)),
  'job.pause, to let it go on': (deps: JobDependencies, jobId: string, principal: Principal) =>
    as(principal, (call) => unpauseJob(deps).handle({ jobId, reason: 'go on' }, call)),
  'job.signal': (deps: JobDependencies, jobId: string, principal: Principal) =>
    as(principal, (call) => signalJob(deps).handle({ jobId, signal: 'seen', payload: {} }, call)),
};

describe('what is asked of a job', () => {
  it.each(Object.keys(jobCalls) as (keyof typeof jobCalls)[])('takes %s on its tenant, and the kind’s permission', async (name) => {
    const permission = name.split(',')[0] as Permission;
    // Nobody runs it: it stays as it is made.
    const deps = boot(toyKind([step('one')]), { engine: false });
    const tenant = `of-${name.replaceAll(/[^a-z]+/g, '-')}`;
    const owner = on([tenant]);
    const { jobId } = await start(deps, owner, (await plan(deps, owner, tenant)).digest);
    const ask = jobCalls[name];
    const before = await loadJob(db, jobId);
    const may: Permission[] = [permission, 'tenant.migrate'];
    await expect(ask(deps, jobId, on(['other'], may))).rejects.toMatchObject(denied(permission, tenant));
    await expect(ask(deps, jobId, on([tenant], ['tenant.migrate']))).rejects.toMatchObject(denied(permission, tenant));
    await expect(ask(deps, jobId, on([tenant], [permission]))).rejects.toMatchObject(denied('tenant.migrate', tenant));
    expect(await loadJob(db, jobId)).toEqual(before);
    expect((await ask(deps, jobId, on([tenant], may))).job?.jobId).toBe(jobId);
  });

  it('takes the permission on the platform where it is about no tenant, or several', async () => {
    const deps = boot(toyKind([step('one')], { tenantOf: () => undefined }), { engine: false });
    const { jobId } = await start(deps, caller().principal, (await plan(deps, caller().principal, 'acme')).digest);
    for (const [name, ask] of Object.entries(jobCalls))
      await expect(ask(deps, jobId, on(['acme'], [name.split(',')[0] as Permission, 'tenant.migrate']))).rejects.toMatchObject({
        code: 'permission_denied',
      });
    expect((await jobCalls['job.cancel'](deps, jobId, caller().principal)).job?.status).toBe('cancelled');
  });
});

describe('the approval of a plan', () => {
  it('takes plan.approve on its tenant, and the kind’s permission', async () => {
    const deps = boot(toyKind([step('one')], { needsApproval: true }));
    const { plan_id: planId } = await plan(deps, on(['acme']), 'acme');
    const approve = (principal: Principal) => as(principal, (call) => approvePlan(deps).handle({ plan: planId, reason: 'fine' }, call));
    const other = (tenant: string, may: Permission[]) => ({ ...on([tenant], may), id: 'user:usr_second' });
    await expect(approve(other('globex', ['plan.approve', 'tenant.migrate']))).rejects.toMatchObject(denied('plan.approve', 'acme'));
    await expect(approve(other('acme', ['tenant.migrate']))).rejects.toMatchObject(denied('plan.approve', 'acme'));
    await expect(approve(other('acme', ['plan.approve']))).rejects.toMatchObject(denied('tenant.migrate', 'acme'));
    // An account of a program is nobody's second person.
    for (const id of ['user:sva_program', 'project:prj_web']) {
      const program = { ...other('acme', ['plan.approve', 'tenant.migrate']), id };
      await expect(approve(program)).rejects.toMatchObject({ code: 'second_person_required' });
    }
    const { plan: approved } = await approve(other('acme', ['plan.approve', 'tenant.migrate']));
    expect(approved?.approval?.approvedBy).toBe('user:usr_second');
  });
});

describe('schedules', () => {
  const idempotency = createIdempotency({ database: db, logger });
  afterAll(() => {
    idempotency.stop();
  });
  const may: Permission[] = ['schedule.read', 'schedule.manage', 'tenant.migrate'];
  const make = (deps: JobDependencies, principal: Principal, name: string, tenant: string) => {
    const request = { name, kind: 'toy', params: { tenant }, cron: '0 3 * * *', timeZone: '', missed: '', reason: 'every night' };
    return as(principal, (call) => createSchedule({ ...deps, idempotency }).handle({ ...request, idempotencyKey: `key-${name}` }, call));
  };
  const seen = async (deps: JobDependencies, principal: Principal) =>
    (await as(principal, (call) => listSchedules(deps).handle({}, call))).schedules.map(({ name }) => name);

  it('are made, seen and changed by who holds a role on their tenant', async () => {
    const deps = boot(toyKind([step('one')]), { engine: false });
    const [acme, globex] = [on(['acme'], may), on(['globex'], may)];
    await expect(make(deps, globex, 'nightly', 'acme')).rejects.toMatchObject(denied('schedule.manage', 'acme'));
    await expect(make(deps, on(['acme'], ['tenant.migrate']), 'nightly', 'acme')).rejects.toMatchObject(denied('schedule.manage', 'acme'));
    await make(deps, acme, 'nightly', 'acme');
    expect([await seen(deps, acme), await seen(deps, globex), await seen(deps, on(['acme', 'globex'], may))]).toEqual([
      ['nightly'],
      [],
      ['nightly'],
    ]);
    const change = (principal: Principal, what: string) =>
      as(principal, (call) => changeSchedule(deps).handle({ schedule: 'nightly', change: what, reason: 'test' }, call));
    for (const what of ['pause', 'resume', 'delete']) {
      await expect(change(globex, what)).rejects.toMatchObject(denied('schedule.manage', 'acme'));
      await expect(change(on(['acme'], ['schedule.manage']), what)).rejects.toMatchObject(denied('tenant.migrate', 'acme'));
      expect(await seen(deps, acme)).toEqual(['nightly']);
      await change(acme, what);
    }
    expect(await seen(deps, acme)).toEqual([]);
  });

  it('run with what their maker may do on that tenant, and nowhere else', async () => {
    const deps = boot(toyKind([step('one')]));
    await make(deps, on(['acme'], may), 'due', 'acme');
    const [row] = await db.query<{ principal: unknown }>(
      `update schedule set next_at = date_trunc('milliseconds', now()) where name = 'due' returning principal`,
    );
    expect(row?.principal).toMatchObject({ grants: [...may, 'self'].sort(), scope: '/tenants/acme' });
    const clock = schedulesLoop({
      ...{ db, logger, jobs: deps, auditGate: { check: () => Promise.resolve() } },
      settings: { archiveAfterMs: 1, keepArchivedMs: 1 },
    });
    await clock.check([], new AbortController().signal);
    const [taken] = await db.query<{ last_job_id: string }>(`select last_job_id from schedule where name = 'due'`);
    expect((await ended(taken?.last_job_id ?? '')).job).toMatchObject({ status: 'succeeded', principal: { scope: '/tenants/acme' } });
    // One whose tenant is another by now does not run: what its maker holds is on the first.
    await db.query(`update schedule set next_at = date_trunc('milliseconds', now()), params = '{"tenant": "globex"}' where name = 'due'`);
    await clock.check([], new AbortController().signal);
    const [refused] = await db.query<{ last_error: unknown }>(`select last_error from schedule where name = 'due'`);
    expect(refused?.last_error).toMatchObject({ code: 'permission_denied' });
  });
});
