import { describe, expect, it } from '@jest/globals';
import { FairleadError, type placementV1 } from '@fairlead/contracts';
import type { ChildJob, ChildJobs } from '../engine/children.js';
import type { PlanDraft, StepContext } from '../engine/kind.js';
import type { KindDependencies } from './clients.js';
import { planShardDrain, planShardResume, shardDrain } from './shard-drain.js';
import type { ShardInputs } from './shard-tenants.js';

const shard: placementV1.Shard = {
  ...{ kind: 'runner', shardId: 'r-1', endpoints: [], weight: 1, labels: {}, state: 'active', revision: 7, tenants: 2 },
};
const on = (tenant: string, state: string | undefined): ShardInputs['tenants'][number] => ({
  tenant,
  seat: { kind: 'runner', shardId: 'r-1', revision: 3 },
  state: state === undefined ? undefined : { state, inflight: 0, lag: 0, fence: 0, lastSeq: 0 },
});
const inputs = (partial: Partial<ShardInputs> = {}): ShardInputs => ({
  ...{ shard, tenants: [on('acme', 'active'), on('globex', 'drained')], more: false, openJobId: undefined },
  ...partial,
});
const cordoned = { ...shard, state: 'cordoned' };
const settings = { maxLag: 100, maxInflight: 200, forwardTimeoutMs: 1, undoTimeoutMs: 1 } as KindDependencies['settings'];
const drain = (given: ShardInputs) => planShardDrain(given, settings);
const resumeParams = { kind: 'runner' as const, shard: 'r-1', parallel: 4 };
const resume = (given: ShardInputs, more: { tenants?: string[]; keep_cordoned?: boolean } = {}) =>
  planShardResume({ ...resumeParams, ...more }, given);
const blocks = (plan: PlanDraft) => plan.checks.filter(({ verdict }) => verdict === 'block').map(({ name }) => name);
const names = (plan: PlanDraft) => plan.actions.map(({ name }) => name);

describe('the plan of a drain', () => {
  it('cordons, and drains who is served, from the shard and the placement as they are', () => {
    const plan = drain(inputs());
    expect([names(plan), plan.impact.tenants, blocks(plan)]).toEqual([['cordon', 'drain'], ['acme'], []]);
    expect(plan.inputs).toEqual([
      { resource: 'shard/runner/r-1', revision: 7 },
      { resource: 'placement/acme/runner', revision: 3 },
      { resource: 'placement/globex/runner', revision: 3 },
    ]);
    expect(names(drain(inputs({ shard: cordoned })))).toEqual(['drain']);
  });

  it('is blocked by tenants that can not drain, by too many, and when nothing is to be done', () => {
    expect(blocks(drain(inputs({ tenants: [on('acme', 'sealed')] })))).toEqual(['tenants_can_drain']);
    expect(blocks(drain(inputs({ tenants: [on('acme', undefined)] })))).toEqual(['tenants_can_drain']);
    expect(blocks(drain(inputs({ more: true })))).toEqual(['fits_one_job']);
    expect(blocks(drain(inputs({ shard: cordoned, tenants: [on('acme', 'drained')] })))).toEqual(['something_to_do']);
  });

  it('warns of a gateway, which serves on, and of a job that is on a tenant', () => {
    const warns = (plan: PlanDraft) => plan.checks.filter(({ verdict }) => verdict === 'warn').map(({ name }) => name);
    expect(warns(drain(inputs({ shard: { ...shard, kind: 'gateway' }, tenants: [] })))).toEqual(['traffic_is_led_away']);
    expect(warns(drain(inputs({ openJobId: 'job_1' })))).toEqual(['no_running_job']);
  });
});

describe('the plan of a resume', () => {
  it('lets those that are drained be served, and opens the shard', () => {
    const plan = resume(inputs({ shard: cordoned }));
    expect([names(plan), plan.impact.tenants, blocks(plan)]).toEqual([['resume', 'open'], ['globex'], []]);
    expect(names(resume(inputs({ shard: cordoned }), { keep_cordoned: true }))).toEqual(['resume']);
    expect(names(resume(inputs({ shard: cordoned }), { tenants: ['acme'] }))).toEqual(['open']);
  });

  it('is blocked where the shard does not answer, and when nothing is to be done, but not for who takes something back', () => {
    expect(blocks(resume(inputs({ shard: cordoned, tenants: [on('acme', undefined)] })))).toEqual(['tenants_are_known']);
    const open = inputs({ tenants: [on('acme', 'active')] });
    expect(blocks(resume(open))).toEqual(['something_to_do']);
    expect(blocks(resume(open, { tenants: ['acme'] }))).toEqual([]);
  });
});

describe('the cordon of a drain', () => {
  const placed = ['acme', 'globex'];
  const placement = {
    setShardState: () => Promise.resolve({ revision: 8, position: 1, changed: true }),
    listTenants: () =>
      Promise.resolve({ tenants: placed.map((tenantId) => ({ tenantId, name: '', assignments: [], createdAt: '' })), nextAfter: '' }),
  };
  const kind = shardDrain({ placement, settings } as unknown as KindDependencies, {} as ChildJobs);
  const context = { params: { kind: 'runner', shard: 'r-1' }, plan: drain(inputs()), reason: 'a kernel' } as unknown as StepContext<never>;
  const cordon = () => kind.steps.find(({ name }) => name === 'cordon')?.run(context);

  it('goes on with the tenants that were planned for, and not when another has come since', async () => {
    expect(await cordon()).toEqual({ outcome: 'done', output: { revision: 8 } });
    placed.push('late');
    await expect(cordon()).rejects.toMatchObject({ code: 'plan_stale', message: expect.stringContaining('late') });
    await expect(cordon()).rejects.toBeInstanceOf(FairleadError);
  });

  it('is followed by a drain of each tenant where it is', async () => {
    const started: ChildJob[] = [];
    const children = {
      list: () => Promise.resolve([]),
      start: (_parent: unknown, child: ChildJob) => (started.push(child), Promise.resolve()),
    } as unknown as ChildJobs;
    const step = shardDrain({ placement, settings } as unknown as KindDependencies, children).steps.find(({ name }) => name === 'drain');
    const params = { kind: 'runner', shard: 'r-1', parallel: 4, stop_after_failures: 1 };
    await step?.run({ ...context, params, outputs: {}, signal: new AbortController().signal } as unknown as StepContext<never>);
    expect(started).toEqual([{ key: 'acme', kind: 'tenant-drain', params: { tenant: 'acme', kinds: ['runner'], shard: 'r-1' } }]);
  });
});
