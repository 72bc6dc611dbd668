import { isFree, largestFirst, mayBeOn, meetsGroup, move, type State } from './state.js';

/** Takes all that may leave the shard that is replaced to the one that takes its place, as far as that one can carry it. */
export function takeOver(state: State, toShardId: string): void {
  const to = state.shards.find(({ id }) => id === toShardId);
  if (to?.target !== true) return;
  for (const tenant of state.tenants.filter(({ at }) => at.leaving).sort(largestFirst)) {
    if (!isFree(tenant) || !mayBeOn(tenant, to) || meetsGroup(tenant, to) || to.load + tenant.load > to.maxLoad) continue;
    move(state, tenant, to);
  }
  to.highest = Math.max(to.highest, to.load);
}
