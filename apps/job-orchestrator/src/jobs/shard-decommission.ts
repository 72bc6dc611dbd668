/**
 * Takes a shard out of service for good: it is cordoned, its tenants move to the other shards or to one that takes its place, each by a
 * migration of its own, and then it is removed from the directory. Until that it can be taken back: the shard is open again, and who has moved
 * stays where it is.
 */
import { z } from 'zod';
import { FairleadError, placedKinds, type placementV1 } from '@fairlead/contracts';
import { childrenStep, type ChildJobs } from '../engine/children.js';
import type { Action, Check, JobKind, PlanDraft, StepContext, StepResult } from '../engine/kind.js';
import { counted } from './checks.js';
import type { KindDependencies } from './clients.js';
import { withinOneLook } from './one-look.js';
import { preflight } from './preflight.js';
import { migrationsOf, movesAtOnce, planByPlacement, planEach, planMoves, readMoves, type RebalanceInputs } from './rebalance.js';
import { cordonShard, openShard } from './shard-state.js';
import { minuteMs, patient, shardName, shardResource } from './tenants.js';
import { maxTenants } from './tenants-migrate.js';

const params = z.strictObject({
  kind: z.enum(placedKinds),
  shard: shardName,
  /** The shard that takes its place; the others share its tenants when left out. */
  to: shardName.optional(),
  /** How far over its share of the mean another shard may be; as the configuration says when left out. */
  tolerance: z.number().min(0).max(1).optional(),
  /** Migrations under way at the same time; as the configuration says when left out. */
  parallel: z.int().min(1).max(16).optional(),
  /** No more are started once so many have failed. */
  stop_after_failures: z.int().min(1).max(maxTenants).default(1),
});
type Params = z.output<typeof params>;

/** What a decommission is planned from. */
export interface DecommissionInputs extends Omit<RebalanceInputs, 'stuck'> {
  readonly shard: placementV1.Shard;
  /** Active ones of the kind that have an endpoint, but this. */
  readonly others: number;
  /** Where documents of the configuration refer to it. */
  readonly references: readonly placementV1.ShardReference[];
}

export function shardDecommission(deps: KindDependencies, children: ChildJobs): JobKind<Params, DecommissionInputs> {
  const kind: JobKind<Params, DecommissionInputs> = {
    kind: 'shard-decommission',
    version: 1,
    permission: 'placement.write',
    alsoNeeds: () => ['tenant.migrate'],
    params,
    deadlineMs: 24 * 60 * minuteMs,
    locks: ({ kind: placed, shard }) => [`shard/${placed}/${shard}`, `rebalance/${placed}`],
    tenantOf: () => undefined,
    readInputs: (input) => readInputs(deps, input),
    plan: (input, inputs) => planDecommission(input, inputs, deps),
    steps: [
      preflight<Params>(() => kind),
      {
        name: 'cordon',
        attemptTimeoutMs: 10_000,
        timeoutMs: deps.settings.undoTimeoutMs,
        retry: patient,
        run: (context) => cordonShard(deps, context),
        undoTimeoutMs: deps.settings.undoTimeoutMs,
        undo: (context) => openShard(deps, context),
      },
      childrenStep<Params>('migrate', children, {
        children: ({ plan }) => migrationsOf({ ...plan, actions: plan.actions.filter(({ name }) => name === 'migrate') }),
        parallel: movesAtOnce,
        stopAfterFailures: (given) => given.stop_after_failures,
        timeoutMs: 24 * 60 * minuteMs,
      }),
      {
        name: 'remove',
        attemptTimeoutMs: 10_000,
        timeoutMs: deps.settings.forwardTimeoutMs,
        retry: patient,
        pointOfNoReturn: true,
        run: (context) => remove(deps, context),
        undo: { none: 'a shard that is gone is registered anew by who wants it back' },
      },
    ],
  };
  return kind;
}

async function readInputs(deps: KindDependencies, { kind, shard: shardId, to, tolerance, parallel, stop_after_failures }: Params) {
  const limits = { kind, shard: shardId, tolerance, parallel, stop_after_failures, cooldown_seconds: 0 };
  const [{ shard, references }, { shards }, planned] = await Promise.all([
    deps.placement.getShard({ kind, shardId, withReferences: true }),
    deps.placement.listShards({ kind }),
    planByPlacement(deps, to === undefined ? { mode: 'empty', ...limits } : { mode: 'replace', to, ...limits }),
  ]);
  if (shard === undefined) throw new FairleadError('shard_not_found', `There is no ${kind} shard ${shardId}`);
  const others = shards.filter((one) => one.shardId !== shardId && one.state === 'active' && one.endpoints.length > 0).length;
  const rebalance = isEmpty(planned, shardId) ? withoutMoves(planned) : planned;
  return { shard, others, references, rebalance, migrations: await readMoves(withinOneLook(deps), kind, rebalance.moves) };
}

const isEmpty = ({ shards }: placementV1.Rebalance, shardId: string) =>
  shards.some((shard) => shard.shardId === shardId && shard.tenantsBefore === 0);

/** Who takes an empty shard out of service has not asked for the others to be balanced. */
function withoutMoves(rebalance: placementV1.Rebalance): placementV1.Rebalance {
  const shards = rebalance.shards.map((shard) => ({
    ...shard,
    ...{ tenantsAfter: shard.tenantsBefore, loadAfter: shard.loadBefore, leftOver: '', leftOverMessage: '' },
  }));
  return { ...rebalance, moves: [], shards, ratioAfter: rebalance.ratioBefore };
}

/** Plans a decommission from what was seen; pure. */
export function planDecommission(
  { kind, shard: shardId }: Params,
  { shard, others, references, rebalance, migrations }: DecommissionInputs,
  { settings }: Pick<KindDependencies, 'settings'>,
): PlanDraft {
  const plans = planEach(kind, { rebalance, migrations }, settings);
  const moves = planMoves({ kind }, rebalance, plans);
  const name = `${kind} ${shardId}`;
  const action = (what: string, description: string): Action => ({ name: what, description, kind, fromShardId: shardId, toShardId: '' });
  const cordoned = shard.state === 'cordoned' ? [] : [action('cordon', `let no new tenant come to ${name}`)];
  return {
    actions: [
      ...cordoned,
      ...moves.actions.map((move) => saidToBalance(move, shardId)),
      action('remove', `take ${name} out of the directory, once it has no tenants`),
    ],
    checks: [...moves.checks, canBeEmptied(rebalance, shard, moves), othersTake(kind, others), noDocumentRefersTo(name, references)],
    impact: { ...moves.impact, services: [...new Set([...moves.impact.services, `${kind}/${shardId}`])].sort() },
    inputs: [
      ...moves.inputs.filter(({ resource }) => resource !== shardResource(shard)),
      { resource: shardResource(shard), revision: shard.revision },
    ],
    ...(moves.parallel === undefined ? {} : { parallel: moves.parallel }),
  };
}

/** A move between other shards, which have to stay within their limits as they take over, says that it is one. */
export function saidToBalance(move: Action, shardId: string): Action {
  return move.fromShardId === shardId ? move : { ...move, description: `${move.description}, only to balance the others` };
}

/** Who can't leave blocks: a shard that keeps tenants is not removed. */
function canBeEmptied({ shards, moves }: placementV1.Rebalance, { kind, shardId }: placementV1.Shard, { actions }: PlanDraft): Check {
  const left = shards.find((shard) => shard.shardId === shardId);
  const wanted = moves.filter(({ fromShardId }) => fromShardId === shardId).length;
  const leaving = actions.filter(({ fromShardId }) => fromShardId === shardId).length;
  const total = wanted + (left?.tenantsAfter ?? 0);
  const stays = total - leaving;
  const why =
    left?.leftOver === 'budget_used_up'
      ? `one job moves ${String(maxTenants)} tenants at most: first empty it in parts, by rebalances of the mode empty`
      : (left?.leftOverMessage ?? '') || 'they can not be moved at present';
  return {
    name: 'shard_can_be_emptied',
    verdict: stays === 0 ? 'pass' : 'block',
    value: `${String(leaving)} of ${String(total)}`,
    limit: 'all',
    message: stays === 0 ? `all tenants leave ${kind} ${shardId}` : `${counted(stays, 'tenant')} ${stays === 1 ? 'stays' : 'stay'}: ${why}`,
  };
}

function othersTake(kind: string, others: number): Check {
  return {
    name: 'others_take_tenants',
    verdict: others > 0 ? 'pass' : 'block',
    value: String(others),
    limit: '≥ 1',
    message:
      others > 0
        ? `other ${kind} shards take tenants`
        : `no other ${kind} shard is active and has an endpoint: new tenants would have no place`,
  };
}

/** A document in force that names a shard which is gone could not be applied again as it stands. Placement looks once more before it removes. */
function noDocumentRefersTo(name: string, references: readonly placementV1.ShardReference[]): Check {
  const some = references.slice(0, 5).map(({ document, pointer, detail }) => `${document} ${pointer}: without it ${detail}`);
  return {
    name: 'no_document_refers_to_it',
    verdict: references.length === 0 ? 'pass' : 'block',
    value: String(references.length),
    limit: 'none',
    message: references.length === 0 ? `no document of the configuration needs ${name}` : some.join('; '),
  };
}

async function remove(deps: KindDependencies, context: StepContext<Params>): Promise<StepResult> {
  const { kind, shard: shardId } = context.params;
  const { revision } = context.outputs['cordon'] as { revision: number };
  await deps.placement.setShardState(
    { kind, shardId, state: 'removed', expectedRevision: revision, reason: context.reason },
    { signal: context.signal },
  );
  return { outcome: 'done' };
}
