/** Says of each shard that stays over its limit, or keeps who was to leave, why. */
import { isFree, isMisplaced, mayBeOn, meetsGroup, membersOf, type Shard, type State, type Tenant } from './state.js';
import type { Sliced } from './slices.js';
import type { Goal, LeftOver, LeftOverReason } from './types.js';

const messages: Readonly<Record<LeftOverReason, string>> = {
  budget_used_up: 'the plan stops at its number of moves',
  pinned_tenants: 'tenants that are pinned stay here',
  pinned_elsewhere: 'tenants that are pinned to other shards find no place there',
  tenant_over_limit: 'one tenant alone is larger than what a shard should have',
  stuck_tenants: 'tenants here can not move at present',
  cooldown: 'tenants here have moved a short while ago',
  no_healthy_target: 'no other shard is active and healthy',
  anti_affinity: 'where there is room there is a tenant of the same group',
  capacity: 'the other shards carry no more',
  not_asked_for: 'only tenants of the shard that is replaced move',
  took_over: 'it took tenants of the shard that is left',
  no_room: 'none of its tenants fits into the room that other shards have',
};

/** What is left over when the planned moves are made, by shard id. `cut` are shards of which moves were left out for the budget. */
export function* leftOvers(state: State, goal: Goal, cut: ReadonlySet<Shard>): Sliced<LeftOver[]> {
  const found: LeftOver[] = [];
  const tell = (shard: Shard, reason: LeftOverReason) => found.push({ shardId: shard.id, reason, message: messages[reason] });
  for (const [shard, here] of membersOf(state)) {
    if (state.slices.isOver()) yield;
    const isLeft = shard.leaving ? here.length > 0 : shard.target && shard.load > shard.limit;
    const keeps = goal.mode !== 'replace' && here.some(isMisplaced);
    if (!isLeft && !keeps) continue;
    // Each of its tenants is held against the other shards.
    state.slices.count(here.length * state.shards.length);
    tell(shard, isLeft ? reasonFor(state, goal, shard, here, cut.has(shard)) : cut.has(shard) ? 'budget_used_up' : 'pinned_elsewhere');
  }
  return found;
}

function reasonFor(state: State, goal: Goal, shard: Shard, here: readonly Tenant[], cut: boolean): LeftOverReason {
  const sum = (list: readonly Tenant[]) => list.reduce((total, { load }) => total + load, 0);
  const stays = here.filter((tenant) => !isFree(tenant));
  const pinned = here.filter(isPinned);
  const stuck = here.filter((tenant) => tenant.stuck && !isPinned(tenant));
  const others = state.shards.filter(({ target, id }) => target && id !== shard.id && (goal.mode !== 'replace' || id === goal.toShardId));
  if (shard.leaving) {
    if (stays.length === here.length) return pinned.length > 0 ? 'pinned_tenants' : stuck.length > 0 ? 'stuck_tenants' : 'cooldown';
  } else {
    if (goal.mode === 'replace') return shard.id === goal.toShardId ? 'took_over' : 'not_asked_for';
    if (here[0] !== undefined && here[0].load > shard.share) return 'tenant_over_limit';
    if (sum(pinned) > shard.limit) return 'pinned_tenants';
    if (sum(pinned) + sum(stuck) > shard.limit) return 'stuck_tenants';
    if (sum(stays) > shard.limit) return 'cooldown';
  }
  if (others.length === 0) return 'no_healthy_target';
  if (cut) return 'budget_used_up';
  if (state.spilled.has(shard)) return 'took_over';
  return blockedBy(here, others, shard.leaving);
}

/** What would have to be otherwise for one of the tenants to leave. */
function blockedBy(here: readonly Tenant[], others: readonly Shard[], anyLoad: boolean): LeftOverReason {
  const some = (who: (tenant: Tenant) => boolean, where: (tenant: Tenant, shard: Shard) => boolean) =>
    here.some((tenant) => (anyLoad || tenant.load > 0) && who(tenant) && others.some((shard) => where(tenant, shard)));
  const within = ({ load }: Tenant, shard: Shard) => shard.load + load <= (anyLoad ? shard.maxLoad : shard.limit);
  if (some(isFree, (tenant, shard) => within(tenant, shard) && meetsGroup(tenant, shard))) return 'anti_affinity';
  const tooMuch = ({ load }: Tenant, shard: Shard) => shard.load + load > shard.maxLoad && (anyLoad || shard.load + load <= shard.share);
  if (some(isFree, tooMuch)) return 'capacity';
  const fits = (tenant: Tenant, shard: Shard) => within(tenant, shard) && !meetsGroup(tenant, shard);
  if (some((tenant) => tenant.stuck && !isPinned(tenant), fits)) return 'stuck_tenants';
  if (some((tenant) => tenant.cooling && !isPinned(tenant), fits)) return 'cooldown';
  if (
    some(isPinned, fits) ||
    some(
      (tenant) => isFree(tenant),
      (tenant, shard) => fits(tenant, shard) && !mayBeOn(tenant, shard),
    )
  )
    return 'pinned_tenants';
  return 'no_room';
}

/** Tenants that no move takes from where they are, by their own pin or by one that names this shard alone. */
const isPinned = ({ pinned, only, at }: Tenant): boolean => pinned || (only?.size === 1 && only.has(at));
