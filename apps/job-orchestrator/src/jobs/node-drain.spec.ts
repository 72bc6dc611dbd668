import { describe, expect, it } from '@jest/globals';
import type { ChildJob, ChildJobs } from '../engine/children.js';
import type { PlanDraft, StepContext } from '../engine/kind.js';
import type { KindDependencies } from './clients.js';
import { nodeDrain, planNode } from './node-drain.js';
import { planShardDrain } from './shard-drain.js';
import type { ShardInputs } from './shard-tenants.js';

const settings = { maxLag: 100, maxInflight: 200, undoTimeoutMs: 1 } as KindDependencies['settings'];
const shard = (kind: 'runner' | 'projection', state: 'active' | 'cordoned', tenant: string): ShardInputs => ({
  shard: { kind, shardId: `${kind}-1`, endpoints: [], weight: 1, labels: { node: 'host-3' }, state, revision: 7, tenants: 1 },
  tenants: [
    {
      tenant: 'acme',
      seat: { kind, shardId: `${kind}-1`, revision: 3 },
      state: { state: tenant, inflight: 0, lag: 0, fence: 0, lastSeq: 0 },
    },
  ],
  ...{ more: false, openJobId: undefined },
});
const plan = (...shards: ShardInputs[]) =>
  planNode(
    'host-3',
    shards.map((inputs) => ({ inputs, draft: planShardDrain(inputs, settings) })),
    'drain',
  );
const blocks = ({ checks }: PlanDraft) => checks.filter(({ verdict }) => verdict === 'block').map(({ name }) => name);

describe('the plan for a node', () => {
  it('drains each shard where there is something to drain, and names every tenant once', () => {
    const planned = plan(shard('projection', 'active', 'active'), shard('runner', 'active', 'active'));
    expect(planned.actions.map(({ name, kind, fromShardId }) => [name, kind, fromShardId])).toEqual([
      ['drain-shard', 'projection', 'projection-1'],
      ['drain-shard', 'runner', 'runner-1'],
    ]);
    expect([planned.impact.tenants, planned.impact.services, blocks(planned)]).toEqual([
      ['acme'],
      ['projection/projection-1', 'runner/runner-1'],
      [],
    ]);
    const one = plan(shard('projection', 'cordoned', 'drained'), shard('runner', 'active', 'active'));
    expect([one.actions.map(({ kind }) => kind), blocks(one)]).toEqual([['runner'], []]);
  });

  it('is blocked by a node that nobody knows, by one where all is done, and by what blocks a shard', () => {
    expect(blocks(plan())).toEqual(['node_has_shards']);
    expect(blocks(plan(shard('runner', 'cordoned', 'drained')))).toEqual(['something_to_do']);
    expect(blocks(plan(shard('runner', 'active', 'sealed')))).toEqual(['runner/runner-1.tenants_can_drain']);
  });
});

describe('the undo of a drain of a node', () => {
  it('resumes whom the drain of each shard was to stop, and opens what it cordoned', async () => {
    const planned = plan(shard('projection', 'active', 'active'), shard('runner', 'active', 'active'));
    const started: ChildJob[] = [];
    const ended = { status: 'succeeded', error: null, endedMs: 1 };
    const drained: Record<string, ShardInputs> = { p: shard('projection', 'active', 'drained'), r: shard('runner', 'cordoned', 'active') };
    const children = {
      list: () =>
        Promise.resolve([
          { jobId: 'p', key: 'projection/projection-1', ...ended },
          { jobId: 'r', key: 'runner/runner-1', ...ended },
        ]),
      planOf: (jobId: string) => Promise.resolve(planShardDrain(drained[jobId] as ShardInputs, settings)),
      start: (_parent: unknown, child: ChildJob) => (started.push(child), Promise.resolve()),
    } as unknown as ChildJobs;
    const undo = nodeDrain({ settings } as KindDependencies, children).steps.find(({ name }) => name === 'drain')?.undo;
    if (typeof undo !== 'function') throw new Error('a drain is taken back');
    const params = { node: 'host-3', parallel: 4, stop_after_failures: 1 };
    const context = { jobId: 'job_1', params, plan: planned, outputs: {}, signal: new AbortController().signal };
    await undo(context as unknown as StepContext<typeof params>);
    expect(started.map(({ kind, params: given }) => [kind, given])).toEqual([
      ['shard-resume', { kind: 'runner', shard: 'runner-1', tenants: ['acme'], keep_cordoned: true }],
      ['shard-resume', { kind: 'projection', shard: 'projection-1', tenants: [], keep_cordoned: false }],
    ]);
  });
});
