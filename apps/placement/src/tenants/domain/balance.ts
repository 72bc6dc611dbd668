import { takesTenants } from './shards.js';

/** A shard as the choice of one sees it. `tenants` counts those placed there, `weight` is its share, at least 1. */
export interface Candidate {
  readonly kind: string;
  readonly shardId: string;
  readonly weight: number;
  readonly state: string;
  readonly tenants: number;
  /** How many it has. */
  readonly endpoints: number;
}

/**
 * Picks the shard that takes tenants and would have the fewest tenants per weight with one more; ties go to the lower id.
 * Answers undefined when none takes tenants. Repeated picks fill shards in proportion to their weights (D'Hondt).
 */
export function pickShard<C extends Candidate>(candidates: readonly C[]): C | undefined {
  return candidates
    .filter(takesTenants)
    .reduce<C | undefined>((best, next) => (best === undefined || hasMoreRoom(next, best) ? next : best), undefined);
}

function hasMoreRoom(a: Candidate, b: Candidate): boolean {
  // Compared crosswise, in whole numbers: quotients would round.
  const difference = (a.tenants + 1) * b.weight - (b.tenants + 1) * a.weight;
  return difference === 0 ? a.shardId < b.shardId : difference < 0;
}
