/**
 * Brings the shards of a kind to their share of the load, empties one, or replaces one by another: placement plans which tenants
 * move, and each moves by a migration of its own. What has moved stays where it is when it is stopped; placement's order is
 * safe after each move.
 */
import { z } from 'zod';
import { FairleadError, placedKinds, type fleetV1, type PlacedKind, type placementV1 } from '@fairlead/contracts';
import { childrenStep, type ChildJob, type ChildJobs } from '../engine/children.js';
import type { Check, JobKind, PlanDraft } from '../engine/kind.js';
import { gatewaysCheck, publicationCheck } from './checks.js';
import type { KindDependencies } from './clients.js';
import { withinOneLook } from './one-look.js';
import { preflight } from './preflight.js';
import { planMigration, readMigrationInputs, type MigrationInputs } from './tenant-migrate.js';
import { minuteMs, shardName } from './tenants.js';
import { lookAtOnce, maxTenants, planTenants } from './tenants-migrate.js';

/** A snapshot of the fleet's health that is older is taken anew. */
const healthAgeMs = 30_000;

/** The document that says how placement is decided. */
export const policyResource = 'config/placement/platform/default';

const common = {
  kind: z.enum(placedKinds),
  /** How far over its share of the mean a shard may be; what is left out of these three is as the configuration says. */
  tolerance: z.number().min(0).max(1).optional(),
  max_moves: z.int().min(1).max(maxTenants).optional(),
  /** A tenant that has moved less than this ago stays. */
  cooldown_seconds: z
    .int()
    .min(0)
    .max(30 * 24 * 3600)
    .optional(),
  /** Migrations under way at the same time; as the configuration says when left out. */
  parallel: z.int().min(1).max(16).optional(),
  /** No more are started once so many have failed. */
  stop_after_failures: z.int().min(1).max(maxTenants).default(1),
};
const params = z.discriminatedUnion('mode', [
  z.strictObject({ mode: z.literal('balance'), ...common }),
  z.strictObject({ mode: z.literal('empty'), shard: shardName, ...common }),
  z.strictObject({ mode: z.literal('replace'), shard: shardName, to: shardName, ...common }),
]);
type Params = z.output<typeof params>;

/** What a rebalance is planned from: what placement would do, and for each of its moves what its migration looks at. */
export interface RebalanceInputs {
  readonly rebalance: placementV1.Rebalance;
  readonly migrations: readonly MigrationInputs[];
  /** Tenants that would move if they could, each with why it can't; the plan is made around them. */
  readonly stuck: readonly StuckTenant[];
}

export interface StuckTenant {
  readonly tenant: string;
  readonly why: string;
}

/** A tenant that can't move is found in plans of so many moves, one after the other, so that whoever comes after it is known. */
const lookAhead = [32, 128, maxTenants];

export function rebalance(deps: KindDependencies, children: ChildJobs): JobKind<Params, RebalanceInputs> {
  const kind: JobKind<Params, RebalanceInputs> = {
    kind: 'rebalance',
    version: 1,
    permission: 'tenant.migrate',
    params,
    deadlineMs: 24 * 60 * minuteMs,
    // One plan at a time moves the tenants of a kind; each migration locks its own tenant.
    locks: ({ kind: placed }) => [`rebalance/${placed}`],
    tenantOf: () => undefined,
    readInputs: (input) => readRebalance(deps, input),
    plan: (input, inputs) => planMoves(input, inputs.rebalance, planEach(input.kind, inputs, deps.settings), inputs.stuck),
    steps: [
      preflight<Params>(() => kind),
      childrenStep<Params>('migrate', children, {
        children: ({ plan }) => migrationsOf(plan),
        parallel: movesAtOnce,
        stopAfterFailures: (given) => given.stop_after_failures,
        timeoutMs: 24 * 60 * minuteMs,
      }),
    ],
  };
  return kind;
}

/** The plan of each move's migration; pure. */
export function planEach(
  kind: PlacedKind,
  { rebalance: { moves }, migrations }: Pick<RebalanceInputs, 'rebalance' | 'migrations'>,
  limits: KindDependencies['settings'],
): { tenant: string; draft: PlanDraft }[] {
  return moves.map(({ tenantId: tenant, toShardId }, index) => {
    const looked = migrations[index];
    if (looked === undefined) throw new Error('each move was looked at');
    return { tenant, draft: planMigration({ tenant, moves: { [kind]: toShardId } }, looked, limits) };
  });
}

/**
 * Has placement plan around the tenants that can't move, so that they take nobody's place among the moves. Where nothing is left to be moved the first
 * plan says what stands in the way.
 */
async function readRebalance(deps: KindDependencies, input: Params): Promise<RebalanceInputs> {
  const { kind } = input;
  const once = withinOneLook(deps);
  const look = async (rebalance: placementV1.Rebalance) => ({ rebalance, migrations: await readMoves(once, kind, rebalance.moves) });
  const first = { ...(await look(await planByPlacement(deps, input))), stuck: [] };
  const stuck = new Map<string, string>();
  const remember = (looked: Pick<RebalanceInputs, 'rebalance' | 'migrations'>): number => {
    const blocked = planEach(kind, looked, deps.settings).flatMap(({ tenant, draft }) => {
      const block = blockOf(draft);
      return block === undefined ? [] : [[tenant, block.message] as const];
    });
    for (const [tenant, why] of blocked) stuck.set(tenant, why);
    return looked.rebalance.moves.length - blocked.length;
  };
  const wanted = first.rebalance.moves.length;
  if (remember(first) === wanted) return first;
  for (const ahead of lookAhead) {
    const before = stuck.size;
    const max_moves = Math.max(ahead, wanted);
    const next = await planByPlacement(deps, { ...input, max_moves }, [...stuck.keys()]);
    for (let [at, fit] = [0, 0]; at < next.moves.length && fit < wanted; at += lookAtOnce)
      fit += remember(await look({ ...next, moves: next.moves.slice(at, at + lookAtOnce) }));
    if (stuck.size === before) break;
  }
  const rebalance = await planByPlacement(deps, input, [...stuck.keys()]);
  if (rebalance.moves.length === 0) return first;
  return { ...(await look(rebalance)), stuck: [...stuck].map(([tenant, why]) => ({ tenant, why })) };
}

/** How many migrations are under way at the same time. */
export const movesAtOnce = ({ parallel }: Pick<Params, 'parallel'>, plan: PlanDraft): number => parallel ?? plan.parallel ?? 1;

/** What placement would do, by the fleet's health as it is now, when these tenants stay. */
export async function planByPlacement(
  deps: KindDependencies,
  input: Params,
  stuck: readonly string[] = [],
): Promise<placementV1.Rebalance> {
  const { kind, mode } = input;
  const [{ shards }, { endpoints }] = await Promise.all([
    deps.placement.listShards({ kind }),
    deps.fleet.getSnapshot({ maxAgeMs: healthAgeMs }),
  ]);
  const { rebalance: planned } = await deps.placement.planRebalance({
    kind,
    mode,
    shardId: mode === 'balance' ? '' : input.shard,
    toShardId: mode === 'replace' ? input.to : '',
    tolerance: input.tolerance,
    // Of a mode that has no limit, one plan moves as many as a job may.
    moveBudget: input.max_moves ?? (mode === 'balance' ? undefined : maxTenants),
    cooldownMs: input.cooldown_seconds === undefined ? undefined : input.cooldown_seconds * 1_000,
    nowMs: 0,
    unhealthyShardIds: unhealthyShards(shards, endpoints),
    stuckTenantIds: [...stuck],
  });
  if (planned === undefined) throw new FairleadError('internal', 'placement answered no plan');
  // The configuration may allow more in an hour than one plan can name.
  return planned.moves.length <= maxTenants ? planned : planByPlacement(deps, { ...input, max_moves: maxTenants }, stuck);
}

/** What the migration of each move looks at. */
export async function readMoves(
  deps: KindDependencies,
  kind: PlacedKind,
  moves: readonly placementV1.PlannedMove[],
): Promise<MigrationInputs[]> {
  const migrations: MigrationInputs[] = [];
  for (let from = 0; from < moves.length; from += lookAtOnce)
    migrations.push(
      ...(await Promise.all(
        moves
          .slice(from, from + lookAtOnce)
          .map(({ tenantId, toShardId }) => readMigrationInputs(deps, { tenant: tenantId, moves: { [kind]: toShardId } })),
      )),
    );
  return migrations;
}

/**
 * Active shards that are not to get tenants, by id: those that a migration would not go to, for they have no endpoint, or one that is not well.
 * Others take no tenants anyway.
 */
export function unhealthyShards(
  shards: readonly Pick<placementV1.Shard, 'kind' | 'shardId' | 'state'>[],
  endpoints: readonly fleetV1.EndpointHealth[],
): string[] {
  const known = new Set<string>();
  const sick = new Set<string>();
  for (const { kind, shardId, reachable, healthy, ready } of endpoints) {
    known.add(`${kind}/${shardId}`);
    if (!reachable || !healthy || !ready) sick.add(`${kind}/${shardId}`);
  }
  return shards
    .filter(({ kind, shardId, state }) => {
      const name = `${kind}/${shardId}`;
      return state === 'active' && (!known.has(name) || sick.has(name));
    })
    .map(({ shardId }) => shardId)
    .sort();
}

/**
 * Plans the moves, in placement's order, from the plan of each; pure. Tenants that can't move, and those that had to wait for them, are left
 * out with a warning; the plan is blocked only when none can move.
 */
export function planMoves(
  { kind }: Pick<Params, 'kind'>,
  planned: placementV1.Rebalance,
  plans: readonly { tenant: string; draft: PlanDraft }[],
  stuck: readonly StuckTenant[] = [],
): PlanDraft {
  const outcome = leaveOut(planned.moves, plans);
  // Where nothing is left the plan says what stands in the way of each.
  const leftOut = outcome.size < plans.length ? outcome : new Map<string, string>();
  const moves = planned.moves.filter(({ tenantId }) => !leftOut.has(tenantId));
  const many = planTenants(plans.filter(({ tenant }) => !leftOut.has(tenant)));
  return {
    ...many,
    actions: moves.map(({ tenantId, fromShardId, toShardId, why }) => ({
      name: 'migrate',
      description: `move ${tenantId}: ${kind} from ${fromShardId} to ${toShardId} (${why.replaceAll('_', ' ')})`,
      kind,
      fromShardId,
      toShardId,
    })),
    checks: [...many.checks, noneLeftOut(plans.length, leftOut, stuck), reaches(planned, leftOut.size > 0)],
    // Tolerance, cooldown, budget and pins are the configuration's.
    inputs: [...many.inputs, { resource: policyResource, revision: planned.configRevision }],
    parallel: Math.max(1, planned.parallel),
  };
}

/** Checks that are the same for every tenant: who is left out would not help. */
const commonChecks: ReadonlySet<string> = new Set([publicationCheck, gatewaysCheck]);

/** What keeps a tenant from moving; undefined when nothing does, or what keeps all of them. */
const blockOf = (draft: PlanDraft | undefined): Check | undefined =>
  draft?.checks.find(({ name, verdict }) => verdict === 'block' && !commonChecks.has(name));

/** Tenants that can't move, and those that would go where such a one stays, each with why. */
function leaveOut(moves: readonly placementV1.PlannedMove[], plans: readonly { tenant: string; draft: PlanDraft }[]): Map<string, string> {
  const leftOut = new Map<string, string>();
  const stays = new Map<string, string>();
  for (const [index, { tenantId, fromShardId, toShardId }] of moves.entries()) {
    const block = blockOf(plans[index]?.draft);
    const first = stays.get(toShardId);
    const why = block?.message ?? (first === undefined ? undefined : `${first} had to be first`);
    if (why === undefined) continue;
    leftOut.set(tenantId, why);
    if (!stays.has(fromShardId)) stays.set(fromShardId, tenantId);
  }
  return leftOut;
}

function noneLeftOut(planned: number, leftOut: ReadonlyMap<string, string>, stuck: readonly StuckTenant[]): Check {
  const stay = [...stuck.map(({ tenant, why }) => [tenant, why] as const), ...leftOut];
  const total = planned + stuck.length;
  const some = stay.slice(0, 5).map(([tenant, why]) => `${tenant}: ${why}`);
  return {
    name: 'no_tenant_left_out',
    verdict: stay.length === 0 ? 'pass' : 'warn',
    value: `${String(total - stay.length)} of ${String(total)}`,
    limit: 'all',
    message:
      stay.length === 0
        ? `${String(total)} of ${String(total)} tenants`
        : `${String(stay.length)} of ${String(total)} stay for now: ${some.join('; ')}`,
  };
}

function reaches({ shards, ratioBefore, ratioAfter, tolerance }: placementV1.Rebalance, someStay: boolean): Check {
  const left = shards.filter(({ leftOver }) => leftOver !== '');
  const some = left.slice(0, 5).map(({ shardId, leftOverMessage }) => `${shardId}: ${leftOverMessage}`);
  const when = someStay ? 'once those that are left out have moved too' : 'afterwards';
  const change = `the highest load is ${ratioBefore.toFixed(2)} of its share, and ${ratioAfter.toFixed(2)} ${when}`;
  return {
    name: 'shards_within_tolerance',
    verdict: left.length === 0 && !someStay ? 'pass' : 'warn',
    value: ratioAfter.toFixed(2),
    limit: (1 + tolerance).toFixed(2),
    message: left.length === 0 ? change : `${change}; not all that was wanted: ${some.join('; ')}`,
  };
}

/**
 * The migrations of a plan. One that goes where an earlier one comes from waits for that: it may need the room, or be of the same
 * anti-affinity group.
 */
export function migrationsOf({ actions, impact }: PlanDraft): ChildJob[] {
  return actions.map(({ kind, toShardId }, index) => {
    const tenant = impact.tenants[index] ?? '';
    const after = actions.slice(0, index).flatMap((earlier, at) => (earlier.fromShardId === toShardId ? [impact.tenants[at] ?? ''] : []));
    return { key: tenant, kind: 'tenant-migrate', params: { tenant, moves: { [kind]: toShardId } }, after };
  });
}
