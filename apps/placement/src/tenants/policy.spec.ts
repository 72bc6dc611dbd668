import { describe, expect, it } from '@jest/globals';
import { policyOf } from '../config/domains/placement.js';
import { goalBy, pinsOf } from './policy.js';

const policy = policyOf(
  JSON.stringify({
    tolerance_percent: 8,
    cooldown_seconds: 60,
    move_budget: { parallel: 2, per_hour: 3 },
    // Of a document that was written when there was this member.
    default_kinds: ['runner'],
    pins: [
      { tenants: ['acme', 'duff'], kind: 'runner', on: { labels: { zone: 'a', disk: 'ssd' } } },
      { tenants: ['ok'], kind: 'runner', on: { shard: 'r-3' } },
      { tenants: ['acme'], kind: 'aggregate', on: { shard: 'a-1' } },
    ],
  }),
);
const nowMs = 10_000_000;
const moved = (tenantId: string, agoMs?: number) => ({
  ...{ tenantId, shardId: 'r-1', load: 1, pinned: false, lastMovedAtMs: agoMs === undefined ? undefined : nowMs - agoMs },
});

describe('the goal of a rebalance', () => {
  const tenants = [moved('acme', 1_000), moved('duff', 3_599_000), moved('ok', 3_700_000), moved('new')];

  it('is as the configuration says where nothing was asked for', () => {
    const limits = { tolerance: 0.08, cooldownMs: 60_000, nowMs };
    expect(goalBy(policy, { mode: 'balance', nowMs }, tenants)).toEqual({ mode: 'balance', ...limits, moveBudget: 1 });
    expect(goalBy(policy, { mode: 'balance', nowMs }, [...tenants, moved('a', 1), moved('b', 1)])).toMatchObject({ moveBudget: 0 });
    const empty = { mode: 'empty', shardId: 'r-1', nowMs } as const;
    expect(goalBy(policy, empty, tenants)).toEqual({ ...empty, ...limits, moveBudget: undefined });
  });

  it('is what was asked for', () => {
    const asked = { mode: 'balance', tolerance: 0, cooldownMs: 0, moveBudget: 7, nowMs } as const;
    expect(goalBy(policy, asked, tenants)).toEqual(asked);
  });
});

describe('pins', () => {
  it('keep tenants of a kind to a shard, or to those that have all of the labels', () => {
    const shards: { shardId: string; labels: Record<string, string> }[] = [
      { shardId: 'r-1', labels: { zone: 'a' } },
      { shardId: 'r-2', labels: { zone: 'a', disk: 'ssd' } },
      { shardId: 'r-3', labels: { zone: 'b', disk: 'ssd' } },
      { shardId: 'r-4', labels: { zone: 'a', disk: 'ssd', rack: '7' } },
    ];
    expect([...pinsOf(policy, 'runner', shards)]).toEqual([
      ['acme', ['r-2', 'r-4']],
      ['duff', ['r-2', 'r-4']],
      ['ok', ['r-3']],
    ]);
    expect([...pinsOf(policy, 'projection', shards)]).toEqual([]);
  });
});
