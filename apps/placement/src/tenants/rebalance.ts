import { setImmediate } from 'node:timers/promises';
import { FairleadError, type PlacedKind } from '@fairlead/contracts';
import type { Database, Sql } from '@fairlead/postgres';
import { policyIdentity, policyOf, type Policy } from '../config/domains/placement.js';
import { readEffective } from '../config/read.js';
import type { Version } from './domain/epoch.js';
import { explainPlacement, type Explanation } from './domain/rebalance/explain.js';
import { planInSlices } from './domain/rebalance/plan.js';
import { givingWay } from './domain/rebalance/slices.js';
import type { RebalancePlan, Snapshot } from './domain/rebalance/types.js';
import { whatIfInSlices, type FailureOutcome } from './domain/rebalance/what-if.js';
import { takesTenants } from './domain/shards.js';
import { goalBy, pinsOf, type AskedGoal } from './policy.js';
import { readPastMoves } from './store/past-moves.js';
import { readKindSnapshot } from './store/snapshot.js';
import { findTenant } from './store/tenants.js';

/** More moves than this of one tenant and kind are not told: the newest are. */
const maxPastMoves = 1_000;

interface Asked {
  readonly kind: PlacedKind;
  /** Shards that are not to get tenants. */
  readonly unhealthy: readonly string[];
  /** Tenants that can't move at present. */
  readonly stuck?: readonly string[];
}

/** A plan, and what it was planned by besides the placement. */
export interface PlannedByPolicy {
  /** Of the configuration. */
  readonly configRevision: number;
  readonly tolerance: number;
  /** How many tenants are to move at the same time. */
  readonly parallel: number;
}

/**
 * Plans a rebalance from the placement and the configuration as they stand, and lets others go on meanwhile. Throws shard_not_found,
 * invalid_argument, and what the signal is aborted with.
 */
export async function planFromNow(
  sql: Sql,
  { kind, unhealthy, stuck = [] }: Asked,
  asked: AskedGoal,
  signal?: AbortSignal,
): Promise<RebalancePlan & Version & PlannedByPolicy> {
  const { snapshot, policy, configRevision, ...version } = await snapshotNow(sql, kind, unhealthy);
  const goal = goalBy(policy, asked, snapshot.tenants);
  const staying = new Set(stuck);
  const tenants = snapshot.tenants.map((tenant) => (staying.has(tenant.tenantId) ? { ...tenant, stuck: true } : tenant));
  const plan = await givingWay(planInSlices({ ...snapshot, tenants }, goal), () => othersFirst(signal));
  return { ...plan, ...version, configRevision, tolerance: goal.tolerance ?? 0, parallel: policy.move_budget.parallel };
}

/** Tells what would become of a shard's tenants if it died, and lets others go on meanwhile. Throws shard_not_found, and what the signal is aborted with. */
export async function whatIfNow(
  sql: Sql,
  { kind, unhealthy }: Asked,
  shardId: string,
  signal?: AbortSignal,
): Promise<FailureOutcome & Version> {
  const { snapshot, epoch, revision } = await snapshotNow(sql, kind, unhealthy);
  const outcome = await givingWay(whatIfInSlices(snapshot, { shardId }), () => othersFirst(signal));
  return { ...outcome, epoch, revision };
}

/** Lets the process do what else there is; throws when nobody waits for the plan any more. */
async function othersFirst(signal: AbortSignal | undefined): Promise<void> {
  await setImmediate();
  signal?.throwIfAborted();
}

/** Explains where a tenant is for a kind, from placement and the tenant's newest moves. Throws tenant_not_found. */
export async function explainNow(
  database: Database,
  kind: PlacedKind,
  tenantId: string,
  maxMoves = maxPastMoves,
): Promise<Explanation & Version> {
  return database.transaction(async (tx) => {
    const tenant = await findTenant(tx, tenantId);
    if (tenant === undefined)
      throw new FairleadError('tenant_not_found', `There is no tenant ${tenantId}`, { details: { tenant_id: tenantId } });
    const { snapshot, epoch, revision } = await snapshotNow(tx, kind, []);
    const moves = await readPastMoves(tx, kind, tenantId, maxMoves);
    const history = { requestedShardId: tenant.requested[kind], createdAtMs: tenant.createdAt.getTime(), moves };
    return { ...explainPlacement(snapshot, tenantId, history, { cooldownMs: 0, nowMs: 0 }), epoch, revision };
  });
}

async function snapshotNow(
  sql: Sql,
  kind: PlacedKind,
  unhealthy: readonly string[],
): Promise<Version & { snapshot: Snapshot; policy: Policy; configRevision: number }> {
  // First the configuration: a change of it that comes between makes the revision that is named stale.
  const { row, content } = await readEffective(sql, policyIdentity);
  const policy = policyOf(content);
  const { epoch, revision, shards, tenants } = await readKindSnapshot(sql, kind);
  const sick = new Set(unhealthy);
  const pins = pinsOf(policy, kind, shards);
  const snapshot = {
    shards: shards.map((shard) => ({ ...shard, healthy: takesTenants(shard) && !sick.has(shard.shardId) })),
    tenants: pins.size === 0 ? tenants : tenants.map((tenant) => ({ ...tenant, only: pins.get(tenant.tenantId) })),
  };
  return { epoch, revision, snapshot, policy, configRevision: row.revision };
}
