/**
 * The phases of a rebalance. Each makes steps that are safe when they are made: a tenant goes only where it fits within the limit.
 * Those that may take long yield when a slice of operations is over.
 */
import {
  isFree,
  isMisplaced,
  isOpenTo,
  isOver,
  largestFirst,
  mayBeOn,
  meetsGroup,
  membersOf,
  mostRoom,
  move,
  roomiest,
  takeBack,
  type Shard,
  type State,
  type Tenant,
} from './state.js';
import type { Sliced } from './slices.js';

/** Tenants and shards that are tried with each other at most to make room: a count, so that the result is the same anywhere. */
const maxTries = 2_000;
/** Shards that are tried to be cleared for one giant. */
const maxClearings = 3;

/** Where tenants were when a round began, by shard; each shard's largest first. */
type Members = ReadonlyMap<Shard, readonly Tenant[]>;

/** Says anew what each shard may have: one that holds what can't leave is held to the tolerance above that. */
export function setAllowed(state: State, round: Members): void {
  for (const [shard, members] of round) {
    if (!shard.target) continue;
    const stays = members.reduce((sum, tenant) => sum + (isFree(tenant) ? 0 : tenant.load), 0);
    const giant = members.find((tenant) => tenant.giant)?.load ?? 0;
    allow(state, shard, Math.max(stays, giant));
  }
}

function allow(state: State, shard: Shard, anchor: number): void {
  shard.allowed =
    anchor > shard.limit ? Math.min(Math.floor((1 + state.tolerance) * anchor), Math.max(anchor, shard.maxLoad)) : shard.limit;
  shard.highest = Math.max(shard.highest, shard.allowed);
}

/** Brings tenants of one group on one shard apart, as far as others have room for them. The largest stays, or who can't move. */
export function* separate(state: State, round: Members): Sliced<void> {
  for (const [shard, members] of round) {
    if (!shard.target || ![...shard.groups.values()].some((count) => count > 1)) continue;
    const leaving = members.filter(isFree).toReversed();
    state.slices.count(2 * members.length);
    // While others only get fuller, who is larger finds no place where a smaller one of its group found none.
    const stuck = new Set<string | undefined>();
    for (const tenant of leaving) {
      if (state.slices.isOver()) yield;
      if (!meetsGroup(tenant, shard) || (tenant.only === undefined && stuck.has(tenant.group))) continue;
      const to = roomiest(state, tenant);
      if (to === undefined) {
        if (tenant.only === undefined) stuck.add(tenant.group);
        continue;
      }
      move(state, tenant, to);
      state.separated.add(tenant);
    }
  }
}

/** Gives tenants that are larger than any limit shards of their own, where they share one: others leave such a shard first. */
export function* spreadGiants(state: State, members: Members): Sliced<void> {
  const spare: Tenant[] = [];
  const taken = new Set<Shard>();
  for (const [shard, list] of members) {
    const giants = list.filter(({ giant, at }) => giant && at === shard);
    if (shard.leaving) spare.push(...giants.filter(isFree));
    if (giants.length > 0) taken.add(shard);
    if (!shard.target) continue;
    const keeps = giants.find((tenant) => !isFree(tenant)) ?? giants[0];
    spare.push(...giants.filter((tenant) => tenant !== keeps && isFree(tenant)));
  }
  for (const giant of spare.sort(largestFirst)) {
    state.slices.count(4 * state.shards.length);
    if (state.slices.isOver()) yield;
    // What was cleared in part, by a plan that was cut, needs the fewest: the next plan goes on there, and not at another shard.
    const candidates = state.shards
      .filter((shard) => !taken.has(shard) && isOpenToGiant(state, giant, shard))
      .map((shard) => ({ shard, departures: departuresFor(state, giant, shard, members.get(shard) ?? []) }))
      .sort((a, b) => b.shard.weight - a.shard.weight || a.departures - b.departures)
      .map(({ shard }) => shard);
    let to: Shard | undefined;
    for (const shard of candidates.slice(0, maxClearings)) {
      if (!(yield* clearFor(state, giant, shard, members.get(shard) ?? []))) continue;
      to = shard;
      break;
    }
    if (to === undefined) continue;
    move(state, giant, to);
    taken.add(to);
    allow(state, to, giant.load);
  }
}

/** Whether a giant may go to a shard when that is cleared for it, and is better there than where it is. */
function isOpenToGiant({ tolerance }: State, giant: Tenant, shard: Shard): boolean {
  if (!shard.target || shard === giant.at || giant.load > shard.maxLoad || !mayBeOn(giant, shard) || meetsGroup(giant, shard)) return false;
  return giant.at.leaving || ((1 + tolerance) * giant.load) / shard.weight < giant.at.load / giant.at.weight;
}

/** Takes as many tenants off a shard as a giant that comes there makes necessary; none when they do not fit elsewhere. */
function* clearFor(state: State, giant: Tenant, shard: Shard, members: readonly Tenant[]): Sliced<boolean> {
  return yield* clear(state, shard, roomBeside(state, giant, shard), members);
}

/** What a shard may have besides a giant. */
function roomBeside({ tolerance }: State, giant: Tenant, shard: Shard): number {
  return Math.min(Math.floor((1 + tolerance) * giant.load), shard.maxLoad) - giant.load;
}

/** How many have to leave a shard for a giant at least; infinite when those that may leave are not enough. */
function departuresFor(state: State, giant: Tenant, shard: Shard, members: readonly Tenant[]): number {
  let excess = shard.load - roomBeside(state, giant, shard);
  let count = 0;
  for (const tenant of members) {
    if (excess <= 0) break;
    if (tenant.at !== shard || !isFree(tenant)) continue;
    excess -= tenant.load;
    count += 1;
  }
  return excess <= 0 ? count : Infinity;
}

/** Takes tenants off a shard until it has no more than this; none when they do not fit elsewhere. */
function* clear(state: State, shard: Shard, most: number, members: readonly Tenant[]): Sliced<boolean> {
  const mark = state.journal.length;
  for (const tenant of members) {
    if (state.slices.isOver()) yield;
    if (shard.load <= most) break;
    const to = tenant.at === shard && isFree(tenant) ? roomiest(state, tenant, shard) : undefined;
    if (to !== undefined) move(state, tenant, to);
  }
  if (shard.load <= most) return true;
  takeBack(state, mark);
  return false;
}

/**
 * Takes tenants to where their pins want them: within the limit if there is room, or others can make it; else where the load per weight is
 * lowest afterwards, also over the limit. What may not be there by its group, or the shard can't carry, stays.
 */
export function* obeyPins(state: State, members: Members): Sliced<void> {
  for (const tenant of state.bySize) {
    if (!isMisplaced(tenant)) continue;
    if (state.slices.isOver()) yield;
    const to = roomiest(state, tenant) ?? (yield* clearedFor(state, tenant, members)) ?? lightest(state, tenant);
    if (to === undefined) continue;
    move(state, tenant, to);
    to.highest = Math.max(to.highest, to.load);
    if (to.load > to.limit && tenant.giant) allow(state, to, tenant.load);
  }
}

/** A shard that a pin wants, of which others went so that there is room; undefined when there is none. */
function* clearedFor(state: State, tenant: Tenant, members: Members): Sliced<Shard | undefined> {
  for (const shard of state.shards) {
    if (!shard.target || tenant.load > shard.limit || !mayBeOn(tenant, shard) || meetsGroup(tenant, shard)) continue;
    if (yield* clear(state, shard, shard.limit - tenant.load, members.get(shard) ?? [])) return shard;
  }
  return undefined;
}

/** Where a tenant may be and the load per weight is lowest with it, also over the limit. */
function lightest(state: State, tenant: Tenant): Shard | undefined {
  state.slices.count(state.shards.length);
  let best: Shard | undefined;
  const ratio = (to: Shard) => (to.load + tenant.load) / to.weight;
  for (const to of state.shards) {
    if (!to.target || !mayBeOn(tenant, to) || meetsGroup(tenant, to) || to.load + tenant.load > to.maxLoad) continue;
    if (best === undefined || ratio(to) < ratio(best)) best = to;
  }
  return best;
}

/** Takes tenants off the shard that is emptied, where others have room for them. */
export function* evacuate(state: State, round: Members): Sliced<void> {
  for (const [shard, members] of round) {
    if (!shard.leaving) continue;
    for (const tenant of members.filter((member) => member.at === shard && isFree(member))) {
      if (state.slices.isOver()) yield;
      const to = roomiest(state, tenant);
      if (to !== undefined) move(state, tenant, to);
    }
  }
}

/**
 * Takes the tenants that are left off the shard that is emptied, to where the load per weight is lowest afterwards, also
 * over the limit. What may not be there by its group, or the shard can't carry, stays. Answers whether any went.
 */
export function* spill(state: State): Sliced<boolean> {
  const mark = state.journal.length;
  for (const [shard, members] of membersOf(state)) {
    if (!shard.leaving) continue;
    for (const tenant of members.filter(isFree)) {
      if (state.slices.isOver()) yield;
      const best = lightest(state, tenant);
      if (best === undefined) continue;
      move(state, tenant, best);
      best.highest = Math.max(best.highest, best.load);
      if (best.load > best.limit) state.spilled.add(best);
    }
  }
  return state.journal.length > mark;
}

/**
 * Brings shards below what they may have, the one that is furthest over first: by the smallest tenant that is enough,
 * else by the largest, so that few move. A shard of which nothing fits elsewhere stays over.
 */
export function* shed(state: State, members: Members): Sliced<void> {
  const over = new Set(state.shards.filter(isOver));
  const lists = new Map<Shard, Tenant[]>();
  for (;;) {
    if (state.slices.isOver()) yield;
    let donor: Shard | undefined;
    for (const shard of over) if (donor === undefined || shard.load - shard.allowed > donor.load - donor.allowed) donor = shard;
    if (donor === undefined) return;
    // The smallest first: those that go are mostly the largest, and taking from the end costs nothing.
    const list = lists.get(donor) ?? (members.get(donor) ?? []).filter(({ at }) => at === donor).reverse();
    lists.set(donor, list);
    const [tenant, to] = yield* pickToShed(state, list, donor.load - donor.allowed);
    if (tenant === undefined || to === undefined) {
      over.delete(donor);
      continue;
    }
    list.splice(list.lastIndexOf(tenant), 1);
    move(state, tenant, to);
    if (!isOver(donor)) over.delete(donor);
  }
}

/** Of tenants of one shard, the smallest first: the smallest one that takes an excess away and fits somewhere, else the largest that fits. */
function* pickToShed(state: State, list: readonly Tenant[], excess: number): Sliced<[Tenant?, Shard?]> {
  state.slices.count(state.shards.length);
  const room = state.shards.reduce((most, { target, limit, load }) => (target ? Math.max(most, limit - load) : most), 0);
  // What shards have for tenants of a group, of those that found no place; nothing moves meanwhile.
  const rooms = new Map<string | undefined, number>();
  const placeFor = (tenant: Tenant | undefined): [Tenant, Shard] | undefined => {
    state.slices.count(1);
    if (tenant === undefined || tenant.load > room || !isFree(tenant)) return undefined;
    if (tenant.only === undefined && tenant.load > (rooms.get(tenant.group) ?? Infinity)) return undefined;
    const to = roomiest(state, tenant);
    if (to !== undefined) return [tenant, to];
    if (tenant.only === undefined) rooms.set(tenant.group, mostRoom(state, tenant));
    return undefined;
  };
  const enough = firstOfAtLeast(list, excess);
  for (let at = enough; at < list.length; at += 1) {
    if (state.slices.isOver()) yield;
    const found = placeFor(list[at]);
    if (found !== undefined) return found;
  }
  for (let at = enough - 1; at >= 0 && list[at]?.load !== 0; at -= 1) {
    if (state.slices.isOver()) yield;
    const found = placeFor(list[at]);
    if (found !== undefined) return found;
  }
  return [];
}

/** The index of the first tenant with a load of at least this, of tenants with the smallest first; their number when there is none. */
function firstOfAtLeast(list: readonly Tenant[], load: number): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle]?.load ?? Infinity) < load) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Where no tenant of a shard that is over fits anywhere: smaller ones of another shard go on, and leave their room. */
export function* makeRoom(state: State, members: Members): Sliced<void> {
  const began = state.slices.total;
  // Half of what is left, so that a later round has some as well.
  const until = began + Math.ceil(state.looksForRoom / 2);
  yield* exchangeUntil(state, members, until);
  state.looksForRoom -= Math.min(state.looksForRoom, state.slices.total - began);
}

function* exchangeUntil(state: State, members: Members, until: number): Sliced<void> {
  let tries = 0;
  const isTired = () => tries >= maxTries || state.slices.total >= until;
  for (const donor of state.shards.filter(isOver)) {
    // Groups that no shard takes another one of, while nobody moves.
    const closed = new Set<string>();
    for (const tenant of members.get(donor) ?? []) {
      if (!isOver(donor) || tenant.load === 0) break;
      if (isTired()) return;
      state.slices.count(state.shards.length);
      if (state.slices.isOver()) yield;
      if (tenant.at !== donor || !isFree(tenant) || tenant.giant || (tenant.group !== undefined && closed.has(tenant.group))) continue;
      const open = state.shards.filter((shard) => shard !== donor && shard.allowed <= shard.limit && isOpenTo(tenant, shard));
      if (open.length === 0 && tenant.only === undefined && tenant.group !== undefined) closed.add(tenant.group);
      for (const shard of open.sort((a, b) => b.limit - b.load - (a.limit - a.load))) {
        if (tenant.at !== donor || isTired()) break;
        tries += 1;
        yield* exchange(state, tenant, shard, members.get(shard) ?? [], until);
      }
      if (tenant.at !== donor) closed.clear();
    }
  }
}

/** Lets a tenant go to a shard that smaller ones leave for others, if there is room for those and it takes no more looks than these. */
function* exchange(state: State, tenant: Tenant, shard: Shard, members: readonly Tenant[], until: number): Sliced<void> {
  const mark = state.journal.length;
  state.slices.count(members.length);
  const smaller = members.filter((other) => other.load < tenant.load && other.at === shard).reverse();
  for (;;) {
    const short = shard.load + tenant.load - shard.limit;
    if (short <= 0) break;
    const [goes, to] = state.slices.total >= until ? [] : yield* pickToShed(state, smaller, short);
    if (goes === undefined || to === undefined) {
      takeBack(state, mark);
      return;
    }
    smaller.splice(smaller.lastIndexOf(goes), 1);
    move(state, goes, to);
  }
  move(state, tenant, shard);
}
