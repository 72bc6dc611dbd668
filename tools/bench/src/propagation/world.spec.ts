import { describe, expect, it } from '@jest/globals';
import { lastMove, moveOf, placementAfter, tenantName, tenantOf } from './world.js';

describe('the seats of the bench', () => {
  it('are what the moves one after the other make of them', () => {
    const tenants = 7;
    const seats = new Array<number>(tenants).fill(0);
    for (let move = 1; move <= 40; move += 1) {
      seats[tenantOf(move, tenants)] = move;
      expect(seats.map((_, tenant) => lastMove(tenant, move, tenants))).toEqual(seats);
      const placement = placementAfter(move, tenants);
      expect(placement.revision).toBe(move + 1);
      expect(seats.map((_, tenant) => moveOf(placement.maps.aggregate.get(tenantName(tenant)) ?? ''))).toEqual(seats);
      expect(new Set(placement.maps.runner.values())).toEqual(new Set(['shard-0']));
    }
  });
});
