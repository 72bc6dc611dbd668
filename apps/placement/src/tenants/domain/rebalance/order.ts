/** Putting steps into an order that is safe at every prefix. */
import type { SliceCounter, Sliced } from './slices.js';
import { largestFirst, mayBeOn, meetsGroup, relocate, type Shard, type Step, type Tenant } from './state.js';

/** Rounds over the steps that have yet to find their place, at most. */
const maxRounds = 200;

/**
 * Orders moves of tenants, each from where it is now, and makes them; the largest first where nothing forbids it. On the way
 * a shard goes over what it has now only up to `limit`. Answers undefined, with every tenant where it was, when
 * there is no such order to be found.
 */
export function* makeInOrder(
  moves: readonly { tenant: Tenant; to: Shard }[],
  limit: (shard: Shard) => number,
  slices: SliceCounter,
): Sliced<Step[] | undefined> {
  const before = new Map(moves.map(({ to }) => [to, to.load]));
  const made: Step[] = [];
  let pending = moves
    .map(({ tenant, to }) => ({ tenant, to, urgency: urgencyOf(tenant) }))
    .sort((a, b) => b.urgency - a.urgency || largestFirst(a.tenant, b.tenant));
  // What sorting compares.
  slices.count(16 * moves.length);
  for (let round = 0; pending.length > 0 && round < maxRounds; round += 1) {
    const waiting: typeof pending = [];
    slices.count(2 * pending.length);
    if (slices.isOver()) yield;
    for (const next of pending) {
      const { tenant, to } = next;
      const load = to.load + tenant.load;
      if (load > Math.max(limit(to), before.get(to) ?? 0) || load > to.maxLoad || meetsGroup(tenant, to)) {
        waiting.push(next);
        continue;
      }
      made.push({ tenant, from: tenant.at, to });
      relocate(tenant, to);
    }
    if (waiting.length === pending.length) break;
    pending = waiting;
  }
  if (pending.length === 0) return made;
  for (const { tenant, from } of made.toReversed()) relocate(tenant, from);
  return undefined;
}

/** Whoever only makes room for others goes last, so that a plan that is cut has done what is wanted, as far as it could, and not only prepared it. */
function urgencyOf(tenant: Tenant): number {
  const { at } = tenant;
  if (at.leaving) return 2;
  return !mayBeOn(tenant, at) || meetsGroup(tenant, at) || at.load > at.limit ? 1 : 0;
}
