/** Stops all that is served on a node, which is whatever shards have its name as their label `node`, and lets it go on: shard by shard. */
import { z } from 'zod';
import { childrenStep, type ChildJob, type ChildJobs } from '../engine/children.js';
import type { Action, Check, JobKind, PlanDraft } from '../engine/kind.js';
import type { KindDependencies } from './clients.js';
import { preflight } from './preflight.js';
import { planShardDrain, planShardResume, somethingToDo } from './shard-drain.js';
import { maxOnShard, readShardInputs, type ShardInputs } from './shard-tenants.js';
import { minuteMs } from './tenants.js';

/** The label of a shard that says which node it is on. */
const nodeLabel = 'node';
/** Shards that are worked on at the same time. */
const shardsAtOnce = 2;

const oneNode = {
  /** As the shards' label `node` says. */
  node: z.string().min(1).max(256),
  /** Tenants of a shard that are drained, or resumed, at the same time. */
  parallel: z.int().min(1).max(16).default(4),
};
const drainParams = z.strictObject({
  ...oneNode,
  /** No more of a shard are drained once so many could not be, and all of the node is taken back. */
  stop_after_failures: z.int().min(1).max(maxOnShard).default(1),
});
type DrainParams = z.output<typeof drainParams>;
const resumeParams = z.strictObject(oneNode);
type ResumeParams = z.output<typeof resumeParams>;

/** The shards' own jobs lock the shards. */
const locks = ({ node }: { node: string }) => [`node/${node}`];

export function nodeDrain(deps: KindDependencies, children: ChildJobs): JobKind<DrainParams, ShardInputs[]> {
  const kind: JobKind<DrainParams, ShardInputs[]> = {
    kind: 'node-drain',
    version: 1,
    permission: 'placement.write',
    alsoNeeds: () => ['tenant.drain', 'tenant.resume'],
    params: drainParams,
    deadlineMs: 12 * 60 * minuteMs,
    locks,
    tenantOf: () => undefined,
    readInputs: ({ node }) => shardsOn(deps, node),
    plan: ({ node }, shards) =>
      planNode(
        node,
        shards.map((inputs) => ({ inputs, draft: planShardDrain(inputs, deps.settings) })),
        'drain',
      ),
    steps: [
      preflight<DrainParams>(() => kind),
      childrenStep<DrainParams>('drain', children, {
        children: ({ params: { parallel, stop_after_failures }, plan }) =>
          shardJobs(plan, 'shard-drain', { parallel, stop_after_failures }),
        parallel: () => shardsAtOnce,
        stopAfterFailures: () => 1,
        timeoutMs: 12 * 60 * minuteMs,
        takeBack: ({ params: { kind: of, shard } }, plan) => ({
          kind: 'shard-resume',
          // What it had not stopped itself stays as it was.
          params: { kind: of, shard, ...(plan === undefined ? {} : takenBack(plan)) },
        }),
        // Of the shards' own undos, and then of their resumes.
        undoTimeoutMs: 3 * deps.settings.undoTimeoutMs,
      }),
    ],
  };
  return kind;
}

export function nodeResume(deps: KindDependencies, children: ChildJobs): JobKind<ResumeParams, ShardInputs[]> {
  const kind: JobKind<ResumeParams, ShardInputs[]> = {
    kind: 'node-resume',
    version: 1,
    permission: 'placement.write',
    alsoNeeds: () => ['tenant.resume'],
    params: resumeParams,
    deadlineMs: 12 * 60 * minuteMs,
    locks,
    tenantOf: () => undefined,
    readInputs: ({ node }) => shardsOn(deps, node),
    plan: ({ node, parallel }, shards) =>
      planNode(
        node,
        shards.map((inputs) => {
          const { kind: of, shardId: shard } = inputs.shard;
          return { inputs, draft: planShardResume({ kind: of as 'runner', shard, parallel }, inputs) };
        }),
        'resume',
      ),
    steps: [
      preflight<ResumeParams>(() => kind),
      childrenStep<ResumeParams>('resume', children, {
        children: ({ params: { parallel }, plan }) => shardJobs(plan, 'shard-resume', { parallel }),
        parallel: () => shardsAtOnce,
        stopAfterFailures: () => 1,
        // One that can't go on keeps no other stopped.
        tryAll: true,
        timeoutMs: 12 * 60 * minuteMs,
      }),
    ],
  };
  return kind;
}

/** The shards of a node, by kind and id, with their tenants. */
async function shardsOn(deps: KindDependencies, node: string): Promise<ShardInputs[]> {
  const { shards } = await deps.placement.listShards({ kind: '' });
  const found: ShardInputs[] = [];
  for (const shard of shards.filter(({ labels }) => labels[nodeLabel] === node)) found.push(await readShardInputs(deps, shard));
  return found;
}

/** Plans what is done to a node from the plan of each of its shards; pure. */
export function planNode(node: string, shards: readonly { inputs: ShardInputs; draft: PlanDraft }[], what: 'drain' | 'resume'): PlanDraft {
  const changed = shards.filter(({ draft }) => draft.actions.length > 0);
  const actions = changed.map(({ inputs: { shard }, draft }): Action => {
    const tenants = draft.impact.tenants.length;
    const description = `${what} ${shard.kind} ${shard.shardId}: ${String(tenants)} ${tenants === 1 ? 'tenant' : 'tenants'}`;
    return { name: `${what}-shard`, description, kind: shard.kind, fromShardId: shard.shardId, toShardId: '' };
  });
  return {
    actions,
    checks: [
      nodeKnown(node, shards.length),
      ...(shards.length === 0 ? [] : [somethingToDo(actions, 'block', `no shard of ${node} is left to ${what}`)]),
      // A shard that is left alone blocks nobody: it is not asked for.
      ...changed.flatMap(({ inputs: { shard }, draft }) =>
        draft.checks.map((check) => ({ ...check, name: `${shard.kind}/${shard.shardId}.${check.name}` })),
      ),
    ],
    impact: {
      tenants: [...new Set(changed.flatMap(({ draft }) => draft.impact.tenants))].sort(),
      services: [...new Set(changed.flatMap(({ draft }) => draft.impact.services))].sort(),
      expectedPauseMs: 0,
    },
    inputs: shards.flatMap(({ draft }) => draft.inputs),
  };
}

function nodeKnown(node: string, shards: number): Check {
  return {
    name: 'node_has_shards',
    verdict: shards > 0 ? 'pass' : 'block',
    value: String(shards),
    limit: '≥ 1',
    message: shards > 0 ? `${String(shards)} shards are on ${node}` : `no shard has the label ${nodeLabel}=${node}`,
  };
}

/** One job for each shard of a plan's actions. */
function shardJobs({ actions }: PlanDraft, kind: string, more: Record<string, unknown>): ChildJob[] {
  return actions.map(({ kind: of, fromShardId: shard }) => ({ key: `${of}/${shard}`, kind, params: { kind: of, shard, ...more } }));
}

/** What a resume takes back of a drain that was planned so. */
function takenBack({ actions, impact }: PlanDraft): { tenants: string[]; keep_cordoned: boolean } {
  return { tenants: impact.tenants, keep_cordoned: !actions.some(({ name }) => name === 'cordon') };
}
