import { z } from 'zod';
import { placedKinds, type PlacedKind, type placementV1 } from '@fairlead/contracts';
import { integer } from '../edge/answers.js';
import { present } from '../edge/clients.js';
import { placedKind, scopeName, shardId, tenantId } from '../edge/parse.js';

const maxUnhealthy = 1_000;
const maxBudget = 1_000_000;
const maxCooldown = 30 * 24 * 3600;

const shardList = 'must be shard ids with commas between them';
/** Shards that are not to get tenants, with commas between them. */
const unhealthy = z
  .string(shardList)
  .max(maxUnhealthy * 64, 'is too long')
  .transform((value) => value.split(','))
  .pipe(z.array(z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, shardList)).max(maxUnhealthy, 'has too many shards'))
  .meta({
    type: 'string',
    description: 'Shards that are not to get tenants, besides those that are cordoned: ids with commas between them.',
  });

export const rebalanceQuery = z
  .strictObject({
    kind: placedKind,
    mode: z.enum(['balance', 'empty', 'replace'], 'must be balance, empty or replace').default('balance'),
    shard: shardId.optional(),
    to: shardId.optional(),
    tolerance: z
      .string()
      .regex(/^(0(\.\d{1,6})?|1)$/, 'must be a number from 0 to 1')
      .transform(Number)
      .meta({
        type: 'number',
        minimum: 0,
        maximum: 1,
        description: 'How far over its share a shard may be; as the configuration says when left out.',
      })
      .optional(),
    move_budget: z
      .string()
      .regex(/^\d{1,7}$/, 'must be a whole number')
      .transform(Number)
      .refine((count) => count <= maxBudget, `must be ${String(maxBudget)} or less`)
      .meta({ ...integer, maximum: maxBudget, description: 'At most so many moves.' })
      .optional(),
    cooldown_seconds: z
      .string()
      .regex(/^\d{1,7}$/, 'must be a whole number of seconds')
      .transform(Number)
      .refine((seconds) => seconds <= maxCooldown, `must be ${String(maxCooldown)} or less`)
      .meta({
        ...integer,
        maximum: maxCooldown,
        description: 'Who has moved less than this ago stays; as the configuration says when left out.',
      })
      .optional(),
    unhealthy: unhealthy.optional(),
  })
  .refine(({ mode, shard }) => (shard === undefined) === (mode === 'balance'), { path: ['shard'], error: 'goes with empty and replace' })
  .refine(({ mode, to }) => (to === undefined) === (mode !== 'replace'), { path: ['to'], error: 'goes with replace' });
export const whatIfQuery = z.strictObject({ kind: placedKind, shard: shardId, unhealthy: unhealthy.optional() });
export const explainQuery = z.strictObject({ kind: placedKind, tenant: tenantId });

const ratio = z.number().nullable();
const balanceFields = {
  kind: z.enum(placedKinds),
  /** The placement that this was planned from. */
  revision: z.int(),
  epoch: z.int(),
  /** The highest load per weight over the mean. */
  ratio_before: z.number(),
  ratio_after: z.number(),
  moves: z.array(z.object({ tenant_id: z.string(), from: z.string(), to: z.string(), load: z.number(), why: z.string() })),
  shards: z.array(
    z.object({
      shard_id: z.string(),
      tenants_before: z.int(),
      tenants_after: z.int(),
      load_before: z.number(),
      load_after: z.number(),
      ratio_before: ratio,
      ratio_after: ratio,
      /** Why the shard stays over its limit, or keeps tenants. */
      left_over: z.object({ reason: z.string(), message: z.string() }).nullable(),
    }),
  ),
};
export const rebalanceSchema = z
  .object({
    ...balanceFields,
    /** Of the configuration of placement that this was planned by. */
    config_revision: z.int(),
    tolerance: z.number(),
  })
  .meta({ id: 'RebalancePreview' });
export const whatIfSchema = z.object({ ...balanceFields, stranded: z.array(z.string()) }).meta({ id: 'WhatIf' });
export const explanationSchema = z
  .object({
    tenant_id: z.string(),
    kind: z.enum(placedKinds),
    revision: z.int(),
    shard: z.string(),
    because: z.string(),
    since: z.iso.datetime(),
    reason: z.string().nullable(),
    moves: z.array(z.object({ from: z.string(), to: z.string(), moved_at: z.iso.datetime(), reason: z.string() })),
    shard_ratio: ratio,
    /** The tenant’s own. */
    load: z.number(),
    pinned: z.boolean(),
  })
  .meta({ id: 'PlacementExplanation' });

/** What would move, and what comes of it. */
export function balanceView(kind: PlacedKind, given: placementV1.Rebalance | undefined) {
  const { revision, epoch, ratioBefore, ratioAfter, moves, shards } = present(given, 'rebalance');
  return {
    ...{ kind, revision, epoch, ratio_before: ratioBefore, ratio_after: ratioAfter },
    moves: moves.map(({ tenantId: tenant, fromShardId: from, toShardId: to, load, why }) => ({ tenant_id: tenant, from, to, load, why })),
    shards: shards.map((shard) => ({
      shard_id: shard.shardId,
      tenants_before: shard.tenantsBefore,
      tenants_after: shard.tenantsAfter,
      load_before: shard.loadBefore,
      load_after: shard.loadAfter,
      ratio_before: shard.ratioBefore ?? null,
      ratio_after: shard.ratioAfter ?? null,
      left_over: shard.leftOver === '' ? null : { reason: shard.leftOver, message: shard.leftOverMessage },
    })),
  };
}

/** The same, with what it was planned by. */
export function rebalanceView(kind: PlacedKind, given: placementV1.Rebalance | undefined) {
  const { configRevision, tolerance } = present(given, 'rebalance');
  return { ...balanceView(kind, given), config_revision: configRevision, tolerance };
}

/** Why a tenant is where it is. */
export function explanationView(kind: PlacedKind, tenant: string, given: placementV1.ExplainPlacementResponse) {
  const { revision, shardId: shard, because, since, reason, moves, shardRatio, load, pinned } = given;
  return {
    ...{ tenant_id: tenant, kind, revision, shard, because, since },
    reason: reason === '' ? null : reason,
    moves: moves.map((move) => ({ from: move.fromShardId, to: move.toShardId, moved_at: move.movedAt, reason: move.reason })),
    shard_ratio: shardRatio ?? null,
    ...{ load, pinned },
  };
}

export const tenantBalanceBody = z.strictObject({
  load: z.number('must be a number').min(0, 'must be 0 or more').max(1e12, 'must be 1e12 or less'),
  pinned: z.array(placedKind, 'must be a list of kinds').max(placedKinds.length, 'has too many kinds').default([]),
  anti_affinity: scopeName.nullable().default(null),
});
export const tenantBalanceSchema = z
  .object({
    tenant_id: z.string(),
    /** The tenant’s share of work, in any unit; 1 unless it was said. */
    load: z.number(),
    /** Kinds that it does not move of. */
    pinned: z.array(z.string()),
    /** The group whose tenants are kept on different shards. */
    anti_affinity: z.string().nullable(),
    /** 0 when nobody has said anything. */
    revision: z.int(),
  })
  .meta({ id: 'TenantBalance' });

/** What balancing heeds of a tenant. */
export function tenantBalanceView(tenant: string, given: placementV1.TenantBalance | undefined) {
  const { load, pinned, antiAffinity, revision } = present(given, 'balance');
  return { tenant_id: tenant, load, pinned, anti_affinity: antiAffinity === '' ? null : antiAffinity, revision };
}
