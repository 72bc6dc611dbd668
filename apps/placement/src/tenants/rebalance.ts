import { FairleadError, type PlacedKind } from '@fairlead/contracts';
import { readLog } from '@fairlead/event-log';
import type { Database, Sql } from '@fairlead/postgres';
import type { Version } from './domain/epoch.js';
import { explainPlacement, type Explanation, type PastMove } from './domain/rebalance/explain.js';
import { planRebalance } from './domain/rebalance/plan.js';
import type { Goal, RebalancePlan, Snapshot } from './domain/rebalance/types.js';
import { whatIfShardDies, type FailureOutcome } from './domain/rebalance/what-if.js';
import { readKindSnapshot } from './store/snapshot.js';
import { findTenant } from './store/tenants.js';

/** More moves than this of one tenant are not told. */
const maxPastMoves = 10_000;

interface Asked {
  readonly kind: PlacedKind;
  /** Shards that are not to get tenants. */
  readonly unhealthy: readonly string[];
}

/** Plans a rebalance from the placement as it stands. Throws shard_not_found, invalid_argument. */
export async function planFromNow(sql: Sql, { kind, unhealthy }: Asked, goal: Goal): Promise<RebalancePlan & Version> {
  const { snapshot, ...version } = await snapshotNow(sql, kind, unhealthy);
  return { ...planRebalance(snapshot, goal), ...version };
}

/** Tells what would become of a shard's tenants if it died. Throws shard_not_found. */
export async function whatIfNow(sql: Sql, { kind, unhealthy }: Asked, shardId: string): Promise<FailureOutcome & Version> {
  const { snapshot, ...version } = await snapshotNow(sql, kind, unhealthy);
  return { ...whatIfShardDies(snapshot, { shardId }), ...version };
}

/** Explains where a tenant is for a kind, from placement and the tenant's events. Throws tenant_not_found. */
export async function explainNow(database: Database, kind: PlacedKind, tenantId: string): Promise<Explanation & Version> {
  return database.transaction(async (tx) => {
    const tenant = await findTenant(tx, tenantId);
    if (tenant === undefined)
      throw new FairleadError('tenant_not_found', `There is no tenant ${tenantId}`, { details: { tenant_id: tenantId } });
    const { snapshot, ...version } = await snapshotNow(tx, kind, []);
    const moves = await pastMoves(tx, kind, tenantId);
    const history = { requestedShardId: tenant.requested[kind], createdAtMs: tenant.createdAt.getTime(), moves };
    return { ...explainPlacement(snapshot, tenantId, history, { cooldownMs: 0, nowMs: 0 }), ...version };
  });
}

async function snapshotNow(sql: Sql, kind: PlacedKind, unhealthy: readonly string[]): Promise<Version & { snapshot: Snapshot }> {
  const { epoch, revision, shards, tenants } = await readKindSnapshot(sql, kind);
  const sick = new Set(unhealthy);
  const snapshot = {
    shards: shards.map((shard) => ({ ...shard, healthy: !sick.has(shard.shardId) })),
    tenants,
  };
  return { epoch, revision, snapshot };
}

async function pastMoves(sql: Sql, kind: PlacedKind, tenantId: string): Promise<PastMove[]> {
  const events = await readLog(sql, { after: 0, limit: maxPastMoves, aggregateType: 'placement_map', aggregateId: tenantId });
  return events.flatMap(({ type, payload, meta, recordedAt }) =>
    type !== 'tenant_moved'
      ? []
      : (payload['moves'] as { kind: string; from: string; to: string }[])
          .filter((move) => move.kind === kind)
          .map(({ from, to }) => ({ from, to, movedAtMs: recordedAt.getTime(), reason: meta.reason ?? '' })),
  );
}
