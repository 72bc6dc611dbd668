import { describe, expect, it } from '@jest/globals';
import type { Principal } from '@fairlead/auth';
import { readLog } from '@fairlead/event-log';
import { newContext, runInContext } from '@fairlead/telemetry';
import { approvePlan } from './approve-plan.js';
import { ann, boot, db, ended, plan, start } from './engine/bench.fixture.js';
import { step, toyKind } from './engine/toy.fixture.js';
import type { JobDependencies } from './start-job.js';
import { findApproval } from './store/approvals.js';
import { findPlan } from './store/plans.js';

const bob: Principal = { ...ann, id: 'user:usr_bob', name: 'bob@example.com' };
const approve = (deps: JobDependencies, of: string, by: Principal = bob) =>
  runInContext(newContext({ principal: by.id }), () => approvePlan(deps, { plan: of, reason: 'looks right' }, { principal: by }));

function bootStrict(): JobDependencies {
  return { ...boot(toyKind([step('one')])), approvalKinds: new Set(['toy']) };
}

describe('a kind that needs a second person', () => {
  it('starts nothing before somebody else has approved the plan', async () => {
    const deps = bootStrict();
    const planDigest = await plan(deps, 'careful');
    await expect(start(deps, 'careful', { planDigest })).rejects.toMatchObject({ code: 'approval_required' });
    await expect(approve(deps, planDigest, ann)).rejects.toMatchObject({ code: 'second_person_required' });
    await expect(start(deps, 'careful', { planDigest })).rejects.toMatchObject({ code: 'approval_required' });
    const { plan_id: planId } = await approve(deps, planDigest);
    const { jobId } = await start(deps, 'careful', { planDigest });
    expect((await ended(jobId)).job.status).toBe('succeeded');
    expect(await findApproval(db, planId)).toMatchObject({ approved_by: bob.id, reason: 'looks right' });
  });

  it('takes the first word, and tells it once', async () => {
    const deps = bootStrict();
    const planDigest = await plan(deps, 'twice');
    const carol = { ...bob, id: 'user:usr_carol' };
    await Promise.all([approve(deps, planDigest), approve(deps, planDigest), approve(deps, planDigest, carol)]);
    const { plan_id: planId } = await findPlan(db, planDigest);
    const events = await readLog(db, { after: 0, limit: 100, aggregateType: 'plan', aggregateId: planId });
    expect(events.map(({ type }) => type)).toEqual(['plan_created', 'plan_approved']);
    expect(events[1]?.payload['by']).toBe((await findApproval(db, planId))?.approved_by);
  });

  it('needs the word anew for a plan that was made anew, and for one that has expired none is taken', async () => {
    const deps = bootStrict();
    const planDigest = await plan(deps, 'anew');
    await approve(deps, planDigest);
    expect(await plan(deps, 'anew')).toBe(planDigest);
    await expect(start(deps, 'anew', { planDigest })).rejects.toMatchObject({ code: 'approval_required' });
    await db.query(`update plan set expires_at = now() - interval '1 second' where digest = $1`, [planDigest]);
    await expect(approve(deps, planDigest)).rejects.toMatchObject({ code: 'plan_expired' });
  });

  it('takes it only of who may run such jobs', async () => {
    const deps = bootStrict();
    const planDigest = await plan(deps, 'allowed');
    await expect(approve(deps, planDigest, { ...bob, grants: new Set(['plan.approve', 'job.read']) })).rejects.toMatchObject({
      code: 'permission_denied',
    });
    await expect(approve(deps, 'plan_none')).rejects.toMatchObject({ code: 'plan_not_found' });
  });
});
