/** How placement is to be decided, as the configuration says, for one rebalance; pure. */
import type { PlacedKind } from '@fairlead/contracts';
import type { Policy } from '../config/domains/placement.js';
import type { Goal, TenantSnapshot } from './domain/rebalance/types.js';

/** A goal of which some is left to the configuration. */
export type AskedGoal = LeaveOpen<Goal>;

type LeaveOpen<Each> = Each extends Goal ? Omit<Each, 'cooldownMs'> & { readonly cooldownMs?: number } : never;

const hourMs = 3_600_000;

/**
 * The goal with what was left out: tolerance and cooldown, and for `balance` as many moves as are left of those that may be made in an hour.
 * Emptying and replacing a shard is what somebody asked for, and has no such limit.
 */
export function goalBy(policy: Policy, asked: AskedGoal, tenants: readonly TenantSnapshot[]): Goal {
  const { nowMs } = asked;
  const lately = () => tenants.filter(({ lastMovedAtMs }) => lastMovedAtMs !== undefined && nowMs - lastMovedAtMs < hourMs).length;
  const budget = asked.mode === 'balance' ? Math.max(0, policy.move_budget.per_hour - lately()) : undefined;
  return {
    ...asked,
    tolerance: asked.tolerance ?? policy.tolerance_percent / 100,
    moveBudget: asked.moveBudget ?? budget,
    cooldownMs: asked.cooldownMs ?? policy.cooldown_seconds * 1_000,
  };
}

/** The shards that pins keep tenants of a kind to, by tenant. Labels stand for the shards that have all of them. */
export function pinsOf(
  { pins }: Policy,
  kind: PlacedKind,
  shards: readonly { readonly shardId: string; readonly labels: Readonly<Record<string, string>> }[],
): Map<string, readonly string[]> {
  const only = new Map<string, readonly string[]>();
  for (const { tenants, kind: pinned, on } of pins) {
    if (pinned !== kind) continue;
    const wanted =
      'shard' in on
        ? [on.shard]
        : shards
            .filter(({ labels }) => Object.entries(on.labels).every(([name, value]) => labels[name] === value))
            .map(({ shardId }) => shardId);
    for (const tenant of tenants) only.set(tenant, wanted);
  }
  return only;
}
