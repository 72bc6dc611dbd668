import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { pickShard, type Candidate } from './balance.js';

const candidate = (shardId: string, weight: number, tenants: number, state = 'active', endpoints = 1): Candidate => ({
  kind: 'runner',
  shardId,
  weight,
  tenants,
  endpoints,
  state,
});

const shards = fc
  .uniqueArray(fc.record({ id: fc.integer({ min: 0, max: 99 }), weight: fc.integer({ min: 1, max: 50 }), active: fc.boolean() }), {
    selector: ({ id }) => id,
    minLength: 1,
    maxLength: 12,
  })
  .map((drawn) => drawn.map(({ id, weight, active }) => candidate(`s-${String(id)}`, weight, 0, active ? 'active' : 'cordoned')));

describe('pickShard', () => {
  it('picks the shard with the fewest tenants per weight, then the lower id', () => {
    expect(pickShard([candidate('b', 1, 3), candidate('a', 1, 4)])?.shardId).toBe('b');
    expect(pickShard([candidate('small', 1, 0), candidate('large', 10, 0)])?.shardId).toBe('large');
    expect(pickShard([candidate('b', 2, 2), candidate('a', 2, 2)])?.shardId).toBe('a');
    expect(pickShard([candidate('a', 1, 0, 'cordoned')])).toBeUndefined();
    expect(pickShard([candidate('a', 1, 0, 'active', 0)])).toBeUndefined();
    expect(pickShard([candidate('a', 1, 0, 'active', 0), candidate('b', 1, 9)])?.shardId).toBe('b');
  });

  it('fills active shards in proportion to their weights and leaves the others alone, in any order given', () => {
    fc.assert(
      fc.property(shards, fc.integer({ min: 0, max: 300 }), (start, tenants) => {
        let now = start;
        for (let placed = 0; placed < tenants; placed++) {
          const picked = pickShard(now);
          if (picked === undefined) break;
          expect(pickShard([...now].reverse())).toEqual(picked);
          now = now.map((shard) => (shard === picked ? { ...shard, tenants: shard.tenants + 1 } : shard));
        }
        const active = now.filter(({ state }) => state === 'active');
        expect(now.filter(({ state }) => state !== 'active').every((shard) => shard.tenants === 0)).toBe(true);
        expect(active.reduce((sum, shard) => sum + shard.tenants, 0)).toBe(active.length === 0 ? 0 : tenants);
        // No tenant would have found more room elsewhere when it came.
        for (const a of active) for (const b of active) expect(a.tenants * b.weight).toBeLessThanOrEqual((b.tenants + 1) * a.weight);
      }),
      { numRuns: 60 },
    );
  });
});
