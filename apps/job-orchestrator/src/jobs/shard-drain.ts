/**
 * Stops all of a shard's tenants where they are, each by a drain of its own, and lets them go on: for work on a host that is too short to
 * move them away. A drain that is not seen through is taken back: who it stopped is served again, and the shard is open if it was.
 */
import { z } from 'zod';
import { FairleadError, serviceKinds } from '@fairlead/contracts';
import { childrenStep, type ChildJob, type ChildJobs } from '../engine/children.js';
import type { Action, Check, JobKind, PlanDraft, StepContext, StepResult } from '../engine/kind.js';
import type { Limits } from './checks.js';
import type { KindDependencies } from './clients.js';
import { preflight } from './preflight.js';
import { cordonShard, openShard, plannedRevision } from './shard-state.js';
import { maxOnShard, readShard, seatsOn, type ShardInputs, type ShardTenant } from './shard-tenants.js';
import { planDrain } from './tenant-drain.js';
import { actionsOf, minuteMs, patient, seatResource, shardName, shardResource, tenantName } from './tenants.js';
import { manyChecks } from './tenants-migrate.js';

const oneShard = {
  kind: z.enum(serviceKinds),
  shard: shardName,
  /** Tenants that are drained, or resumed, at the same time. */
  parallel: z.int().min(1).max(16).default(4),
};
const drainParams = z.strictObject({
  ...oneShard,
  /** No more are drained once so many could not be, and all is taken back. */
  stop_after_failures: z.int().min(1).max(maxOnShard).default(1),
});
type DrainParams = z.output<typeof drainParams>;

const resumeParams = z.strictObject({
  ...oneShard,
  /** Only these of those that are drained; all of them when left out. */
  tenants: z.array(tenantName).max(maxOnShard).optional(),
  /** The shard stays as it is when it is cordoned. */
  keep_cordoned: z.boolean().optional(),
});
type ResumeParams = z.output<typeof resumeParams>;

const locks = ({ kind, shard }: { kind: string; shard: string }) => [`shard/${kind}/${shard}`];

export function shardDrain(deps: KindDependencies, children: ChildJobs): JobKind<DrainParams, ShardInputs> {
  const kind: JobKind<DrainParams, ShardInputs> = {
    kind: 'shard-drain',
    version: 1,
    permission: 'placement.write',
    // Whoever stops tenants has to be able to take that back.
    alsoNeeds: () => ['tenant.drain', 'tenant.resume'],
    params: drainParams,
    deadlineMs: 6 * 60 * minuteMs,
    locks,
    tenantOf: () => undefined,
    readInputs: (input) => readShard(deps, input.kind, input.shard),
    plan: (_input, inputs) => planShardDrain(inputs, deps.settings),
    steps: [
      preflight<DrainParams>(() => kind),
      {
        name: 'cordon',
        attemptTimeoutMs: 10_000,
        timeoutMs: deps.settings.undoTimeoutMs,
        retry: patient,
        run: (context) => close(deps, context),
        undoTimeoutMs: deps.settings.undoTimeoutMs,
        undo: (context) => openShard(deps, context),
      },
      childrenStep<DrainParams>('drain', children, {
        children: (context) => tenantJobs(context, 'drain', 'tenant-drain'),
        parallel: ({ parallel }) => parallel,
        stopAfterFailures: (given) => given.stop_after_failures,
        timeoutMs: 6 * 60 * minuteMs,
        // Whom its drain found drained was stopped by somebody else.
        takeBack: ({ params }, plan) => (plan?.actions.length === 0 ? undefined : { kind: 'tenant-resume', params }),
        undoTimeoutMs: deps.settings.undoTimeoutMs,
      }),
    ],
  };
  return kind;
}

export function shardResume(deps: KindDependencies, children: ChildJobs): JobKind<ResumeParams, ShardInputs> {
  const kind: JobKind<ResumeParams, ShardInputs> = {
    kind: 'shard-resume',
    version: 1,
    permission: 'placement.write',
    alsoNeeds: () => ['tenant.resume'],
    params: resumeParams,
    deadlineMs: 6 * 60 * minuteMs,
    locks,
    tenantOf: () => undefined,
    readInputs: (input) => readShard(deps, input.kind, input.shard),
    plan: planShardResume,
    steps: [
      preflight<ResumeParams>(() => kind),
      childrenStep<ResumeParams>('resume', children, {
        children: (context) => tenantJobs(context, 'resume', 'tenant-resume'),
        parallel: ({ parallel }) => parallel,
        stopAfterFailures: () => maxOnShard,
        // One that can't go on keeps no other stopped.
        tryAll: true,
        timeoutMs: 6 * 60 * minuteMs,
      }),
      {
        name: 'open',
        attemptTimeoutMs: 10_000,
        timeoutMs: deps.settings.forwardTimeoutMs,
        retry: patient,
        run: (context) => openAsPlanned(deps, context),
        undo: { none: 'a shard that serves its tenants may take more' },
      },
    ],
  };
  return kind;
}

/** Plans the drain of a shard from what was seen; pure. */
export function planShardDrain({ shard, tenants, more, openJobId }: ShardInputs, limits: Limits): PlanDraft {
  const name = `${shard.kind} ${shard.shardId}`;
  const plans = tenants.map(({ tenant, seat, state }) => ({
    tenant,
    draft: planDrain({ tenant, kinds: [seat.kind] }, { seats: [{ seat, state }], openJobId: undefined }, limits),
  }));
  const stopped = plans.filter(({ draft }) => draft.actions.length > 0);
  const problems = plans.flatMap(({ tenant, draft }) => {
    const block = draft.checks.find(({ verdict }) => verdict === 'block');
    return block === undefined ? [] : [`${tenant}: ${block.message}`];
  });
  const cordon = shard.state === 'cordoned' ? [] : [shardAction(shard, 'cordon', `let no new tenant come to ${name}`)];
  const actions = [...cordon, ...stopped.flatMap(({ draft }) => draft.actions)];
  return {
    actions,
    checks: [
      manyChecks('tenants_can_drain', 'block', plans.length, problems),
      fitsOneJob(tenants, more),
      somethingToDo(actions, 'block', `${name} is cordoned, and none of its tenants is served`),
      ...(shard.kind === 'gateway' ? [trafficCheck(name)] : []),
      noJobOnTenants(openJobId),
    ],
    // As of each drain: until somebody resumes them.
    impact: { tenants: stopped.map(({ tenant }) => tenant), services: [`${shard.kind}/${shard.shardId}`], expectedPauseMs: 0 },
    inputs: revisionsOf(shard, tenants),
  };
}

/** Plans the resume of a shard from what was seen; pure. */
export function planShardResume({ tenants: only, keep_cordoned: keep }: ResumeParams, inputs: ShardInputs): PlanDraft {
  const { shard, tenants, more, openJobId } = inputs;
  const name = `${shard.kind} ${shard.shardId}`;
  const asked = only === undefined ? tenants : tenants.filter(({ tenant }) => only.includes(tenant));
  const unknown = asked.filter(({ state }) => state === undefined);
  const stopped = asked.filter(({ state }) => state?.state === 'drained' || state?.state === 'draining');
  const open = shard.state === 'cordoned' && keep !== true ? [shardAction(shard, 'open', `let new tenants come to ${name}`)] : [];
  const actions = [...stopped.map(({ tenant }) => shardAction(shard, 'resume', `let ${name} serve ${tenant} again`)), ...open];
  const problems = unknown.map(({ tenant }) => `${tenant}: ${name} does not answer`);
  return {
    actions,
    checks: [
      manyChecks('tenants_are_known', 'block', asked.length, problems),
      fitsOneJob(tenants, more),
      // Who names tenants takes something back, and may find it done.
      somethingToDo(actions, only === undefined ? 'block' : 'warn', `${name} is open, and none of its tenants is drained`),
      noJobOnTenants(openJobId),
    ],
    impact: { tenants: stopped.map(({ tenant }) => tenant), services: [`${shard.kind}/${shard.shardId}`], expectedPauseMs: 0 },
    inputs: revisionsOf(shard, tenants),
  };
}

function shardAction({ kind, shardId }: ShardInputs['shard'], name: string, description: string): Action {
  return { name, description, kind, fromShardId: shardId, toShardId: '' };
}

function revisionsOf(shard: ShardInputs['shard'], tenants: readonly ShardTenant[]): PlanDraft['inputs'] {
  return [
    { resource: shardResource(shard), revision: shard.revision },
    ...tenants.map(({ tenant, seat }) => ({ resource: seatResource(tenant, seat.kind), revision: seat.revision })),
  ];
}

function fitsOneJob(tenants: readonly ShardTenant[], more: boolean): Check {
  return {
    name: 'fits_one_job',
    verdict: more ? 'block' : 'pass',
    value: more ? `> ${String(maxOnShard)}` : String(tenants.length),
    limit: `≤ ${String(maxOnShard)}`,
    message: more ? `it has more than ${String(maxOnShard)} tenants: drain or move some of them first` : 'one job can name all its tenants',
  };
}

/** A job that would change nothing is a mistake of whoever asks for it. */
export function somethingToDo(actions: readonly Action[], otherwise: 'block' | 'warn', message: string): Check {
  const some = actions.length > 0;
  return {
    name: 'something_to_do',
    verdict: some ? 'pass' : otherwise,
    value: String(actions.length),
    limit: '≥ 1',
    message: some ? 'there is something to do' : message,
  };
}

/** Nobody is placed on a gateway, and so nothing of it can be drained from here. */
function trafficCheck(name: string): Check {
  return {
    name: 'traffic_is_led_away',
    verdict: 'warn',
    value: 'unknown',
    limit: 'no requests',
    message: `${name} serves on: have the load balancer before it send no more requests there`,
  };
}

function noJobOnTenants(openJobId: string | undefined): Check {
  return {
    name: 'no_running_job',
    verdict: openJobId === undefined ? 'pass' : 'warn',
    value: openJobId ?? 'none',
    limit: 'none',
    message:
      openJobId === undefined ? 'no other job is on its tenants' : `job ${openJobId} is on one of its tenants; this one would wait for it`,
  };
}

/** One job for each tenant of a plan's actions of a name. */
function tenantJobs(context: StepContext<{ kind: string; shard: string }>, name: string, kind: string): ChildJob[] {
  const { params, plan } = context;
  return actionsOf(context, name).map((_, index) => {
    const tenant = plan.impact.tenants[index] ?? '';
    return { key: tenant, kind, params: { tenant, kinds: [params.kind], shard: params.shard } };
  });
}

/** Once it is cordoned nobody comes any more: who has come since the plan was made would be left serving. */
async function close(deps: KindDependencies, context: StepContext<DrainParams>): Promise<StepResult> {
  const closed = await cordonShard(deps, context);
  const { kind, shard } = context.params;
  const planned = new Set(context.plan.inputs.map(({ resource }) => resource));
  const came = (await seatsOn(deps, kind, shard)).filter(({ tenant }) => !planned.has(seatResource(tenant, kind)));
  if (came.length === 0) return closed;
  const some = came.slice(0, 5).map(({ tenant }) => tenant);
  throw new FairleadError('plan_stale', `Tenants have come to ${kind} ${shard} since: ${some.join(', ')}. Plan again.`);
}

async function openAsPlanned(deps: KindDependencies, context: StepContext<ResumeParams>): Promise<StepResult> {
  const { kind, shard: shardId } = context.params;
  if (actionsOf(context, 'open').length > 0)
    await deps.placement.setShardState(
      { kind, shardId, state: 'active', expectedRevision: plannedRevision(context), reason: context.reason },
      { signal: context.signal },
    );
  return { outcome: 'done' };
}
