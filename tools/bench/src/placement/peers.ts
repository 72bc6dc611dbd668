/** Two ways to place tenants by hashing. Each answers the shard of every tenant. */
import { hash } from './data.js';

const pointsOfShard = 100;

/** Rendezvous hashing. */
export function rendezvous(shards: readonly number[], tenants: number): number[] {
  return Array.from({ length: tenants }, (_, tenant) => {
    let [best, highest] = [-1, -1];
    for (const shard of shards) {
      const score = hash(tenant, shard + 1);
      if (score > highest) [best, highest] = [shard, score];
    }
    return best;
  });
}

/** Consistent hashing with bounded loads: `bound` is how much of the mean a shard takes. */
export function boundedLoads(shards: readonly number[], loads: readonly number[], bound: number): number[] {
  const ring = shards
    .flatMap((shard) => Array.from({ length: pointsOfShard }, (_, point) => ({ shard, at: hash(shard * pointsOfShard + point, 77) })))
    .sort((a, b) => a.at - b.at || a.shard - b.shard);
  const most = (bound * loads.reduce((sum, load) => sum + load, 0)) / shards.length;
  const carried = new Map(shards.map((shard) => [shard, 0]));
  const placed = new Array<number>(loads.length).fill(-1);
  const order = loads.map((load, tenant) => ({ tenant, load, at: hash(tenant, 78) })).sort((a, b) => a.at - b.at || a.tenant - b.tenant);
  for (const { tenant, load, at } of order) {
    const first = firstAfter(ring, at);
    let found = ring[first % ring.length]?.shard ?? -1;
    for (let step = 0; step < ring.length; step += 1) {
      const shard = ring[(first + step) % ring.length]?.shard ?? -1;
      if ((carried.get(shard) ?? Infinity) + load > most) continue;
      found = shard;
      break;
    }
    placed[tenant] = found;
    carried.set(found, (carried.get(found) ?? 0) + load);
  }
  return placed;
}

function firstAfter(ring: readonly { at: number }[], at: number): number {
  let [low, high] = [0, ring.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ring[middle]?.at ?? Infinity) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}
