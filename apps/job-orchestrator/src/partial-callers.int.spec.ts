// Real: Postgres with the event log. Callers whose grants are on some tenants plan, start and see jobs of these alone.
import { describe, expect, it } from '@jest/globals';
import { granted, type Principal } from '@fairlead/auth';
import type { Permission } from '@fairlead/contracts';
import { newContext, runInContext, type RequestContext } from '@fairlead/telemetry';
import { boot, db, ended, grants } from './engine/bench.fixture.js';
import { step, toyKind } from './engine/toy.fixture.js';
import { getJob } from './grpc/get-job.js';
import { getPlan } from './grpc/get-plan.js';
import { listJobs } from './grpc/list-jobs.js';
import { createPlan } from './plans.js';
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
});
