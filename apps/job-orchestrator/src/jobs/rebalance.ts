/**
 * Brings the shards of a kind to their share of the load, empties one, or replaces one by another: placement plans which tenants
 * move, and each moves by a migration of its own. What has moved stays where it is when it is stopped; placement's order is
 * safe after each move.
 */
import { z } from 'zod';
import { FairleadError, placedKinds, type fleetV1, type PlacedKind, type placementV1 } from '@fairlead/contracts';
import { childrenStep, type ChildJob, type ChildJobs } from '../engine/children.js';
import type { Check, JobKind, PlanDraft } from '../engine/kind.js';
import type { KindDependencies } from './clients.js';
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
  /** Migrations under way at the same time. */
  parallel: z.int().min(1).max(16).default(2),
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
}

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
    plan: (input, { rebalance: planned, migrations }) =>
      planMoves(
        input,
        planned,
        planned.moves.map(({ tenantId, toShardId }, index) => {
          const looked = migrations[index];
          if (looked === undefined) throw new Error('each move was looked at');
          return {
            tenant: tenantId,
            draft: planMigration({ tenant: tenantId, moves: { [input.kind]: toShardId } }, looked, deps.settings),
          };
        }),
      ),
    steps: [
      preflight<Params>(() => kind),
      childrenStep<Params>('migrate', children, {
        children: ({ plan }) => migrationsOf(plan),
        parallel: ({ parallel }) => parallel,
        stopAfterFailures: (given) => given.stop_after_failures,
        timeoutMs: 24 * 60 * minuteMs,
      }),
    ],
  };
  return kind;
}

async function readRebalance(deps: KindDependencies, input: Params): Promise<RebalanceInputs> {
  const { kind } = input;
  const planned = await planByPlacement(deps, input);
  return { rebalance: planned, migrations: await readMoves(deps, kind, planned.moves) };
}

/** What placement would do, by the fleet's health as it is now. */
export async function planByPlacement(deps: KindDependencies, input: Params): Promise<placementV1.Rebalance> {
  const { kind, mode } = input;
  const { endpoints } = await deps.fleet.getSnapshot({ maxAgeMs: healthAgeMs });
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
    unhealthyShardIds: unhealthyShards(kind, endpoints),
  });
  if (planned === undefined) throw new FairleadError('internal', 'placement answered no plan');
  // The configuration may allow more in an hour than one plan can name.
  return planned.moves.length <= maxTenants ? planned : planByPlacement(deps, { ...input, max_moves: maxTenants });
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

/** Shards of a kind of which no endpoint is well, by id. */
export function unhealthyShards(kind: PlacedKind, endpoints: readonly fleetV1.EndpointHealth[]): string[] {
  const well = new Map<string, boolean>();
  for (const endpoint of endpoints) {
    if (endpoint.kind !== kind) continue;
    const isWell = endpoint.reachable && endpoint.healthy && endpoint.ready;
    well.set(endpoint.shardId, isWell || well.get(endpoint.shardId) === true);
  }
  return [...well].flatMap(([shardId, isWell]) => (isWell ? [] : [shardId])).sort();
}

/** Plans the moves, in placement's order, from the plan of each; pure. */
export function planMoves(
  { kind }: Params,
  planned: placementV1.Rebalance,
  plans: readonly { tenant: string; draft: PlanDraft }[],
): PlanDraft {
  const many = planTenants(plans);
  return {
    ...many,
    actions: planned.moves.map(({ tenantId, fromShardId, toShardId, why }) => ({
      name: 'migrate',
      description: `move ${tenantId}: ${kind} from ${fromShardId} to ${toShardId} (${why.replaceAll('_', ' ')})`,
      kind,
      fromShardId,
      toShardId,
    })),
    checks: [...many.checks, reaches(planned)],
    // Tolerance, cooldown, budget and pins are the configuration's.
    inputs: [...many.inputs, { resource: policyResource, revision: planned.configRevision }],
  };
}

function reaches({ shards, ratioBefore, ratioAfter, tolerance }: placementV1.Rebalance): Check {
  const left = shards.filter(({ leftOver }) => leftOver !== '');
  const some = left.slice(0, 5).map(({ shardId, leftOverMessage }) => `${shardId}: ${leftOverMessage}`);
  const change = `the highest load is ${ratioBefore.toFixed(2)} of its share, and ${ratioAfter.toFixed(2)} afterwards`;
  return {
    name: 'shards_within_tolerance',
    verdict: left.length === 0 ? 'pass' : 'warn',
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
